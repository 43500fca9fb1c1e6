//! The wires of a lab, as what `ip` and `nft` read: one bridge, one pair of cards a node, and a router before those
//! nodes that nobody shall reach.

use std::fmt::Write as _;

use anyhow::ensure;

use super::plan::{Node, Plan, bridge};

/// For `ip -batch`: the bridge, and the routers' ends on it.
///
/// Snooping is off because nobody asks who listens, and mDNS would stop after a while.
pub fn bridge_wires(plan: &Plan) -> String {
    let mut text = format!(
        "link set lo up\nlink add br0 type bridge mcast_snooping 0\naddress add {}/24 dev br0\nlink set br0 up\n",
        bridge()
    );
    for node in plan.nodes.iter().filter(|node| node.behind_nat) {
        let (port, router) = (node.port(), node.router());
        writeln!(text, "netns add {router}").ok();
        writeln!(text, "link add {port} type veth peer name wan netns {router}").ok();
        writeln!(text, "link set {port} master br0 up").ok();
    }
    text
}

/// For `ip -batch` in the namespace of a node's router.
pub fn router_wires(node: &Node) -> String {
    format!(
        "link set lo up\naddress add {}/24 dev wan\nlink set wan up\nroute add default via {}\n",
        node.public(),
        bridge()
    )
}

/// For `ip -batch` where the node's wire begins (beside the bridge, or in the namespace of its router): a network
/// namespace that nobody was in before, as a machine that was switched on has it.
pub fn plug(node: &Node) -> String {
    // The same card at every boot: neighbours remember it.
    let card = format!("peer name eth0 address 02:6e:75:76:6f:{:02x} netns {}", node.number, node.name);
    let name = &node.name;
    if node.behind_nat {
        let gateway = node.gateway();
        return format!(
            "netns add {name}\nlink add lan type veth {card}\naddress add {gateway}/24 dev lan\n\
             link set lan up\n"
        );
    }
    let port = node.port();
    format!("netns add {name}\nlink add {port} type veth {card}\nlink set {port} master br0 up\n")
}

/// For `ip -batch` in the same place: the end of that. Left alone, the kernel would go on answering for a dead node.
pub fn unplug(node: &Node) -> String {
    let port = if node.behind_nat { "lan".to_owned() } else { node.port() };
    format!("link delete {port}\nnetns delete {}\n", node.name)
}

/// For `nft -f` in the namespace of a node's router: answers come in, nothing else does.
pub const ROUTER_RULES: &str = "table ip nat {
	chain out {
		type nat hook postrouting priority 100;
		oifname \"wan\" masquerade
	}
	chain through {
		type filter hook forward priority 0;
		iifname \"wan\" ct state new drop
	}
}
";

/// For `nft -f` beside the bridge: a chain for what each node loses, and one for who does not hear whom.
pub fn rules(plan: &Plan) -> String {
    let mut text = "table bridge lab {\n\tchain split {\n\t}\n".to_owned();
    for node in &plan.nodes {
        writeln!(text, "\tchain loss-{} {{\n\t}}", node.name).ok();
    }
    text.push_str("\tchain forward {\n\t\ttype filter hook forward priority 0;\n\t\tjump split\n");
    for node in &plan.nodes {
        for side in ["iifname", "oifname"] {
            writeln!(text, "\t\t{side} \"{}\" jump loss-{}", node.port(), node.name).ok();
        }
    }
    text.push_str("\t}\n}\n");
    text
}

/// For `nft -f`: of what the node sends and of what it gets, `percent` of 100 frames are lost.
pub fn loss(node: &Node, percent: u8) -> anyhow::Result<String> {
    ensure!(percent <= 100, "of 100 frames no {percent} can be lost");
    let chain = format!("bridge lab loss-{}", node.name);
    let mut text = format!("flush chain {chain}\n");
    if percent > 0 {
        writeln!(text, "add rule {chain} numgen random mod 100 < {percent} drop").ok();
    }
    Ok(text)
}

/// For `nft -f`: no group hears another. Whoever is in no group hears all; no groups is the end of any split.
pub fn split(plan: &Plan, groups: &[Vec<String>]) -> anyhow::Result<String> {
    let mut ports = Vec::new();
    let mut seen = Vec::new();
    for group in groups {
        let mut names = Vec::new();
        for name in group {
            ensure!(!seen.contains(name), "`{name}` is on two sides of the split");
            seen.push(name.clone());
            names.push(format!("\"{}\"", plan.node(name)?.port()));
        }
        ensure!(!names.is_empty(), "a side of a split has no node");
        ports.push(names.join(", "));
    }
    let mut text = "flush chain bridge lab split\n".to_owned();
    for (at, from) in ports.iter().enumerate() {
        for (_, to) in ports.iter().enumerate().filter(|(other, _)| *other != at) {
            writeln!(text, "add rule bridge lab split iifname {{ {from} }} oifname {{ {to} }} drop").ok();
        }
    }
    Ok(text)
}

/// What systemd-networkd of a node reads about its card. Its network is home to the firewall, as one from DHCP would be.
pub fn card(node: &Node) -> String {
    format!(
        "[Match]\nName=eth0\n\n[Network]\nLinkLocalAddressing=ipv6\nMulticastDNS=no\nLLMNR=no\n\n\
         [Address]\nAddress={}/24\nNFTSet=prefix:inet:nuvol:lan4\n\n[Route]\nGateway={}\n",
        node.address(),
        node.gateway()
    )
}

#[cfg(test)]
mod tests {
    use super::{Plan, bridge_wires, loss, plug, split};

    #[test]
    fn a_split_is_one_for_both_sides_and_only_for_them() {
        let plan = Plan::new(4, &[]).unwrap();
        let groups = [vec!["n1".to_owned(), "n2".into()], vec!["n3".into()]];
        assert_eq!(
            split(&plan, &groups).unwrap(),
            "flush chain bridge lab split\n\
             add rule bridge lab split iifname { \"port-n1\", \"port-n2\" } oifname { \"port-n3\" } drop\n\
             add rule bridge lab split iifname { \"port-n3\" } oifname { \"port-n1\", \"port-n2\" } drop\n"
        );
        assert!(split(&plan, &[vec!["n1".into()], vec!["n1".into()]]).is_err());
        assert!(split(&plan, &[vec!["n5".into()]]).is_err());
        assert_eq!(split(&plan, &[]).unwrap(), "flush chain bridge lab split\n");
    }

    #[test]
    fn a_node_behind_a_router_has_no_wire_to_the_bridge() {
        let plan = Plan::new(2, &["n2".into()]).unwrap();
        assert!(plug(&plan.nodes[0]).contains("link set port-n1 master br0 up\n"));
        assert!(!plug(&plan.nodes[1]).contains("br0"));
        let text = bridge_wires(&plan);
        assert!(text.contains("link add port-n2 type veth peer name wan netns router-n2\n"), "{text}");
        assert!(!text.contains("n1"), "{text}");
    }

    #[test]
    fn nothing_lost_is_no_rule() {
        let plan = Plan::new(1, &[]).unwrap();
        assert_eq!(loss(&plan.nodes[0], 0).unwrap(), "flush chain bridge lab loss-n1\n");
        assert!(loss(&plan.nodes[0], 101).is_err());
    }
}
