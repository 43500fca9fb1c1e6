//! Every page in every state worth looking at, with a family's node as its data.

use nuvol_agent::http::context::{Context, Form, Who, Wrong, WrongRecord};
use nuvol_agent::http::language::Language;
use nuvol_agent::http::pages::{self, Page, Question, Step, Sure};
use nuvol_agent::node::command::{Field, Power, Refusal};
use nuvol_agent::node::community::Misfit;
use nuvol_agent::node::operation::OperationId;
use nuvol_agent::node::people::access::Purpose;
use nuvol_agent::node::people::names::Unfitting;
use nuvol_agent::node::people::{PersonId, Role, Unfit};
use nuvol_agent::node::setting;

pub mod data;
pub mod valley;

/// A page with its data.
pub struct Sample {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub path: &'static str,
    /// Who looks; nobody where they are not signed in.
    pub who: Option<Role>,
    /// Makes it.
    pub make: fn(&mut Context) -> Page,
}

impl Sample {
    /// Where the example serves it.
    pub fn address(&self, language: Language) -> String {
        format!("{}?sample={}&language={}", self.path, self.name, language.code())
    }

    /// The page.
    pub fn page(&self, language: Language) -> Page {
        let mut context = data::context(language);
        context.path = self.address(language);
        context.who = self.who.map_or_else(Who::visitor, |role| data::who(&context, role));
        (self.make)(&mut context)
    }
}

const OWNER: Option<Role> = Some(Role::Owner);

/// Shortens the table below.
const fn sample(
    name: &'static str,
    path: &'static str,
    who: Option<Role>,
    make: fn(&mut Context) -> Page,
) -> Sample {
    Sample { name, path, who, make }
}

const RECORDS: &str = r#"[{"s": "http", "d": "Old_pages", "i": "10.139.40.17", "p": "80", "t": "path=/pages"},
 {"s": "tahoe-lafs", "d": "Grid_of_the_valley", "i": "no name", "p": "none", "e": "guifi", "t": "abcdef"}]"#;

/// All of them.
pub const SAMPLES: &[Sample] = &[
    sample("home", "/", OWNER, |it| pages::home(it, &Form::default())),
    sample("home-calm", "/", OWNER, |it| {
        data::calm(it);
        pages::home(it, &Form::default())
    }),
    sample("home-new", "/", OWNER, |it| {
        data::fresh(it);
        pages::home(it, &Form::default())
    }),
    sample("home-blind", "/", OWNER, |it| {
        data::blind(it);
        pages::home(it, &Form::default())
    }),
    sample("home-trial", "/", OWNER, |it| {
        data::trial(it);
        pages::home(it, &Form::default())
    }),
    sample("home-trial-service", "/", OWNER, |it| {
        data::trial_of_service(it);
        pages::home(it, &Form::default())
    }),
    sample("home-member", "/", Some(Role::Member), |it| pages::home(it, &Form::default())),
    sample("home-guest", "/", Some(Role::Guest), |it| pages::home(it, &Form::default())),
    sample("services", "/services", OWNER, |it| pages::services(it, &Form::default())),
    sample("services-member", "/services", Some(Role::Member), |it| pages::services(it, &Form::default())),
    sample("service", "/services/icecast", OWNER, |it| pages::service(it, &Form::default(), "icecast")),
    sample("service-failed", "/services/mumble", OWNER, |it| pages::service(it, &Form::default(), "mumble")),
    sample("service-busy", "/services/syncthing", OWNER, |it| {
        pages::service(it, &Form::default(), "syncthing")
    }),
    sample("service-wrong", "/services/transmission", OWNER, |it| {
        let mut form = form(&[("ratio", "lots"), ("upload-limit", "9999999")]);
        form.mark("ratio", Wrong::Field(Field::Setting(setting::Wrong::NotANumber)));
        form.mark("upload-limit", Wrong::Field(Field::Setting(setting::Wrong::TooLarge { max: 1_000_000 })));
        form.refusal = Some(Refusal::Fields([("ratio".to_owned(), Field::Unknown)].into()));
        pages::service(it, &form, "transmission")
    }),
    sample("service-log", "/services/mumble/log", OWNER, |it| {
        pages::service_log(it, &Form::default(), "mumble", &data::lines(it.unix_s))
    }),
    sample("service-log-empty", "/services/mumble/log", OWNER, |it| {
        pages::service_log(it, &Form::default(), "mumble", &[])
    }),
    sample("community", "/community", OWNER, |it| {
        valley::within(it);
        pages::community(it, &Form::default())
    }),
    sample("community-fresh", "/community", OWNER, |it| {
        valley::within(it);
        let fresh =
            Some(format!("nuvol:{}", "hwFQKPQ0mJmSzyspnEA13Pd7lVggk_-pTZgo_7X5ZFSLILbSkz_C".repeat(4)));
        pages::community(it, &Form { fresh, ..Form::default() })
    }),
    sample("community-none", "/community", OWNER, |it| {
        valley::refused(it);
        let mut form = form(&[("invitation", "nuvol:abc")]);
        form.mark("invitation", Wrong::Refused(Box::new(Refusal::Expired)));
        pages::community(it, &form)
    }),
    sample("community-guest", "/community", Some(Role::Guest), |it| {
        valley::within(it);
        pages::community(it, &form(&[("q", "nothing at all")]))
    }),
    sample("machines", "/community/machines", OWNER, |it| {
        valley::with_machines(it);
        pages::foreign(it, &Form::default())
    }),
    sample("machines-wrong", "/community/machines", OWNER, |it| {
        valley::within(it);
        let mut form = form(&[("title", "Films"), ("type", "smb"), ("host", "smb://nas"), ("port", "none")]);
        form.mark("type", Wrong::Misfit(Misfit::Type));
        form.mark("host", Wrong::Misfit(Misfit::Host));
        form.mark("port", Wrong::Misfit(Misfit::Port));
        pages::foreign(it, &form)
    }),
    sample("machines-records", "/community/machines", OWNER, |it| {
        valley::with_machines(it);
        let mut form = form(&[("records", RECORDS)]);
        let wrong =
            |field, misfit| WrongRecord::Field { record: 2, field, why: Box::new(Wrong::Misfit(misfit)) };
        form.mark("records", Wrong::Records(vec![wrong("i", Misfit::Host), wrong("p", Misfit::Port)]));
        pages::foreign(it, &form)
    }),
    sample("machines-none", "/community/machines", OWNER, |it| pages::foreign(it, &Form::default())),
    sample("member", valley::NEIGHBOUR_PATH, OWNER, |it| {
        valley::within(it);
        pages::member(it, &Form::default(), valley::neighbour())
    }),
    sample("service-published", "/services/icecast", OWNER, |it| {
        valley::within(it);
        pages::service(it, &Form::default(), "icecast")
    }),
    sample("people", "/people", OWNER, |it| pages::people(it, &Form::default())),
    sample("people-fresh", "/people", OWNER, |it| {
        let fresh =
            Some("https://nuvol-7f3a.local/join/aGk4T2YxbGxlbmdlciB0aGFuIGEgd29yZCBvciB0d28".to_owned());
        pages::people(it, &Form { fresh, ..Form::default() })
    }),
    sample("people-wrong", "/people", OWNER, |it| {
        let mut form = Form::default();
        form.mark("role-0", Wrong::LastOwner);
        pages::people(it, &form)
    }),
    sample("account", "/account", OWNER, |it| pages::account(it, &Form::default())),
    sample("account-wrong", "/account", OWNER, |it| {
        let mut form = form(&[("title", "backup")]);
        form.mark("old", Wrong::OldPassword);
        form.mark("again", Wrong::Unfitting(Unfitting::Different));
        form.mark("scopes", Wrong::NothingChosen);
        form.mark("days", Wrong::Field(Field::Setting(setting::Wrong::TooLarge { max: 3660 })));
        form.fresh = Some("nuvol_4mA8sX0c2vQ9yT7bE1fW6hJ3kL5nP0rU".to_owned());
        pages::account(it, &form)
    }),
    sample("account-changed", "/account", OWNER, |it| pages::account(it, &form(&[("changed", "password")]))),
    sample("account-guest", "/account", Some(Role::Guest), |it| pages::account(it, &Form::default())),
    sample("network", "/network", OWNER, |it| pages::network(it, &Form::default())),
    sample("network-wrong", "/network", OWNER, |it| {
        let mut form = form(&[("name", "Our Node!")]);
        form.mark("name", Wrong::Field(Field::NodeName));
        pages::network(it, &form)
    }),
    sample("logs", "/logs", OWNER, |it| pages::logs(it, &Form::default())),
    sample("logs-calm", "/logs", Some(Role::Member), |it| {
        data::fresh(it);
        pages::logs(it, &Form::default())
    }),
    sample("report", "/logs/report", OWNER, |it| pages::report(it)),
    sample("settings", "/settings", OWNER, |it| pages::settings(it, &Form::default())),
    sample("operation", "/operations/1", OWNER, |it| pages::operation(it, OperationId(1))),
    sample("operation-running", "/operations/3", OWNER, |it| pages::operation(it, OperationId(3))),
    sample("confirm-remove", "/people/2/remove", OWNER, |it| {
        let question = Question::Remove { name: "Aina".to_owned() };
        pages::confirm(it, &sure(question, "/people/2/remove", "/people"))
    }),
    sample("confirm-power", "/power", OWNER, |it| {
        pages::confirm(it, &sure(Question::Power(Power::Off), "/power", "/settings"))
    }),
    sample("confirm-reboot", "/power", OWNER, |it| {
        pages::confirm(it, &sure(Question::Power(Power::Reboot), "/power", "/settings"))
    }),
    sample("confirm-role", "/people/0/role", OWNER, |it| {
        pages::confirm(it, &sure(Question::OwnRole, "/people/0/role", "/people"))
    }),
    sample("confirm-switch", "/services/ssh/switch", OWNER, |it| {
        let question = Question::SwitchOff { service: "avahi".to_owned() };
        pages::confirm(it, &sure(question, "/services/avahi/switch", "/services"))
    }),
    sample("sign-in", "/sign-in", None, |it| pages::sign_in(it, &Form::default())),
    sample("sign-in-wrong", "/sign-in", None, |it| {
        let mut form = form(&[("name", "Marta")]);
        form.mark("password", Wrong::Password);
        pages::sign_in(it, &form)
    }),
    sample("sign-in-wait", "/sign-in", None, |it| {
        let refusal = Some(Refusal::Wait { seconds: 60 });
        pages::sign_in(it, &Form { refusal, ..form(&[("name", "Marta")]) })
    }),
    sample("claim-code", "/claim", None, |it| {
        data::free(it);
        pages::claim(it, &Form::default(), Step::Code)
    }),
    sample("claim-owner", "/claim", None, |it| {
        data::free(it);
        it.secure = false;
        let mut form = form(&[("name", "Marta")]);
        form.mark("password", Wrong::Unfitting(Unfitting::TooShort { least: 10 }));
        pages::claim(it, &form, Step::Owner)
    }),
    sample("claim-lost", "/claim", None, |it| {
        data::lost(it);
        let mut form = form(&[("code", "AMBER-OTTER")]);
        form.mark("code", Wrong::Code);
        pages::claim(it, &form, Step::Code)
    }),
    sample("join", "/join/secret", None, |it| {
        pages::join(it, &Form::default(), "secret", Purpose::Join { role: Role::Member })
    }),
    sample("join-password", "/join/secret", None, |it| {
        pages::join(it, &Form::default(), "secret", Purpose::Password { person: PersonId(1) })
    }),
    sample("not-found", "/nothing", OWNER, |it| pages::not_found(it)),
    sample("refused", "/people", Some(Role::Member), |it| pages::people(it, &Form::default())),
    sample("refused-owner", "/people/0/role", OWNER, |it| {
        pages::refused(it, &Refusal::Unfit(Unfit::LastOwner))
    }),
    sample("refused-gone", "/join/old", None, |it| pages::refused(it, &Refusal::NoSuch)),
];

/// A form with these values.
pub fn form(values: &[(&str, &str)]) -> Form {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Form { values: values.collect(), ..Form::default() }
}

fn sure(question: Question, action: &str, back: &str) -> Sure {
    Sure { question, action: action.to_owned(), values: Vec::new(), back: back.to_owned() }
}
