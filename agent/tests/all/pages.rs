//! The pages without a socket: what people get, in every language, whoever they are and whatever is typed.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use axum::http::StatusCode;
use nuvol_agent::http::context::{Context, Form, Who};
use nuvol_agent::http::language::{Language, MISSING};
use nuvol_agent::http::pages::{self, Page, Step};
use nuvol_agent::node::command::{Field, Refusal};
use nuvol_agent::node::operation::OperationId;
use nuvol_agent::node::people::Role;
use nuvol_agent::node::people::access::Purpose;
use nuvol_agent::node::service::Text;
use nuvol_agent::node::snapshot::Snapshot;
use nuvol_agent::node::{Effect, Problem};
use samples::{SAMPLES, data, form};
use sha2::{Digest, Sha256};

#[path = "../../examples/pages/samples/mod.rs"]
mod samples;

fn english(role: Option<Role>) -> Context {
    let mut context = data::context(Language::ENGLISH);
    context.who = role.map_or_else(Who::visitor, |role| data::who(&context, role));
    context
}

fn has(page: &Page, expected: &[&str]) {
    for expected in expected {
        assert!(page.html.contains(expected), "`{expected}` is not in\n{}", page.html);
    }
}

fn lacks(page: &Page, unwanted: &[&str]) {
    for unwanted in unwanted {
        assert!(!page.html.contains(unwanted), "`{unwanted}` is in\n{}", page.html);
    }
}

#[test]
fn every_page_is_whole_in_every_language() {
    for language in Language::all() {
        for sample in SAMPLES {
            let Page { html, .. } = sample.page(language);
            let name = format!("{} in {}", sample.name, language.code());
            assert!(!html.contains(MISSING), "{name}: {html}");
            assert!(html.contains(&format!("<html lang=\"{}\">", language.code())), "{name}");
            assert!(html.trim_end().ends_with("</html>"), "{name}");
            assert_eq!(html.matches("<h1").count(), 1, "{name}");
            assert_eq!(html.matches("<main ").count(), 1, "{name}");
            for bad in
                ["style=", "<style", "onclick", "onload", "=\"javascript:", "\u{2068}", "\u{2069}", "hx-on"]
            {
                assert!(!html.contains(bad), "{name} has {bad:?}");
            }
            for script in html.split("<script").skip(1) {
                assert!(script.starts_with(" src=\"/assets/"), "{name}: an inline script");
            }
            for url in html.split(" src=\"").skip(1).chain(html.split(" action=\"").skip(1)) {
                assert!(url.starts_with('/') && !url.starts_with("//"), "{name}: {}", &url[..40]);
            }
        }
    }
}

/// Whoever hears the page knows what a button copies, or takes away.
#[test]
fn no_two_buttons_of_a_page_say_the_same() {
    for sample in SAMPLES {
        let Page { html, .. } = sample.page(Language::ENGLISH);
        let buttons = html.split("<button").skip(1).map(|rest| rest.split('>').next().unwrap());
        let labels = buttons.filter_map(|it| it.split("aria-label=\"").nth(1)?.split('"').next());
        let mut seen = std::collections::BTreeSet::new();
        for label in labels {
            assert!(seen.insert(label), "{}: two buttons say {label:?}", sample.name);
        }
    }
}

#[test]
fn what_several_offer_by_one_title_is_told_apart() {
    let sample = SAMPLES.iter().find(|sample| sample.name == "community").unwrap();
    let page = sample.page(Language::ENGLISH);
    has(
        &page,
        &[
            "<h3>Web site of nuvol-7f3a</h3>",
            "<h3>Web site of can-xirgu</h3>",
            "aria-label=\"Copy: Web site of nuvol-7f3a\"",
            // One of the two that one home offers.
            "aria-label=\"Copy: Web site of can-xirgu, 10.1.2.3:8080\"",
            "<h3>Ràdio Xirgu</h3>",
            "aria-label=\"Copy: Ràdio Xirgu of can-xirgu\"",
        ],
    );
    let sample = SAMPLES.iter().find(|sample| sample.name == "service-published").unwrap();
    let page = sample.page(Language::ENGLISH);
    has(
        &page,
        &["<h2 id=\"on-mesh\">On the mesh</h2>", "aria-label=\"Copy: Icecast on the mesh\"", "]:8000/\">["],
    );
    let page = pages::service(&english(Some(Role::Owner)), &Form::default(), "icecast");
    lacks(&page, &["on-mesh"]);
}

#[test]
fn the_samples_show_every_service_of_the_catalogue() {
    let catalogue = include_str!("../../../packages.yaml");
    let names = catalogue.split("\nservices:\n").nth(1).unwrap().lines();
    let names = names.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let names: Vec<_> = names.filter(|name| !name.starts_with([' ', '#', '-'])).collect();
    let shown: Vec<_> = data::snapshot().services.iter().map(|it| it.service.name.to_string()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert!(names.len() > 5 && shown == sorted, "{shown:?} {names:?}");
}

#[test]
fn languages_differ() {
    let titles: Vec<_> = Language::all()
        .map(|language| {
            let mut context = data::context(language);
            context.who = data::who(&context, Role::Owner);
            pages::services(&context, &Form::default()).html
        })
        .collect();
    for (html, expected) in
        titles.iter().zip(["Your own radio station", "Tu propia emisora", "La teva pròpia emissora"])
    {
        assert!(html.contains(expected), "{expected}");
    }
}

#[test]
fn the_home_page_says_how_the_node_is_and_where_to_mend_it() {
    let page = pages::home(&english(Some(Role::Owner)), &Form::default());
    assert_eq!(page.status, StatusCode::OK);
    has(
        &page,
        &[
            "<h1>3 things need attention</h1>",
            "<a href=\"/services/mumble\">Mumble</a>",
            "Port 64738 (TCP) is taken by murmurd. Switch off what uses the port, then try again.",
            "Data disk: little room is left",
            "<a href=\"http://nuvol-7f3a.local:8000/\">nuvol-7f3a.local:8000</a>",
            "<a href=\"/operations/3\">Switch on Syncthing</a>",
            "hx-get=\"/\" hx-select=\"#live\" hx-swap=\"outerHTML\" hx-trigger=\"sse:changed\"",
        ],
    );
    lacks(&page, &["8384", "5353"]);
    let mut calm = english(Some(Role::Owner));
    data::calm(&mut calm);
    let page = pages::home(&calm, &Form::default());
    has(&page, &["<h1>Everything works</h1>"]);
    lacks(&page, &["Needs attention"]);
}

#[test]
fn a_member_shows_whether_it_answers_how_fast_and_by_which_way() {
    let mut context = english(Some(Role::Owner));
    samples::valley::within(&mut context);
    let page = pages::community(&context, &Form::default());
    // Whoever does not answer takes no time for it, whatever was measured once.
    has(
        &page,
        &["answers in 12 ms</span> · reached directly", "2 hours ago</span> · no way there: it does not"],
    );
    lacks(&page, &["90 ms"]);
}

#[test]
fn an_operation_shows_every_step_and_how_it_stands() {
    let steps = |id| {
        let html = pages::operation(&english(Some(Role::Owner)), OperationId(id)).html;
        let list = html
            .split("<ol class=\"sheet steps\">")
            .nth(1)
            .unwrap()
            .split("</ol>")
            .next()
            .unwrap()
            .to_owned();
        let words = |item: &str| {
            let text: Vec<_> = item
                .split('<')
                .filter_map(|part| part.split_once('>'))
                .map(|(_, text)| text.trim())
                .collect();
            text.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
        };
        (html, list.split("<li").skip(1).map(words).collect::<Vec<_>>())
    };
    let (html, running) = steps(3);
    assert_eq!(
        running,
        [
            "Waiting for its turn: done",
            "Checking: done",
            "Keeping it for the next start: done",
            "Starting: now",
            "Setting the firewall: to come"
        ]
    );
    assert!(html.contains("max=\"5\" value=\"3\"></progress>"), "{html}");
    assert_eq!(html.matches("aria-current=\"step\"").count(), 1);
    let (html, failed) = steps(1);
    assert_eq!(failed[1], "Checking: did not work");
    assert_eq!(failed[4], "Setting the firewall: left out");
    assert!(!html.contains("<progress"), "{html}");
}

#[test]
fn a_change_on_trial_can_be_kept_and_taken_back() {
    let mut context = english(Some(Role::Owner));
    data::trial(&mut context);
    let page = pages::settings(&context, &Form::default());
    has(
        &page,
        &[
            "called casa instead of nuvol-7f3a",
            "96 seconds",
            "action=\"/trial/keep\"",
            "action=\"/trial/back\"",
        ],
    );
    context.who = data::who(&context, Role::Member);
    lacks(&pages::settings(&context, &Form::default()), &["/trial/"]);
    let mut context = english(Some(Role::Owner));
    data::trial_of_service(&mut context);
    let page = pages::home(&context, &Form::default());
    has(&page, &["Local discovery is off now. Can you still reach this page?", "66 seconds", "/trial/keep"]);
}

#[test]
fn people_see_what_their_role_allows() {
    type Make = fn(&Context) -> Page;
    let pages: [(&str, Make, [u16; 4]); 12] = [
        // For a visitor, a guest, a member, an owner.
        ("home", |it| pages::home(it, &Form::default()), [401, 200, 200, 200]),
        ("services", |it| pages::services(it, &Form::default()), [403, 403, 200, 200]),
        ("service", |it| pages::service(it, &Form::default(), "icecast"), [403, 403, 200, 200]),
        ("log", |it| pages::service_log(it, &Form::default(), "icecast", &[]), [403, 403, 403, 200]),
        ("foreign", |it| pages::foreign(it, &Form::default()), [403, 403, 403, 200]),
        ("people", |it| pages::people(it, &Form::default()), [403, 403, 403, 200]),
        ("account", |it| pages::account(it, &Form::default()), [401, 200, 200, 200]),
        ("network", |it| pages::network(it, &Form::default()), [403, 403, 200, 200]),
        ("logs", |it| pages::logs(it, &Form::default()), [403, 403, 200, 200]),
        ("report", pages::report, [403, 403, 403, 200]),
        ("settings", |it| pages::settings(it, &Form::default()), [403, 403, 200, 200]),
        ("operation", |it| pages::operation(it, OperationId(1)), [403, 403, 200, 200]),
    ];
    for (name, make, statuses) in pages {
        let roles = [None, Some(Role::Guest), Some(Role::Member), Some(Role::Owner)];
        for (role, expected) in roles.into_iter().zip(statuses) {
            let page = make(&english(role));
            assert_eq!(page.status.as_u16(), expected, "{name} for {role:?}");
            if role != Some(Role::Owner) {
                lacks(&page, &["/switch\"", "/restart\"", "/power\"", "/people/", "/settings/name"]);
                lacks(&page, &["Pol, from number 12", "192.0.2.16"]);
            }
            if role.is_none_or(|role| role == Role::Guest) {
                lacks(&page, &["murmurd", "identity.pem", "Syncthing", "/services/"]);
            }
            if role.is_none() {
                lacks(&page, &["Marta", "icecast", "Image", "/events"]);
            }
        }
    }
}

#[test]
fn nobody_is_told_a_secret_twice() {
    let mut all = english(Some(Role::Owner));
    let secret = "0".repeat(64);
    let snapshot = Arc::make_mut(&mut all.snapshot);
    Arc::make_mut(&mut snapshot.people).people[0].password.0 = "$argon2id$hash".to_owned();
    all.who = data::who(&all, Role::Owner);
    let mut form = form(&[("password", "correct horse"), ("old", "battery staple"), ("again", "x")]);
    form.fresh = Some("the-link".to_owned());
    for page in [pages::people(&all, &form), pages::account(&all, &form)] {
        has(&page, &["the-link"]);
        lacks(&page, &[&secret, "argon2id", "correct horse", "battery staple"]);
    }
    has(&pages::service(&all, &Form::default(), "icecast"), &["kX7mQ2vT9bLw"]);
    let member = pages::service(&english(Some(Role::Member)), &Form::default(), "icecast");
    lacks(&member, &["kX7mQ2vT9bLw"]);
    for page in [pages::people(&all, &Form::default()), pages::account(&all, &Form::default())] {
        lacks(&page, &["the-link"]);
    }
    let door = pages::sign_in(&english(None), &form);
    lacks(&door, &["correct horse"]);
}

#[test]
fn the_report_names_nobody() {
    let page = pages::report(&english(Some(Role::Owner)));
    has(&page, &["Nuvol support report, 2026-11-22T", "- mumble: failed", "people: 3"]);
    let start = page.html.find("<textarea").unwrap();
    let text = page.html[start..].split("</textarea>").next().unwrap();
    for name in ["Marta", "Jordi", "Aina", "nuvol-7f3a", "192.0.2", "3F:1C"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
}

#[test]
fn forms_come_back_with_what_was_typed_and_what_is_wrong() {
    let sample = SAMPLES.iter().find(|sample| sample.name == "service-wrong").unwrap();
    let page = sample.page(Language::ENGLISH);
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    has(
        &page,
        &["value=\"lots\"", "This is not a whole number.", "At most 1000000.", "aria-invalid=\"true\""],
    );
    // A page that was sent as the answer to a form is still kept up to date from where it stands.
    let mut context = english(Some(Role::Owner));
    context.path = "/services/icecast/settings".to_owned();
    let refusal = Some(Refusal::Fields([("location".to_owned(), Field::Unknown)].into()));
    let page = pages::service(&context, &Form { refusal, ..Form::default() }, "icecast");
    has(&page, &["hx-get=\"/services/icecast\"", "name=\"back\" value=\"/services/icecast\""]);
}

#[test]
fn the_way_in_explains_itself() {
    let mut context = english(None);
    lacks(&pages::claim(&context, &Form::default(), Step::Code), &["action=\"/claim"]);
    data::free(&mut context);
    let page = pages::claim(&context, &Form::default(), Step::Code);
    has(&page, &["Make this node yours", "action=\"/claim/code\"", "name=\"code\"", "3F:<wbr>1C:<wbr>9A"]);
    let page = pages::claim(&context, &Form::default(), Step::Owner);
    has(
        &page,
        &["action=\"/claim\"", "name=\"name\"", "name=\"password\"", "name=\"again\"", "new-password"],
    );
    lacks(&page, &["Your browser will warn you"]);
    // Where it comes without encryption, what comes next brings a browser's warning.
    context.secure = false;
    let page = pages::claim(&context, &Form::default(), Step::Owner);
    has(&page, &["Your browser will warn you once", "3F:<wbr>1C:<wbr>9A"]);
    context.secure = true;
    data::lost(&mut context);
    has(&pages::claim(&context, &Form::default(), Step::Code), &["Claim this node again", "was damaged"]);
    let purpose = Purpose::Join { role: Role::Guest };
    let page = pages::join(&english(None), &Form::default(), "s3cret", purpose);
    has(&page, &["action=\"/join/s3cret\"", "You will be a guest."]);
}

/// Tries to break out of the text that it stands in, and to hide and reorder what stands around it.
const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&\u{202e}\u{7}\u{2066}";

fn poison(snapshot: &mut Snapshot) {
    for report in &mut snapshot.services {
        report.service.title = Text::from(EVIL.to_owned());
        report.service.summary = Text::from(EVIL.to_owned());
        report
            .units
            .iter_mut()
            .filter_map(|unit| unit.unit.as_mut())
            .for_each(|unit| unit.sub = EVIL.to_owned());
    }
    snapshot.problems = vec![
        Problem { effect: Effect::ServiceHidden(EVIL.to_owned()), cause: EVIL.to_owned() },
        Problem { effect: Effect::NoIdentity, cause: EVIL.to_owned() },
    ];
    snapshot.image.profile = EVIL.to_owned();
    let people = Arc::make_mut(&mut snapshot.people);
    people.invitations.iter_mut().for_each(|it| it.note = Text::from(EVIL.to_owned()));
    people.sessions.iter_mut().for_each(|it| {
        it.browser = Text::from(EVIL.to_owned());
        it.from = EVIL.to_owned();
    });
    people.tokens.iter_mut().for_each(|it| it.title = Text::from(EVIL.to_owned()));
    Arc::make_mut(&mut snapshot.operations).list.iter_mut().for_each(|it| it.by = EVIL.to_owned());
}

#[test]
fn hostile_text_stays_text() {
    let fields = ["name", "note", "title", "code", "role", "scopes", "days", "location", "records", "host"];
    for sample in SAMPLES {
        let mut context = data::context(Language::ENGLISH);
        poison(Arc::make_mut(&mut context.snapshot));
        context.who = sample.who.map_or_else(Who::visitor, |role| data::who(&context, role));
        context.path = format!("/{EVIL}");
        context.host = "nuvol-7f3a.local".to_owned();
        let mut made = vec![(sample.make)(&mut context)];
        let form = Form { fresh: Some(EVIL.to_owned()), ..form(&fields.map(|name| (name, EVIL))) };
        made.extend([pages::people(&context, &form), pages::account(&context, &form)]);
        made.extend([pages::network(&context, &form), pages::sign_in(&context, &form)]);
        made.push(pages::service(&context, &form, "icecast"));
        made.push(pages::foreign(&context, &form));
        for Page { html, .. } in made {
            for bad in ["<script>", "<img", "onerror='", "x onerror=&#39;alert(2)&#39;>"] {
                assert!(!html.contains(bad), "{}: {bad:?} in\n{html}", sample.name);
            }
        }
    }
    let mut context = english(Some(Role::Owner));
    poison(Arc::make_mut(&mut context.snapshot));
    let html = pages::people(&context, &Form::default()).html;
    assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    assert!(!html.contains(['\u{202e}', '\u{2066}', '\u{7}']), "bidi marks in a note");
}

#[test]
fn vendored_scripts_are_what_their_list_says() {
    let readme = include_str!("../../assets/vendor/README.md");
    let scripts = [
        ("htmx.min.js", include_bytes!("../../assets/vendor/htmx.min.js").as_slice()),
        ("sse.min.js", include_bytes!("../../assets/vendor/sse.min.js").as_slice()),
    ];
    for (name, script) in scripts {
        let digest: String = Sha256::digest(script).iter().map(|byte| format!("{byte:02x}")).collect();
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        assert!(row.ends_with(&format!("`{digest}` |")), "{name} is {digest}");
    }
    assert!(include_str!("../../assets/nuvol.css").len() <= 16 * 1024, "the budget of the style sheet");
    assert!(include_str!("../../assets/nuvol.js").lines().count() < 100, "the budget of the script");
}
