//! Door to the kernel: the host name and the time since boot.

use std::time::Duration;

use rustix::time::ClockId;

/// The host name without a domain. Asked anew each time: first boot may set it after the agent has started.
pub fn name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Time since boot, sleep included. `/proc/uptime` is hidden from the agent by its unit.
pub fn uptime() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(ClockId::Boottime)).unwrap_or_default()
}
