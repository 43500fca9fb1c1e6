//! The firewall's open ports as text for nft(8): exactly what the services that are on declare, and nothing else.

use std::collections::BTreeSet;

use crate::node::service::{Port, Protocol, Scope, Service};

/// The file that holds this text, in the helper's folder.
pub const FILE: &str = "services.nft";

/// The unit that loads it.
pub const UNIT: &str = "nuvol-firewall-services.service";

/// Who may reach a port, and the chain for it. `firewall.nft` says who comes into which chain.
const CHAINS: [(Scope, &str); 3] =
    [(Scope::Internet, "services-internet"), (Scope::Lan, "services-lan"), (Scope::Mesh, "services-mesh")];

/// What nft is told: all chains are emptied and filled in one step, so that no port that stays open ever closes.
pub fn render<'a>(on: impl IntoIterator<Item = &'a Service>) -> String {
    let on: Vec<&Service> = on.into_iter().collect();
    let mut text =
        "# Written by nuvol-helper from the catalogue and what is on.\ntable inet nuvol {\n".to_owned();
    for (_, chain) in CHAINS {
        text += &format!("\tchain {chain} {{\n\t}}\n");
    }
    text += "}\n";
    for (_, chain) in CHAINS {
        text += &format!("flush chain inet nuvol {chain}\n");
    }
    text += "table inet nuvol {\n";
    for (scope, chain) in CHAINS {
        let rules: BTreeSet<String> = on
            .iter()
            .flat_map(|service| service.ports.iter().map(move |port| (service, port)))
            .filter(|(_, port)| is_open(port, scope))
            .map(|(service, port)| rule(service, port))
            .collect();
        text += &format!("\tchain {chain} {{\n{}\t}}\n", rules.into_iter().collect::<String>());
    }
    text + "}\n"
}

/// A port that the node keeps to itself is never opened, whatever else its entry says.
fn is_open(port: &Port, scope: Scope) -> bool {
    port.scope.has(scope) && !port.scope.has(Scope::Loopback)
}

fn rule(service: &Service, port: &Port) -> String {
    let protocol = protocol(port.protocol);
    format!("\t\t{protocol} dport {} accept comment \"{} {}\"\n", port.port, &*service.name, &*port.name)
}

/// `tcp` or `udp`.
pub fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::node::service::Service;

    fn service(name: &str, ports: &str) -> Service {
        let json = format!(
            r#"{{"name": "{name}", "title": "T", "summary": "S", "role": "web", "units": ["{name}.service"],
                "start": "on-demand", "ports": [{ports}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn exactly_the_declared_ports_are_open() {
        let radio = service(
            "radio",
            r#"{"name": "stream", "port": 8000, "protocol": "tcp", "scope": ["lan", "mesh"]},
               {"name": "admin", "port": 8001, "protocol": "tcp", "scope": "loopback"},
               {"name": "odd", "port": 8002, "protocol": "tcp", "scope": ["loopback", "lan"]}"#,
        );
        let mesh =
            service("mesh", r#"{"name": "meta", "port": 655, "protocol": "udp", "scope": "internet"}"#);
        let text = render([&radio, &mesh]);
        let (_, rules) = text.rsplit_once("table inet nuvol {\n").unwrap();
        assert_eq!(
            rules,
            "\tchain services-internet {\n\t\tudp dport 655 accept comment \"mesh meta\"\n\t}\n\
             \tchain services-lan {\n\t\ttcp dport 8000 accept comment \"radio stream\"\n\t}\n\
             \tchain services-mesh {\n\t\ttcp dport 8000 accept comment \"radio stream\"\n\t}\n}\n"
        );
        assert!(!render([]).contains("accept"));
    }
}
