//! `[[network]]`: how ports find into their networks.

use std::net::IpAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::Network;
use crate::fields::{At, Fields, Finder};

pub(crate) const KEYS: [&str; 6] = ["interface", "mac", "dhcp", "addresses", "gateway", "dns"];
/// The kernel's names for ports are shorter than 16 bytes.
const LONGEST_PORT: usize = 15;
const MOST: usize = 32;

/// An address with the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placed {
    address: IpAddr,
    prefix: u8,
}

pub(crate) fn read(finder: &mut Finder<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Network> {
    let DeValue::Array(list) = value.get_ref() else {
        let problem =
            finder.wrong(&value.span(), "there may be several networks, so each is an entry of a list");
        problem.mend("write `[[network]]`, with two brackets");
        return Vec::new();
    };
    if list.len() > MOST {
        finder.wrong(&value.span(), format!("there are {} networks, {MOST} is the most", list.len()));
    }
    let mut networks: Vec<Network> = Vec::new();
    for entry in list.iter() {
        let Some(network) = one(finder, entry) else { continue };
        if networks.iter().any(|it| (&it.interface, &it.mac) == (&network.interface, &network.mac)) {
            finder
                .wrong(&entry.span(), "another `[[network]]` is for the same ports")
                .mend("put both into one, or name their ports by `interface` or `mac`");
        }
        networks.push(network);
    }
    networks
}

fn one(finder: &mut Finder<'_>, entry: &Spanned<DeValue<'_>>) -> Option<Network> {
    let fields = Fields::of(finder, "network", entry, &KEYS)?;
    let interface = fields.text(finder, "interface");
    let mac = fields.text(finder, "mac");
    if let Some(port) = interface.as_ref().filter(|it| !is_port(it.value)) {
        finder
            .wrong(&port.range, format!("`{}` is no name of a port", port.value))
            .mend("such as `enp3s0`, or `en*` for all that begin so");
    }
    if let Some(mac) = mac.as_ref().filter(|it| !is_mac(it.value)) {
        finder
            .wrong(&mac.range, format!("`{}` is no hardware address", mac.value))
            .mend("six pairs of hexadecimal digits: `52:54:00:12:34:56`");
    }
    if let (Some(_), Some(mac)) = (&interface, &mac) {
        finder
            .wrong(&mac.range, "`interface` and `mac` both say which port this is for")
            .mend("leave one out");
    }
    let asked = fields.flag(finder, "dhcp");
    let addresses = fields.texts(finder, "addresses");
    let placed: Vec<Placed> = addresses.iter().filter_map(|text| placed(finder, text)).collect();
    let gateway = fields.text(finder, "gateway");
    if let Some(gateway) = &gateway {
        check_gateway(finder, gateway, &placed, addresses.is_empty());
    }
    let dns = fields.texts(finder, "dns");
    for server in &dns {
        host(finder, server);
    }
    if asked == Some(false) && addresses.is_empty() {
        finder
            .wrong(&fields.range, "with `dhcp = false` and no `addresses` nobody could reach the node")
            .mend("add `addresses = [\"192.168.1.20/24\"]`, or leave `dhcp` out");
    }
    let owned = |list: Vec<At<&str>>| list.into_iter().map(|it| it.value.to_owned()).collect();
    Some(Network {
        interface: interface.map(|it| it.value.to_owned()),
        mac: mac.map(|it| it.value.to_ascii_lowercase()),
        dhcp: asked,
        addresses: owned(addresses),
        gateway: gateway.map(|it| it.value.to_owned()),
        dns: owned(dns),
    })
}

fn is_port(text: &str) -> bool {
    let good = |it: u8| it.is_ascii_alphanumeric() || b"*?._-".contains(&it);
    (1..=LONGEST_PORT).contains(&text.len()) && text.bytes().all(good) && text != "lo"
}

fn is_mac(text: &str) -> bool {
    let pairs: Vec<&str> = text.split(':').collect();
    pairs.len() == 6
        && pairs.iter().all(|pair| pair.len() == 2 && pair.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// `192.168.1.20/24`
fn placed(finder: &mut Finder<'_>, text: &At<&str>) -> Option<Placed> {
    let Some((address, prefix)) = text.value.split_once('/') else {
        let at = At { value: text.value, range: text.range.clone() };
        host(finder, &at)?;
        finder
            .wrong(&text.range, format!("`{}` does not say how large its network is", text.value))
            .mend(format!("at home it is mostly `{}/24`", text.value));
        return None;
    };
    let at = At { value: address, range: text.range.clone() };
    let address = host(finder, &at)?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let digits = prefix.bytes().all(|it| it.is_ascii_digit());
    let Some(prefix) = prefix.parse().ok().filter(|it| digits && (1..=bits).contains(it)) else {
        let cause = format!("`/{prefix}` is no length of a prefix");
        finder.wrong(&text.range, cause).mend(format!("a number from 1 to {bits}, at home mostly 24"));
        return None;
    };
    let placed = Placed { address, prefix };
    if let Some(what) = placed.reserved() {
        finder
            .wrong(&text.range, format!("`{address}` is {what} of its network, no machine's"))
            .mend("choose another one");
    }
    Some(placed)
}

/// An address that one machine may have.
fn host(finder: &mut Finder<'_>, text: &At<&str>) -> Option<IpAddr> {
    let Ok(address) = text.value.parse::<IpAddr>() else {
        finder.wrong(&text.range, format!("`{}` is no address", text.value)).mend("such as `192.168.1.20`");
        return None;
    };
    let everybody = matches!(address, IpAddr::V4(it) if it.is_broadcast());
    if everybody || address.is_multicast() || address.is_unspecified() || address.is_loopback() {
        finder.wrong(&text.range, format!("`{address}` is no address of a machine on a network"));
        return None;
    }
    Some(address)
}

fn check_gateway(finder: &mut Finder<'_>, gateway: &At<&str>, placed: &[Placed], alone: bool) {
    let Some(address) = host(finder, gateway) else { return };
    let range: &Range<usize> = &gateway.range;
    if alone {
        finder
            .wrong(range, "a `gateway` belongs to `addresses`")
            .mend("leave it out where the network gives addresses, for it gives the gateway too");
    } else if placed.iter().any(|it| it.address == address) {
        finder.wrong(range, format!("`{address}` is the node itself")).mend("name the router's address");
    } else if !is_link_local(address) && !placed.is_empty() && !placed.iter().any(|it| it.holds(address)) {
        finder
            .wrong(range, format!("`{address}` is in none of the networks of `addresses`"))
            .mend("the node could not reach it: mend one of the two");
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(it) if it.is_unicast_link_local())
}

impl Placed {
    fn holds(&self, other: IpAddr) -> bool {
        let mask = |bits: u128, width: u8| bits >> (width - self.prefix);
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                mask(u32::from(own).into(), 32) == mask(u32::from(other).into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => mask(own.into(), 128) == mask(other.into(), 128),
            _ => false,
        }
    }

    /// What else than a machine's the address is.
    fn reserved(&self) -> Option<&'static str> {
        let IpAddr::V4(address) = self.address else { return None };
        if self.prefix > 30 {
            return None;
        }
        let rest = u32::from(address) & (u32::MAX >> self.prefix);
        match rest {
            0 => Some("the number"),
            _ if rest == u32::MAX >> self.prefix => Some("the address for all"),
            _ => None,
        }
    }
}
