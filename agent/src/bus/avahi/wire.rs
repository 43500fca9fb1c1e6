//! The calls and signals of Avahi's D-Bus interface (org.freedesktop.Avahi) that the agent needs.

use zbus::{Message, OwnedObjectPath, proxy};

/// Avahi's name on the bus.
pub(super) const AVAHI: &str = "org.freedesktop.Avahi";
/// Every interface, every protocol.
pub(super) const ANY: i32 = -1;
/// The flag of what this machine announces itself.
pub(super) const LOCAL: u32 = 8;
/// States of the server.
pub(super) const RUNNING: i32 = 2;
/// States of an entry group.
pub(super) const COLLISION: i32 = 3;
pub(super) const FAILURE: i32 = 4;

/// What `ResolveService` answers: interface, protocol, name, kind, domain, host, protocol of the address, address,
/// port, TXT, flags.
pub(super) type Resolved = (i32, i32, String, String, String, String, i32, String, u16, Vec<Vec<u8>>, u32);

#[proxy(
    interface = "org.freedesktop.Avahi.Server2",
    default_service = "org.freedesktop.Avahi",
    default_path = "/"
)]
pub(super) trait Server {
    fn get_host_name(&self) -> zbus::Result<String>;
    fn get_state(&self) -> zbus::Result<i32>;
    fn get_alternative_service_name(&self, name: &str) -> zbus::Result<String>;
    fn entry_group_new(&self) -> zbus::Result<OwnedObjectPath>;
    fn service_type_browser_prepare(
        &self,
        interface: i32,
        protocol: i32,
        domain: &str,
        flags: u32,
    ) -> zbus::Result<OwnedObjectPath>;
    fn service_browser_prepare(
        &self,
        interface: i32,
        protocol: i32,
        kind: &str,
        domain: &str,
        flags: u32,
    ) -> zbus::Result<OwnedObjectPath>;
    #[allow(clippy::too_many_arguments, reason = "Avahi's interface")]
    fn resolve_service(
        &self,
        interface: i32,
        protocol: i32,
        name: &str,
        kind: &str,
        domain: &str,
        address_protocol: i32,
        flags: u32,
    ) -> zbus::Result<Resolved>;
}

#[proxy(
    interface = "org.freedesktop.Avahi.EntryGroup",
    default_service = "org.freedesktop.Avahi",
    assume_defaults = false
)]
pub(super) trait EntryGroup {
    #[allow(clippy::too_many_arguments, reason = "Avahi's interface")]
    fn add_service(
        &self,
        interface: i32,
        protocol: i32,
        flags: u32,
        name: &str,
        kind: &str,
        domain: &str,
        host: &str,
        port: u16,
        txt: &[Vec<u8>],
    ) -> zbus::Result<()>;
    #[allow(clippy::too_many_arguments, reason = "Avahi's interface")]
    fn update_service_txt(
        &self,
        interface: i32,
        protocol: i32,
        flags: u32,
        name: &str,
        kind: &str,
        domain: &str,
        txt: &[Vec<u8>],
    ) -> zbus::Result<()>;
    fn commit(&self) -> zbus::Result<()>;
    fn reset(&self) -> zbus::Result<()>;
    fn free(&self) -> zbus::Result<()>;
}

#[proxy(
    interface = "org.freedesktop.Avahi.ServiceTypeBrowser",
    default_service = "org.freedesktop.Avahi",
    assume_defaults = false
)]
pub(super) trait TypeBrowser {
    fn start(&self) -> zbus::Result<()>;
}

#[proxy(
    interface = "org.freedesktop.Avahi.ServiceBrowser",
    default_service = "org.freedesktop.Avahi",
    assume_defaults = false
)]
pub(super) trait Browser {
    fn start(&self) -> zbus::Result<()>;
    fn free(&self) -> zbus::Result<()>;
}

/// One entry of Avahi's list: a service, as one interface and one protocol tell of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) interface: i32,
    pub(super) protocol: i32,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) domain: String,
}

/// What Avahi tells unasked.
#[derive(Debug)]
pub(super) enum Signal {
    /// The server is in another state; its host name may be another too.
    Server(i32),
    /// A group of ours is in another state.
    Group { path: String, state: i32 },
    /// A kind of service appeared or went, at an interface and a protocol.
    Kind { new: bool, at: (i32, i32), kind: String },
    /// A service appeared or went.
    Service { new: bool, key: Key, flags: u32 },
    /// A browser broke down.
    Failure(String),
}

/// Reads a signal; `None` for one that says nothing of use.
pub(super) fn signal(message: &Message) -> Option<Signal> {
    let header = message.header();
    let member = header.member()?.as_str();
    let path = || Some(header.path()?.to_string());
    let body = message.body();
    match (header.interface()?.as_str().strip_prefix("org.freedesktop.Avahi.")?, member) {
        ("Server" | "Server2", "StateChanged") => {
            let (state, _): (i32, String) = body.deserialize().ok()?;
            Some(Signal::Server(state))
        }
        ("EntryGroup", "StateChanged") => {
            let (state, _): (i32, String) = body.deserialize().ok()?;
            Some(Signal::Group { path: path()?, state })
        }
        ("ServiceTypeBrowser", "ItemNew" | "ItemRemove") => {
            let (interface, protocol, kind, _, _): (i32, i32, String, String, u32) =
                body.deserialize().ok()?;
            Some(Signal::Kind { new: member == "ItemNew", at: (interface, protocol), kind })
        }
        ("ServiceBrowser", "ItemNew" | "ItemRemove") => {
            let (interface, protocol, name, kind, domain, flags): (i32, i32, String, String, String, u32) =
                body.deserialize().ok()?;
            let key = Key { interface, protocol, name, kind, domain };
            Some(Signal::Service { new: member == "ItemNew", key, flags })
        }
        ("ServiceTypeBrowser" | "ServiceBrowser", "Failure") => {
            Some(Signal::Failure(body.deserialize().unwrap_or_default()))
        }
        _ => None,
    }
}

/// Whether Avahi has answered and the answer is no: the connection is well, the request is not.
pub(super) fn is_refusal(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::MethodError(name, ..) if name.as_str().starts_with(AVAHI))
}

/// Whether another service of this machine has the name already.
pub(super) fn is_collision(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::MethodError(name, ..) if name.as_str() == "org.freedesktop.Avahi.CollisionError")
}
