//! What each setting is on the node: the text of its files. Pure.

use std::fmt::Write;

use nuvol_seed::{Network, Wifi};

const HEAD: &str = "# Written at every boot from nuvol.toml on NUVOL-CFG; change it there.\n";

/// For systemd-networkd (systemd.network(5)).
pub(super) fn network(network: &Network) -> String {
    let mut text = format!("{HEAD}[Match]\n");
    match (&network.interface, &network.mac) {
        (Some(name), _) => line(&mut text, "Name", name),
        (None, Some(mac)) => line(&mut text, "PermanentMACAddress", mac),
        // As in 80-nuvol-wired.network: ports of the machine itself.
        (None, None) => text += "Type=ether\nKind=!*\n",
    }
    text += "\n[Network]\n";
    line(&mut text, "DHCP", if network.asks() { "yes" } else { "no" });
    if !network.addresses.is_empty() {
        // Whatever address was written, neighbours still find the node by its name.
        text += "LinkLocalAddressing=yes\n";
    }
    network.gateway.iter().for_each(|gateway| line(&mut text, "Gateway", gateway));
    network.dns.iter().for_each(|server| line(&mut text, "DNS", server));
    text += "MulticastDNS=no\nLLMNR=no\n";
    for address in &network.addresses {
        text += "\n[Address]\n";
        line(&mut text, "Address", address);
        // For the firewall: whoever has an address of this network is at home.
        line(
            &mut text,
            "NFTSet",
            if address.contains(':') { "prefix:inet:nuvol:lan6" } else { "prefix:inet:nuvol:lan4" },
        );
    }
    text + HOME
}

/// For every wireless port, unless a `[[network]]` is for it.
pub(super) fn wireless() -> String {
    format!("{HEAD}[Match]\nType=wlan\n\n[Network]\nDHCP=yes\nMulticastDNS=no\nLLMNR=no\n{HOME}")
}

/// The same as in 80-nuvol-wired.network.
const HOME: &str = "
[DHCPv4]
ClientIdentifier=mac
UseHostname=no
NFTSet=prefix:inet:nuvol:lan4

[DHCPv6]
UseHostname=no
NFTSet=prefix:inet:nuvol:lan6

[IPv6AcceptRA]
NFTSet=prefix:inet:nuvol:lan6
";

/// For wpa_supplicant (wpa_supplicant.conf(5)). The name goes in hexadecimal digits: it may hold any bytes.
pub(super) fn wifi(wifi: &Wifi) -> String {
    let ssid: String = wifi.ssid.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut text = format!("{HEAD}country={}\nnetwork={{\n\tssid={ssid}\n\tscan_ssid=1\n", wifi.country);
    match &wifi.password {
        None => text += "\tkey_mgmt=NONE\n",
        // The key itself, which only the older of the two ways takes.
        Some(key) if key.len() == 64 => {
            text += &format!("\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n\tpsk={key}\n");
        }
        // Everything up to the last quotation mark counts, so none in it must be escaped.
        Some(password) => {
            text += &format!("\tkey_mgmt=SAE WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n\tpsk=\"{password}\"\n");
        }
    }
    text + "}\n"
}

fn line(text: &mut String, key: &str, value: &str) {
    // Writing to a text cannot fail.
    writeln!(text, "{key}={value}").ok();
}

#[cfg(test)]
mod tests {
    use nuvol_seed::{Network, Wifi};

    use super::{network, wifi};

    #[test]
    fn addresses_of_its_own() {
        let text = network(&Network {
            interface: Some("enp*".into()),
            addresses: vec!["192.168.1.20/24".into(), "fd00::20/64".into()],
            gateway: Some("192.168.1.1".into()),
            dns: vec!["192.168.1.1".into()],
            ..Network::default()
        });
        let begin = "[Match]\nName=enp*\n\n[Network]\nDHCP=no\nLinkLocalAddressing=yes\nGateway=192.168.1.1\n\
                     DNS=192.168.1.1\nMulticastDNS=no\nLLMNR=no\n\n[Address]\nAddress=192.168.1.20/24\n\
                     NFTSet=prefix:inet:nuvol:lan4\n\n[Address]\nAddress=fd00::20/64\nNFTSet=prefix:inet:nuvol:lan6\n";
        assert_eq!(text.split_once('\n').unwrap().1.split("\n[DHCPv4]").next().unwrap(), begin);
        assert!(
            network(&Network::default()).contains("Type=ether\nKind=!*\n\n[Network]\nDHCP=yes\nMulticastDNS")
        );
    }

    #[test]
    fn a_wireless_network_may_be_called_anything() {
        let text = |password: Option<&str>| {
            let password = password.map(str::to_owned);
            wifi(&Wifi { ssid: "a\"}\n".into(), password, country: "ES".into() })
                .split_once('\n')
                .unwrap()
                .1
                .to_owned()
        };
        assert_eq!(text(None), "country=ES\nnetwork={\n\tssid=61227d0a\n\tscan_ssid=1\n\tkey_mgmt=NONE\n}\n");
        assert!(text(Some("say \"friend\"")).contains("\n\tpsk=\"say \"friend\"\"\n}"));
        assert!(text(Some(&"0a".repeat(32))).contains(&format!("\n\tpsk={}\n}}", "0a".repeat(32))));
    }
}
