//! systemd over D-Bus (org.freedesktop.systemd1(5)): the calls that agent and helper both make, and how both connect.

use std::time::Duration;

use anyhow::Context;
use zbus::{Connection, OwnedObjectPath, connection, proxy};

/// systemd's name on the bus.
pub const SYSTEMD: &str = "org.freedesktop.systemd1";
/// Its main interface.
pub const MANAGER: &str = "org.freedesktop.systemd1.Manager";
/// A bus that is there answers in milliseconds.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

type Changes = Vec<(String, String, String)>;

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn reload(&self) -> zbus::Result<()>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn get_unit_file_state(&self, name: &str) -> zbus::Result<String>;
    fn enable_unit_files(
        &self,
        names: &[String],
        runtime: bool,
        force: bool,
    ) -> zbus::Result<(bool, Changes)>;
    fn disable_unit_files(&self, names: &[String], runtime: bool) -> zbus::Result<Changes>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn kill_unit(&self, name: &str, whom: &str, signal: i32) -> zbus::Result<()>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
}

#[proxy(
    interface = "org.freedesktop.systemd1.Unit",
    default_service = "org.freedesktop.systemd1",
    assume_defaults = false
)]
pub trait Unit {
    #[zbus(property)]
    fn load_state(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn active_state(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn sub_state(&self) -> zbus::Result<String>;
}

#[proxy(
    interface = "org.freedesktop.systemd1.Service",
    default_service = "org.freedesktop.systemd1",
    assume_defaults = false
)]
pub trait Service {
    #[zbus(property)]
    fn result(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn exec_main_status(&self) -> zbus::Result<i32>;
    #[zbus(property, name = "NRestarts")]
    fn restarts(&self) -> zbus::Result<u32>;
    #[zbus(property)]
    fn memory_current(&self) -> zbus::Result<u64>;
}

/// Connects to the bus at `address`, or to the system's; there a call may take so long.
pub async fn connect(address: Option<&str>, answer_limit: Duration) -> anyhow::Result<Connection> {
    let builder = match address {
        None => connection::Builder::system(),
        Some(address) => connection::Builder::address(address),
    };
    let build = builder.method_timeout(answer_limit).build();
    tokio::time::timeout(CONNECT_LIMIT, build)
        .await
        .context("connecting to D-Bus takes too long")?
        .context("connecting to D-Bus")
}
