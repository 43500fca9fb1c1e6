//! Door to the kernel: the host name and the time since boot.

use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use rustix::time::ClockId;

use crate::node::{Disk, Place};

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

/// Unix time in seconds. It jumps when the clock is set.
pub fn unix_s() -> u64 {
    u64::try_from(rustix::time::clock_gettime(ClockId::Realtime).tv_sec).unwrap_or_default()
}

/// Unix time.
pub fn unix() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(ClockId::Realtime)).unwrap_or_default()
}

/// The addresses by which this node speaks with others: to the home network and beyond it. Nothing is sent; the kernel
/// only says which address it would take.
pub fn addresses() -> Vec<IpAddr> {
    // Of documentation (RFC 5737, RFC 3849), and of networks such as guifi.net's that are no default route.
    let far = ["192.0.2.1", "10.255.255.254", "172.31.255.254", "192.168.255.254", "2001:db8::1"];
    let mut found = Vec::new();
    for far in far.iter().filter_map(|it| it.parse::<IpAddr>().ok()) {
        let own = if far.is_ipv4() { "0.0.0.0" } else { "::" };
        let Ok(socket) = UdpSocket::bind((own, 0)) else { continue };
        let address = socket.connect((far, 9)).and_then(|()| socket.local_addr());
        if let Ok(address) = address.map(|it| it.ip())
            && !address.is_loopback()
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// The room on the disk of the system, and on that of `state` where it is another one.
pub fn disks(state: &Path) -> Vec<Disk> {
    let places = [(Place::System, Path::new("/")), (Place::Data, state)];
    let mut disks = Vec::new();
    let mut seen = Vec::new();
    for (place, path) in places {
        let (Ok(room), Ok(node)) = (rustix::fs::statvfs(path), rustix::fs::stat(path)) else { continue };
        if seen.contains(&node.st_dev) {
            continue;
        }
        seen.push(node.st_dev);
        // In steps, so that not every line of a log is news.
        let step = |bytes: u64| bytes >> 20 << 20;
        let (free, total) = (room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize);
        disks.push(Disk { place, free: step(free), total });
    }
    disks
}
