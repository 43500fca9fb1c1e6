//! Ports that are listened on, as ss(8) of `nuvol-ports.service` lists them. The helper cannot look by itself:
//! it has no network.

use std::collections::BTreeSet;

/// The unit that makes the list.
pub const UNIT: &str = "nuvol-ports.service";

/// Where it lies, in the helper's runtime folder.
pub const FILE: &str = "ports";

/// A port that is listened on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The address; `*` means every one.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The unit that listens, or nothing where that is not known.
    pub unit: String,
}

/// The listeners in ss's list. Lines of another form are passed over.
pub fn parse(text: &str) -> Vec<Listener> {
    text.lines().filter_map(listener).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* cgroup:/system.slice/ssh.service`
fn listener(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [protocol @ ("tcp" | "udp"), _, _, _, local, _, rest @ ..] = &words[..] else { return None };
    let (address, port) = local.rsplit_once(':')?;
    let address = address.replace(['[', ']'], "");
    let cgroup = rest.iter().find_map(|word| word.strip_prefix("cgroup:")).unwrap_or_default();
    Some(Listener {
        protocol: (*protocol).to_owned(),
        address: match address.as_str() {
            "0.0.0.0" | "::" => "*".to_owned(),
            _ => address,
        },
        port: port.parse().ok()?,
        unit: unit_of(cgroup),
    })
}

/// The unit of a control group: the last part of its path that is one.
fn unit_of(cgroup: &str) -> String {
    let is_unit = |part: &&str| [".service", ".socket", ".scope"].iter().any(|kind| part.ends_with(kind));
    cgroup.rsplit('/').find(is_unit).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_list_of_ss_is_read() {
        let text = "\
udp UNCONN 0      0              *:5353       *:* cgroup:/system.slice/avahi-daemon.service
tcp LISTEN 0      128    127.0.0.1:8384 0.0.0.0:* cgroup:/system.slice/system-syncthing.slice/syncthing@nuvol.service
tcp LISTEN 0      128      0.0.0.0:22   0.0.0.0:* cgroup:unreachable:1
tcp LISTEN 0      128         [::]:22      [::]:*
udp UNCONN 0      0      [fe80::1]%eth0:546 [::]:* cgroup:/system.slice/systemd-networkd.service
tcp LISTEN 0      128      0.0.0.0:99999 0.0.0.0:*
what is this
";
        let all = parse(text).into_iter();
        let all: Vec<_> =
            all.map(|it| format!("{} {} {} {}", it.protocol, it.address, it.port, it.unit)).collect();
        let expected = [
            "tcp * 22 ",
            "tcp 127.0.0.1 8384 syncthing@nuvol.service",
            "udp * 5353 avahi-daemon.service",
            "udp fe80::1%eth0 546 systemd-networkd.service",
        ];
        assert_eq!(all, expected);
    }
}
