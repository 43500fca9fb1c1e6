//! Which nodes a lab has, and what they are called.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// More would need more addresses than the last number of one has.
const MOST_NODES: u8 = 200;
/// The first three numbers of every address on the bridge: a network that the Internet keeps for tests (RFC 2544).
const BRIDGE_NETWORK: &str = "198.18.0";
/// What the bridge itself is called there; the nodes' way out, which leads nowhere.
const BRIDGE_HOST: u8 = 254;

/// The nodes of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// n1, n2 and so on.
    pub nodes: Vec<Node>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// From 1.
    pub number: u8,
    /// Its name, also its host name.
    pub name: String,
    /// Whether a router stands between it and the bridge, which lets nobody in.
    pub behind_nat: bool,
}

impl Plan {
    /// `count` nodes, of which those named in `behind_nat` have a router of their own.
    pub fn new(count: u8, behind_nat: &[String]) -> anyhow::Result<Self> {
        ensure!((1..=MOST_NODES).contains(&count), "a lab has 1 to {MOST_NODES} nodes, not {count}");
        let node = |number| {
            let name = format!("n{number}");
            Node { number, behind_nat: behind_nat.contains(&name), name }
        };
        let plan = Self { nodes: (1..=count).map(node).collect() };
        for name in behind_nat {
            plan.node(name)?;
        }
        Ok(plan)
    }

    /// The node that is called `name`.
    pub fn node(&self, name: &str) -> anyhow::Result<&Node> {
        let last = self.nodes.last().map_or("", |node| &node.name);
        let found = self.nodes.iter().find(|node| node.name == name);
        found.ok_or_else(|| anyhow::anyhow!("this lab has no node `{name}`: they are n1 to {last}"))
    }
}

impl Node {
    /// The address that others on the bridge see: its own, or that of its router.
    pub fn public(&self) -> String {
        format!("{BRIDGE_NETWORK}.{}", self.number)
    }

    /// Its own address.
    pub fn address(&self) -> String {
        if self.behind_nat { format!("198.18.{}.2", self.number) } else { self.public() }
    }

    /// Its way out: the bridge, or its router.
    pub fn gateway(&self) -> String {
        if self.behind_nat { format!("198.18.{}.1", self.number) } else { bridge() }
    }

    /// The end of its wire at the bridge.
    pub fn port(&self) -> String {
        format!("port-{}", self.name)
    }

    /// The network namespace of its router, where it has one.
    pub fn router(&self) -> String {
        format!("router-{}", self.name)
    }

    /// What makes it another node than its neighbours.
    pub fn machine_id(&self) -> String {
        format!("6e75766f6c6c6162{:016x}", self.number)
    }
}

/// The address of the bridge.
pub fn bridge() -> String {
    format!("{BRIDGE_NETWORK}.{BRIDGE_HOST}")
}

#[cfg(test)]
mod tests {
    use super::Plan;

    #[test]
    fn a_node_behind_a_router_has_an_address_of_another_network() {
        let plan = Plan::new(2, &["n2".into()]).unwrap();
        let told: Vec<_> = plan.nodes.iter().map(|it| (it.address(), it.public(), it.gateway())).collect();
        let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            told,
            [row("198.18.0.1", "198.18.0.1", "198.18.0.254"), row("198.18.2.2", "198.18.0.2", "198.18.2.1")]
        );
        assert_ne!(plan.nodes[0].machine_id(), plan.nodes[1].machine_id());
    }

    #[test]
    fn a_plan_has_nodes_and_knows_their_names() {
        assert!(Plan::new(0, &[]).is_err() && Plan::new(201, &[]).is_err());
        let told = Plan::new(3, &["n4".into()]).unwrap_err().to_string();
        assert_eq!(told, "this lab has no node `n4`: they are n1 to n3");
    }
}
