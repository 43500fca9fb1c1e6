//! What agent and helper say to each other: one request in one line, and answers, a line each, the last one final.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mesh::{MeshKey, Own, Peer, Status};
use crate::node::operation::Step;

/// No request is longer, its line end included.
pub const REQUEST_LIMIT_BYTES: usize = 64 * 1024;
/// No `mesh-apply` is longer: two thousand members with four endpoints and the longest keys each.
pub const MESH_LIMIT_BYTES: usize = 6 << 20;
/// How such a request begins, as [`Request`] writes it.
const MESH_FRONT: &[u8] = br#"{"verb":"mesh-apply","#;
/// No answer is longer: five hundred long lines of a journal.
pub const ANSWER_LIMIT_BYTES: usize = 4 << 20;
/// The most lines of a journal that may be asked for.
pub const LINES_LIMIT: u16 = 500;

/// What the helper can be asked. There is nothing else: it knows these verbs and the services of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Switch a service on or off, for good.
    Switch {
        /// Its name in the catalogue.
        service: String,
        /// Whether it is to be on.
        on: bool,
    },
    /// Stop a service and start it again.
    Restart {
        /// Its name in the catalogue.
        service: String,
    },
    /// Set some of a service's settings; the others stay. If it runs, it is started anew with them.
    Configure {
        /// Its name in the catalogue.
        service: String,
        /// Values by the settings' names, as the owner wrote them.
        settings: BTreeMap<String, String>,
    },
    /// Tell a service's settings, and what it drew for itself.
    Settings {
        /// Its name in the catalogue.
        service: String,
    },
    /// Tell the last lines of a service's journal.
    Logs {
        /// Its name in the catalogue.
        service: String,
        /// How many at most.
        lines: u16,
    },
    /// Tell how much a service keeps.
    Usage {
        /// Its name in the catalogue.
        service: String,
    },
    /// Make the firewall fit what is on.
    Firewall,
    /// Give the node a name.
    Rename {
        /// The name: letters, digits and `-`, 63 at most.
        name: String,
    },
    /// Turn the machine off, or start it anew.
    Power {
        /// Which of the two.
        how: Power,
    },
    /// Make the key of the mesh where there is none, and tell its public half.
    MeshKey,
    /// Make these the members of the mesh, all of them, and nobody else.
    MeshApply {
        /// This node's own end.
        own: Own,
        /// The others.
        peers: Vec<Peer>,
    },
    /// Forget all members of the mesh and the key.
    MeshLeave,
    /// Tell how the mesh is.
    MeshStatus,
}

/// What becomes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// It starts anew.
    Reboot,
    /// It stays off.
    Off,
}

/// One line of the helper's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It has come to this step; more follows.
    Step(Step),
    /// It is done.
    Done(Outcome),
    /// It was not begun: the request makes no sense, or comes from the wrong one.
    Refused {
        /// Why not.
        why: String,
    },
    /// It was begun and went wrong; all is as before.
    Failed {
        /// What went wrong, for pages.
        cause: Cause,
        /// The same in full, for people who look closer.
        detail: String,
    },
}

/// The last answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Final {
    /// It is done.
    Done(Outcome),
    /// It was not begun.
    Refused {
        /// Why not.
        why: String,
    },
    /// It was begun and went wrong; all is as before.
    Failed {
        /// What went wrong, for pages.
        cause: Cause,
        /// The same in full.
        detail: String,
    },
}

/// Why something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Somebody else listens on a port that the service needs.
    PortTaken {
        /// The port.
        port: u16,
        /// `tcp` or `udp`.
        protocol: String,
        /// The unit that has it, or nothing where that is not known.
        by: String,
    },
    /// A unit did not start or stop.
    JobFailed {
        /// The unit.
        unit: String,
        /// What systemd calls it (`failed`, `timeout`, `exit-code`, ...).
        result: String,
    },
    /// There is no room on the disk.
    DiskFull,
    /// systemd does not answer, or does not want to.
    Systemd,
    /// Something else.
    Other,
}

/// What a request gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There is nothing to tell.
    Nothing,
    /// Lines of the journal, the oldest first.
    Lines(Vec<Line>),
    /// How much lies in each of the service's folders.
    Usage(Vec<Size>),
    /// Settings of a service.
    Settings {
        /// Every setting of the service with its value.
        values: BTreeMap<String, String>,
        /// What the service drew for itself, as far as it is there.
        shown: BTreeMap<String, String>,
    },
    /// The public key of this node's end of the mesh.
    MeshKey {
        /// The key.
        key: MeshKey,
    },
    /// How the mesh is.
    Mesh(Status),
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, in seconds since 1970 by the node's clock.
    pub time_s: u64,
    /// The unit that wrote it.
    pub unit: String,
    /// How much it matters: 0 (most) to 7 (syslog(3)).
    pub level: u8,
    /// What it says, without characters that do not show.
    pub text: String,
}

/// How much lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// The folder.
    pub path: String,
    /// What it takes on the disk.
    pub bytes: u64,
    /// Whether the time was not enough to count all: it is at least this much.
    pub at_least: bool,
}

impl Request {
    /// The request in `bytes`: one line and nothing after it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let limit = Self::limit(bytes);
        if bytes.len() > limit {
            return Err(format!("the request is longer than {limit} bytes"));
        }
        let Some((b'\n', line)) = bytes.split_last() else {
            return Err("the request has no line end".to_owned());
        };
        if line.contains(&b'\n') {
            return Err("the request is more than one line".to_owned());
        }
        serde_json::from_slice(line).map_err(|error| format!("the request cannot be read: {error}"))
    }

    /// How long the request may be that begins like this.
    pub fn limit(bytes: &[u8]) -> usize {
        if bytes.starts_with(MESH_FRONT) { MESH_LIMIT_BYTES } else { REQUEST_LIMIT_BYTES }
    }

    /// What the journal is told about it: everything but the values of settings, which may be secret.
    pub fn words(&self) -> String {
        let on_off = |on: &bool| if *on { "on" } else { "off" };
        match self {
            Self::Switch { service, on } => format!("switch {service} {}", on_off(on)),
            Self::Restart { service } => format!("restart {service}"),
            Self::Configure { service, settings } => {
                let names: Vec<&str> = settings.keys().map(String::as_str).collect();
                format!("configure {service} ({})", names.join(", "))
            }
            Self::Settings { service } => format!("settings {service}"),
            Self::Logs { service, lines } => format!("logs {service} {lines}"),
            Self::Usage { service } => format!("usage {service}"),
            Self::Firewall => "firewall".to_owned(),
            Self::Rename { name } => format!("rename {name}"),
            Self::Power { how: Power::Reboot } => "power reboot".to_owned(),
            Self::Power { how: Power::Off } => "power off".to_owned(),
            Self::MeshKey => "mesh-key".to_owned(),
            Self::MeshApply { own, peers } => format!("mesh-apply {} and {} others", own.name(), peers.len()),
            Self::MeshLeave => "mesh-leave".to_owned(),
            Self::MeshStatus => "mesh-status".to_owned(),
        }
    }
}

impl From<Final> for Answer {
    fn from(last: Final) -> Self {
        match last {
            Final::Done(outcome) => Self::Done(outcome),
            Final::Refused { why } => Self::Refused { why },
            Final::Failed { cause, detail } => Self::Failed { cause, detail },
        }
    }
}

impl Final {
    /// What the journal is told about it.
    pub fn words(&self) -> String {
        match self {
            Self::Done(_) => "done".to_owned(),
            Self::Refused { why } => format!("refused: {why}"),
            Self::Failed { detail, .. } => format!("failed: {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Cause, Power, Request};

    #[test]
    fn a_request_is_one_line() {
        let read = |text: &str| Request::read(text.as_bytes());
        assert_eq!(
            read("{\"verb\":\"switch\",\"service\":\"icecast\",\"on\":true}\n"),
            Ok(Request::Switch { service: "icecast".to_owned(), on: true })
        );
        assert_eq!(read("{\"verb\":\"power\",\"how\":\"off\"}\n"), Ok(Request::Power { how: Power::Off }));
        let hostile = [
            "",
            "\n",
            "{\"verb\":\"firewall\"}",
            "{\"verb\":\"firewall\"}\n{\"verb\":\"firewall\"}\n",
            "{\"verb\":\"firewall\"} {\"verb\":\"firewall\"}\n",
            "{\"verb\":\"run\",\"command\":\"id\"}\n",
            "{\"verb\":\"restart\",\"service\":\"a\",\"unit\":\"b\"}\n",
            "{\"verb\":\"restart\"}\n",
            "{\"verb\":\"power\",\"how\":\"explode\"}\n",
            "{\"verb\":\"logs\",\"service\":\"a\",\"lines\":70000}\n",
            "{\"verb\":\"logs\",\"service\":\"a\",\"lines\":-1}\n",
            "[]\n",
            "null\n",
        ];
        for text in hostile {
            assert!(read(text).is_err(), "{text:?}");
        }
        let huge = format!("{{\"verb\":\"restart\",\"service\":\"{}\"}}\n", "a".repeat(70_000));
        assert_eq!(read(&huge).unwrap_err(), "the request is longer than 65536 bytes");
        assert!(Request::read(b"{\"verb\":\"restart\",\"service\":\"\xff\"}\n").is_err());
    }

    #[test]
    fn the_journal_never_gets_a_value() {
        let settings = [("password".to_owned(), "hush".to_owned())].into();
        let words = Request::Configure { service: "mumble".to_owned(), settings }.words();
        assert_eq!(words, "configure mumble (password)");
    }

    #[test]
    fn an_answer_has_a_fixed_form() {
        let cause = Cause::PortTaken { port: 8000, protocol: "tcp".into(), by: "a.service".into() };
        let text = serde_json::to_string(&Answer::Failed { cause, detail: "x".into() }).unwrap();
        let expected = r#"{"failed":{"cause":{"port-taken":{"port":8000,"protocol":"tcp","by":"a.service"}},"detail":"x"}}"#;
        assert_eq!(text, expected);
        let done = serde_json::to_string(&Answer::Done(super::Outcome::Nothing)).unwrap();
        assert_eq!(done, r#"{"done":"nothing"}"#);
    }
}
