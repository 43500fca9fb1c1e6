//! `nuvol find`: the Nuvol nodes on the networks that this machine is plugged into.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent};
use serde::Serialize;

use super::Common;
use crate::vm::agent::Health;

/// What nodes announce (`overlays/avahi`): a web page, of the kind that Nuvol's is.
const KIND: &str = "_nuvol._sub._http._tcp.local.";
/// How long a node may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// No node has more to say of how it is.
const MOST_BYTES: u64 = 64 << 10;

/// Show the Nuvol nodes on the local network, and which of them have no owner yet
///
/// Asks by multicast DNS, and each node that answers how it is. Ends with 1 if there is none.
#[derive(Debug, clap::Args)]
pub struct Find {
    /// Seconds to wait for answers
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=60))]
    wait: u64,
}

/// A node that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Node {
    name: String,
    url: String,
    addresses: Vec<IpAddr>,
    /// `unclaimed`, `claimed`, or `silent` where it does not say how it is.
    state: &'static str,
    version: Option<String>,
}

/// Lists the nodes.
pub fn run(common: &Common, args: &Find) -> anyhow::Result<u8> {
    let mut nodes = ask_all(browse(Duration::from_secs(args.wait))?);
    nodes.sort_by(|one, other| (&one.name, &one.url).cmp(&(&other.name, &other.url)));
    if common.json {
        println!("{}", serde_json::json!({ "schema": 1, "nodes": nodes }));
    } else {
        nodes.iter().for_each(|node| println!("{}", line(node)));
    }
    if nodes.is_empty() {
        eprintln!(
            "no node answered; is this machine on the same network, and is the node's light on? Its screen shows its \
             address, and `--wait 20` waits longer"
        );
    }
    Ok(u8::from(nodes.is_empty()))
}

fn line(node: &Node) -> String {
    let state = match node.state {
        "unclaimed" => "has no owner yet",
        "claimed" => "has an owner",
        _ => "does not say how it is",
    };
    let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
    let version = node.version.as_deref().unwrap_or("?");
    format!("{:<20} {:<32} {version:<10} {state:<20} {}", node.name, node.url, addresses.join(" "))
}

/// What announces itself as a node, by its full name.
fn browse(wait: Duration) -> anyhow::Result<BTreeMap<String, ResolvedService>> {
    let lacks = || "listening for multicast DNS on port 5353";
    let daemon = ServiceDaemon::new().context(crate::host::EnvironmentLacks).with_context(lacks)?;
    let events = daemon.browse(KIND).context(crate::host::EnvironmentLacks).with_context(lacks)?;
    let (since, mut found) = (Instant::now(), BTreeMap::new());
    while let Some(left) = wait.checked_sub(since.elapsed()) {
        match events.recv_timeout(left) {
            Ok(ServiceEvent::ServiceResolved(node)) => {
                found.insert(node.fullname.clone(), *node);
            }
            Ok(ServiceEvent::ServiceRemoved(_, name)) => {
                found.remove(&name);
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    // Its thread ends with us anyway.
    daemon.shutdown().ok();
    Ok(found)
}

/// Asks all of them at once how they are.
fn ask_all(found: BTreeMap<String, ResolvedService>) -> Vec<Node> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = found.values().map(|node| scope.spawn(|| ask(node))).collect();
        asked.into_iter().filter_map(|it| it.join().ok()).collect()
    })
}

fn ask(node: &ResolvedService) -> Node {
    let mut addresses: Vec<IpAddr> = node.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr).collect();
    addresses.sort_unstable();
    // Link-local addresses of IPv6 need an interface to be of use, which an address bar does not know.
    let usable = |it: &IpAddr| !matches!(it, IpAddr::V6(it) if it.is_unicast_link_local());
    let health = addresses.iter().filter(|it| usable(it)).find_map(|it| health(*it, node.port));
    let host = plain(node.host.trim_end_matches('.'));
    let port = if node.port == 80 { String::new() } else { format!(":{}", node.port) };
    let state = match &health {
        Some(health) if health.claimed => "claimed",
        Some(_) => "unclaimed",
        None => "silent",
    };
    let name = health.as_ref().map(|it| plain(&it.name));
    Node {
        name: name.unwrap_or_else(|| host.trim_end_matches(".local").to_owned()),
        url: format!("http://{host}{port}/"),
        addresses,
        state,
        version: health.map(|it| plain(&it.version)),
    }
}

fn health(address: IpAddr, port: u16) -> Option<Health> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        // A neighbour is asked, nobody in between.
        .proxy(None)
        .build()
        .new_agent();
    let address = std::net::SocketAddr::new(address, port);
    let mut answer = agent.get(format!("http://{address}/api/v1/health")).call().ok()?;
    let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_string().ok()?;
    serde_json::from_str(&text).ok()
}

/// What a neighbour says of itself, without what would move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::{Node, line, plain};

    #[test]
    fn a_node_is_a_line() {
        let node = Node {
            name: "nuvol-1a2b".into(),
            url: "http://nuvol-1a2b.local/".into(),
            addresses: vec!["192.168.1.7".parse().unwrap()],
            state: "unclaimed",
            version: Some("0.1.0".into()),
        };
        let text = line(&node);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(words.join(" "), "nuvol-1a2b http://nuvol-1a2b.local/ 0.1.0 has no owner yet 192.168.1.7");
    }

    #[test]
    fn a_neighbour_does_not_write_on_the_terminal() {
        assert_eq!(plain("\u{1b}[2Jnode\r\n"), "[2Jnode");
    }
}
