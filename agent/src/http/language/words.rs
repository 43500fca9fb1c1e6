//! The state of the node and of its services, in words.

use super::Language;
use crate::node::people::Role;
use crate::node::people::access;
use crate::node::service::{Protocol, Scope, Shown, Start};
use crate::node::setting::{Choice, Setting};
use crate::node::snapshot::{ServiceReport, Snapshot, Summary, Systemd};
use crate::node::unit::{End, State, Why, signal};
use crate::node::{Effect, Place};

/// Roles in the order of the pages, each with its heading. Others follow under their own name.
const ROLES: [(&str, &str); 8] = [
    ("mesh", "kind-mesh"),
    ("discovery", "kind-discovery"),
    ("storage", "kind-storage"),
    ("sharing", "kind-sharing"),
    ("streaming", "kind-streaming"),
    ("voice", "kind-voice"),
    ("web", "kind-web"),
    ("access", "kind-access"),
];

/// Where a kind of service stands on the page.
pub(in crate::http) fn kind_order(kind: &str) -> usize {
    ROLES.iter().position(|(name, _)| *name == kind).unwrap_or(ROLES.len())
}

impl Language {
    /// The heading of a kind of service.
    pub fn kind(self, kind: &str) -> String {
        let known = ROLES.iter().find(|(name, _)| *name == kind).map(|(_, id)| self.say(id));
        known.unwrap_or_else(|| {
            let mut letters = kind.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        })
    }

    /// What a service is called.
    pub fn service_title(self, report: &ServiceReport) -> String {
        self.own(&format!("service-{}-title", &*report.service.name), &report.service.title)
    }

    /// What a service is for.
    pub fn service_summary(self, report: &ServiceReport) -> String {
        self.own(&format!("service-{}-summary", &*report.service.name), &report.service.summary)
    }

    /// What a setting is called.
    pub fn setting_title(self, service: &str, setting: &Setting) -> String {
        self.own(&format!("service-{service}-setting-{}", &*setting.name), &setting.title)
    }

    /// What to know before setting it.
    pub fn setting_hint(self, service: &str, setting: &Setting) -> String {
        let brought = setting.hint.as_deref().unwrap_or_default();
        self.own(&format!("service-{service}-setting-{}-hint", &*setting.name), brought)
    }

    /// What something is called that a service drew for itself.
    pub fn shown_title(self, service: &str, shown: &Shown) -> String {
        self.own(&format!("service-{service}-shown-{}", &*shown.name), &shown.title)
    }

    /// One of the words of a choice.
    pub fn choice_title(self, service: &str, setting: &Setting, choice: &Choice) -> String {
        let id = format!("service-{service}-setting-{}-{}", &*setting.name, &*choice.name);
        self.own(&id, &choice.title)
    }

    /// The state of a service in a word or two.
    pub fn state(self, report: &ServiceReport) -> String {
        self.say(match (report.state, report.service.start) {
            (State::Starting, _) if report.restarting => "state-restarting",
            (State::Running, _) => "state-running",
            (State::Starting, _) => "state-starting",
            (State::Stopping, _) => "state-stopping",
            (State::Stopped, Start::OnDemand) => "state-off",
            (State::Stopped, Start::Always) => "state-stopped",
            (State::Failed, _) => "state-failed",
            (State::Missing, _) => "state-missing",
            (State::Unknown, _) => "state-unknown",
        })
    }

    /// What there is to explain about a service; nothing where all is well.
    pub fn report(self, report: &ServiceReport) -> Option<String> {
        match &report.why {
            Some(why) => Some(self.why(why)),
            None if report.state == State::Stopped && report.needs_attention() => {
                Some(self.say("why-stopped"))
            }
            None => None,
        }
    }

    /// Why a unit is not as one would wish.
    pub fn why(self, why: &Why) -> String {
        match why {
            Why::NoUnit => self.say("why-no-unit"),
            Why::Masked => self.say("why-masked"),
            Why::BadUnitFile => self.say("why-bad-unit-file"),
            Why::Ended(end) => self.end(end),
            Why::Part { unit, why: None } => self.with("why-part", "unit", unit),
            Why::Part { unit, why: Some(why) } => {
                self.both("why-part-because", ("unit", unit), ("why", &self.why(why)))
            }
        }
    }

    /// How the last run of a program ended.
    fn end(self, end: &End) -> String {
        let how = match end.result.as_str() {
            "exit-code" => self.with("end-exit-code", "code", end.status),
            "signal" | "core-dump" => {
                let name = signal(end.status).map_or_else(|| end.status.to_string(), str::to_owned);
                self.with("end-signal", "signal", name)
            }
            "timeout" => self.say("end-timeout"),
            "watchdog" => self.say("end-watchdog"),
            "oom-kill" => self.say("end-memory"),
            "start-limit-hit" => self.say("end-too-often"),
            "resources" => self.say("end-resources"),
            "" | "success" => self.say("end-unknown"),
            other => self.with("end-other", "result", other),
        };
        if end.restarts == 0 {
            return how;
        }
        format!("{how} {}", self.with("end-restarts", "times", end.restarts))
    }

    /// The node in one sentence.
    pub fn headline(self, snapshot: &Snapshot) -> String {
        match snapshot.summary() {
            Summary::Asking => self.say("headline-asking"),
            Summary::Blind => self.say("headline-blind"),
            Summary::Trouble { things } => self.with("headline-trouble", "things", things),
            Summary::Moving { services } => self.with("headline-moving", "services", services),
            Summary::Fine if snapshot.services.is_empty() => self.say("headline-empty"),
            Summary::Fine if snapshot.count(State::Running) == 0 => self.say("headline-ready"),
            Summary::Fine => self.say("headline-fine"),
        }
    }

    /// The sentence below it.
    pub fn detail(self, snapshot: &Snapshot, uptime: std::time::Duration) -> String {
        if let Systemd::Away { since, .. } = &snapshot.systemd {
            let away = self.duration(uptime.saturating_sub(*since).as_secs());
            return self.with("detail-blind", "time", away);
        }
        let on = snapshot.count(State::Running);
        let can = |report: &&ServiceReport| {
            report.state == State::Stopped && report.service.start == Start::OnDemand
        };
        let off = snapshot.services.iter().filter(can).count();
        let others = if on > 0 { "detail-off" } else { "detail-ready" };
        let on = (on > 0).then(|| self.with("detail-on", "services", on));
        let off = (off > 0).then(|| self.with(others, "services", off));
        on.into_iter().chain(off).collect::<Vec<_>>().join(" ")
    }

    /// What does not work because of a problem.
    pub fn effect(self, effect: &Effect) -> String {
        match effect {
            Effect::HttpsOff => self.say("effect-https-off"),
            Effect::NoIdentity => self.say("effect-no-identity"),
            Effect::NoClaim => self.say("effect-no-claim"),
            Effect::ImageUnknown => self.say("effect-image-unknown"),
            Effect::ServicesUnknown => self.say("effect-services-unknown"),
            Effect::ServiceHidden(service) => self.with("effect-service-hidden", "service", service),
            Effect::PeopleLost => self.say("effect-people-lost"),
            Effect::OperationsLost => self.say("effect-operations-lost"),
            Effect::CommunityLost => self.say("effect-community-lost"),
            Effect::InvitationUnfit => self.say("effect-invitation-unfit"),
            Effect::PreferencesLost => self.say("effect-preferences-lost"),
            Effect::FirewallStuck => self.say("effect-firewall-stuck"),
            Effect::HelperAway => self.say("effect-helper-away"),
        }
    }

    /// What lies on a disk.
    pub fn place(self, place: Place) -> String {
        self.say(match place {
            Place::System => "disk-system",
            Place::Data => "disk-data",
        })
    }

    /// What a person may do, in a word.
    pub fn role(self, role: Role) -> String {
        self.say(match role {
            Role::Guest => "role-guest",
            Role::Member => "role-member",
            Role::Owner => "role-owner",
        })
    }

    /// What a person may do, in a sentence.
    pub fn role_means(self, role: Role) -> String {
        self.say(match role {
            Role::Guest => "role-guest-means",
            Role::Member => "role-member-means",
            Role::Owner => "role-owner-means",
        })
    }

    /// What a program may do with a token.
    pub fn token_scope(self, scope: access::Scope) -> String {
        self.say(match scope {
            access::Scope::Read => "token-scope-read",
            access::Scope::Services => "token-scope-services",
            access::Scope::People => "token-scope-people",
            access::Scope::Node => "token-scope-node",
        })
    }

    /// Who may reach a port.
    pub fn port_scope(self, scope: Scope) -> String {
        self.say(match scope {
            Scope::Loopback => "scope-loopback",
            Scope::Lan => "scope-lan",
            Scope::Mesh => "scope-mesh",
            Scope::Internet => "scope-internet",
        })
    }

    /// How a port is spoken to.
    pub fn protocol(self, protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        }
    }
}
