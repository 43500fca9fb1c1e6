//! The node of the samples: a family's, on which something is always going on.

use std::sync::Arc;
use std::time::Duration;

use nuvol_agent::http::context::{Context, Who};
use nuvol_agent::http::language::Language;
use nuvol_agent::node::command::Line;
use nuvol_agent::node::operation::{Operations, Progress, Step, Task, Trouble};
use nuvol_agent::node::pending::{Change, Trial};
use nuvol_agent::node::people::access::{Invitation, Purpose, Scope, Secret, Session, Token};
use nuvol_agent::node::people::names::{PasswordHash, PersonName};
use nuvol_agent::node::people::{People, Person, PersonId, Role};
use nuvol_agent::node::rights::Actor;
use nuvol_agent::node::service::{Service, Text};
use nuvol_agent::node::snapshot::{Ownership, ServiceReport, Snapshot, Systemd, UnitReport};
use nuvol_agent::node::unit::{End, Unit};
use nuvol_agent::node::{Disk, Effect, Image, Place, Problem, Settings, Usage};
use serde_json::{Value, json};

const NOW_S: u64 = 1_795_374_000;
const FINGERPRINT: &str =
    "3F:1C:9A:77:02:E4:5B:D8:C6:11:8E:F0:4A:29:B3:65:7D:90:1F:C2:A8:34:EB:56:0D:79:F1:82:BC:4E:A0:13";

/// What is known, looked at by a visitor.
pub fn context(language: Language) -> Context {
    Context {
        snapshot: Arc::new(snapshot()),
        who: Who::visitor(),
        language,
        host: "nuvol-7f3a.local".to_owned(),
        port: None,
        path: "/".to_owned(),
        secure: true,
        uptime: Duration::from_secs(93_784),
        unix_s: NOW_S,
        run: "5a".into(),
        fingerprint: FINGERPRINT.into(),
        key: "6c".repeat(32).into(),
    }
}

/// The first person of this role, signed in.
pub fn who(context: &Context, role: Role) -> Who {
    let person = context.snapshot.people.people.iter().find(|person| person.role == role);
    person.map_or_else(Who::visitor, |person| {
        Who::new(Actor::Person { person: person.id, session: "s1".to_owned() }, person.clone())
    })
}

/// Nothing is wrong.
pub fn calm(context: &mut Context) {
    let snapshot = Arc::make_mut(&mut context.snapshot);
    snapshot.problems.clear();
    snapshot.operations = Arc::default();
    snapshot.disks.iter_mut().for_each(|disk| disk.free = disk.total / 2);
    snapshot.services.iter_mut().for_each(|report| report.operation = None);
    snapshot.services.retain(|report| !report.needs_attention() && *report.service.name != *"syncthing");
}

/// Nothing was ever switched on.
pub fn fresh(context: &mut Context) {
    calm(context);
    let snapshot = Arc::make_mut(&mut context.snapshot);
    let reports = snapshot.services.iter().map(|report| {
        let off = |unit: &UnitReport| UnitReport {
            name: unit.name.clone(),
            unit: Some(unit_in("inactive", "dead")),
        };
        ServiceReport::new(report.service.clone(), report.units.iter().map(off).collect())
    });
    let reports: Vec<_> = reports.filter(|report| !report.needs_attention()).collect();
    snapshot.services = reports;
}

/// systemd is away.
pub fn blind(context: &mut Context) {
    let snapshot = Arc::make_mut(&mut context.snapshot);
    snapshot.systemd = Systemd::Away { since: Duration::from_secs(93_000), why: "no such file".to_owned() };
    snapshot.problems = vec![
        Problem { effect: Effect::FirewallStuck, cause: "nft: permission denied".to_owned() },
        Problem { effect: Effect::ServiceHidden("broken".to_owned()), cause: "line 3: no units".to_owned() },
    ];
}

/// A new name is on trial.
pub fn trial(context: &mut Context) {
    calm(context);
    let change = Change::Name { from: "nuvol-7f3a".to_owned(), to: "casa".to_owned() };
    Arc::make_mut(&mut context.snapshot).trial = Some(Trial { change, until: Duration::from_secs(93_880) });
}

/// A service by which the owner may be reaching the node is off on trial.
pub fn trial_of_service(context: &mut Context) {
    trial(context);
    let change = Change::Service { service: "avahi".to_owned() };
    Arc::make_mut(&mut context.snapshot).trial = Some(Trial { change, until: Duration::from_secs(93_850) });
}

/// Nobody owns it.
pub fn free(context: &mut Context) {
    Arc::make_mut(&mut context.snapshot).ownership = Ownership::Free;
}

/// Its list of people was damaged.
pub fn lost(context: &mut Context) {
    Arc::make_mut(&mut context.snapshot).ownership = Ownership::Lost;
}

fn unit_in(active: &str, sub: &str) -> Unit {
    Unit {
        load: "loaded".to_owned(),
        active: active.to_owned(),
        sub: sub.to_owned(),
        end: None,
        memory: (active == "active").then_some(41_000_000),
    }
}

fn unit_of(service: &str) -> Unit {
    let failed = |status| Some(End { result: "exit-code".to_owned(), status, restarts: 4 });
    match service {
        "icecast" | "nginx" | "ssh" | "avahi" => unit_in("active", "running"),
        "syncthing" => unit_in("activating", "start"),
        "mumble" => Unit { end: failed(1), ..unit_in("failed", "failed") },
        _ => unit_in("inactive", "dead"),
    }
}

/// A node of many services.
pub fn snapshot() -> Snapshot {
    let operations = operations();
    let report = |service: Service| {
        let unit = Some(unit_of(&service.name));
        let units = service.units.iter().map(|name| UnitReport { name: name.clone(), unit: unit.clone() });
        let units = units.collect();
        let bytes = service.summary.len() as u64 * 31_415_926;
        let usage = (!service.data.is_empty()).then_some(Usage { bytes, at_least: bytes > 1 << 31 });
        let operation = operations.last_of(&service.name).cloned();
        let shown = [("source-password".to_owned(), "kX7mQ2vT9bLw".to_owned())].into();
        let settings = Some(Settings { shown, ..Settings::default() });
        ServiceReport { usage, operation, settings, ..ServiceReport::new(service, units) }
    };
    Snapshot {
        number: 7,
        name: "nuvol-7f3a".to_owned(),
        image: Image { profile: "home".to_owned(), version: "0.2.0".to_owned() },
        systemd: Systemd::Answers,
        services: catalogue().into_iter().map(report).collect(),
        disks: vec![
            Disk { place: Place::System, free: 2_400_000_000, total: 4_000_000_000 },
            Disk { place: Place::Data, free: 310_000_000, total: 64_000_000_000 },
        ],
        problems: vec![Problem {
            effect: Effect::NoIdentity,
            cause: "identity.pem: no room on the disk".to_owned(),
        }],
        ownership: Ownership::Claimed,
        people: Arc::new(people()),
        operations: Arc::new(operations),
        belonging: Default::default(),
        trial: None,
    }
}

/// What was done: the last one goes on.
fn operations() -> Operations {
    let mut operations = Operations::default();
    let service = |name: &str| name.to_owned();
    let trouble =
        Trouble::PortTaken { port: 64738, protocol: "tcp".to_owned(), by: Some("murmurd".to_owned()) };
    let all = [Step::Checking, Step::Enabling, Step::Starting, Step::Firewall];
    let done: [(_, &[Step], _); 4] = [
        (Task::SwitchOn { service: service("icecast") }, &all, Progress::Done),
        (Task::SwitchOn { service: service("mumble") }, &all[..1], Progress::Failed(trouble)),
        (
            Task::Rename { from: "nuvol".to_owned(), to: "nuvol-7f3a".to_owned() },
            &[Step::Writing],
            Progress::Done,
        ),
        (
            Task::SwitchOn { service: service("syncthing") },
            &all[..2],
            Progress::Doing { step: Step::Starting },
        ),
    ];
    for (index, (task, steps, progress)) in (0..).zip(done) {
        let began = NOW_S - 20 - 7200 * (3 - index);
        let id = operations.begin(task, "Marta", began);
        steps.iter().for_each(|step| operations.set(id, Progress::Doing { step: *step }, began + 1));
        operations.set(id, progress, began + 7);
    }
    operations
}

fn people() -> People {
    let secret = || Secret("0".repeat(64));
    let person = |(id, name, role, days): (u32, &str, Role, u64)| {
        let name = PersonName::new(name).ok()?;
        let password = PasswordHash(String::new());
        Some(Person { id: PersonId(id), name, role, password, since_s: NOW_S - days * 86_400 })
    };
    let listed = [
        (0, "Marta", Role::Owner, 200),
        (1, "Jordi Puigdomènech i Ferrer-Vidal", Role::Member, 40),
        (2, "Aina", Role::Guest, 2),
    ];
    let session = |(id, person, days, browser): (&str, u32, u64, &str)| Session {
        id: id.to_owned(),
        secret: secret(),
        person: PersonId(person),
        since_s: NOW_S - days * 86_400,
        seen_s: NOW_S - days * 3600,
        from: format!("192.0.2.{}", 7 + days),
        browser: Text::from(browser.to_owned()),
    };
    let invitation = |(id, purpose, note): (&str, Purpose, &str)| Invitation {
        id: id.to_owned(),
        secret: secret(),
        purpose,
        by: PersonId(0),
        note: Text::from(note.to_owned()),
        since_s: NOW_S - 3600,
        until_s: NOW_S + 6 * 86_400,
    };
    let sessions =
        [("s1", 0, 0, "Firefox, Linux"), ("s2", 0, 9, "Safari, iPhone"), ("s3", 1, 1, ""), ("s4", 2, 1, "")];
    let invitations = [
        ("i1", Purpose::Join { role: Role::Member }, "Pol, from number 12"),
        ("i2", Purpose::Password { person: PersonId(2) }, ""),
    ];
    let token = Token {
        id: "t1".to_owned(),
        secret: secret(),
        person: PersonId(0),
        title: Text::from("Backup script".to_owned()),
        scopes: [Scope::Read, Scope::Services].into(),
        since_s: NOW_S - 86_400,
        until_s: Some(NOW_S + 80 * 86_400),
    };
    People {
        people: listed.into_iter().filter_map(person).collect(),
        sessions: sessions.into_iter().map(session).collect(),
        invitations: invitations.into_iter().map(invitation).collect(),
        tokens: vec![token],
        next: 3,
    }
}

/// What a service that fails writes.
pub fn lines(now_s: u64) -> Vec<Line> {
    let line = |(ago, level, text): (u64, u8, &str)| Line {
        time_s: now_s - ago,
        unit: "mumble-server.service".to_owned(),
        level,
        text: Text::from(text.to_owned()),
    };
    [
        (64, 6, "Murmur 1.5.517 running on X11: Debian GNU/Linux 13: Booting servers"),
        (63, 4, "1 => No certificate specified; falling back to a self-signed one"),
        (62, 3, "1 => Server: TCP Listen on [::]:64738 failed: The bound address is already in use"),
        (62, 6, "Shutting down"),
    ]
    .map(line)
    .into()
}

/// Services as an image brings them: those of the project's own catalogue, with what the builder adds.
fn catalogue() -> Vec<Service> {
    let mut written: Value =
        serde_yaml::from_str(include_str!("../../../../packages.yaml")).unwrap_or_default();
    let services = written["services"].as_object_mut().into_iter().flatten();
    let service = |(name, service): (&String, &mut Value)| {
        service["name"] = json!(name);
        for port in service["ports"].as_array_mut().into_iter().flatten() {
            if port["scope"].is_string() {
                port["scope"] = json!([port["scope"]]);
            }
        }
        for setting in service["settings"].as_array_mut().into_iter().flatten() {
            if setting["kind"] == "text" && setting["max-length"].is_null() {
                setting["max-length"] = json!(200);
            }
        }
        // What was looked for and is not there stands there as nothing now.
        service.as_object_mut()?.retain(|_, value| !value.is_null());
        serde_json::from_value(service.clone()).ok()
    };
    services.filter_map(service).collect()
}
