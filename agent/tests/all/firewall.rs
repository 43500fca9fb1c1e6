//! The firewall for real: the image's rules and the helper's, in a network of the test's own.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs programs")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nuvol_agent::helper::firewall::render;
use nuvol_agent::node::service::Service;

/// Two ends of a wire and a mesh: `node` has the firewall, `peer` knocks. Everything goes with the last process in it.
const NETWORK: &str = r#"
set -eu
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip netns add peer
ip link set lo up
ip link add wire type veth peer name wire netns peer
ip link add nuvol address 02:00:00:00:00:01 type veth peer name mesh address 02:00:00:00:00:02 netns peer
for one in wire nuvol; do ip link set $one up; done
ip address add 192.168.7.1/24 dev wire
ip address add 198.51.100.1/24 dev wire
ip address add fd00:99::1/64 dev nuvol nodad
ip address add fd00:7::1/64 dev wire nodad
ip -n peer link set lo up
ip -n peer link set wire up
ip -n peer link set mesh up
ip -n peer address add 192.168.7.2/24 dev wire
ip -n peer address add 198.51.100.2/24 dev wire
ip -n peer address add fd00:99::2/64 dev mesh nodad
ip -n peer address add fd00:bad::2/64 dev mesh nodad
# The mesh is no wire: nobody there looks for neighbours.
ip neighbour add fd00:99::2 lladdr 02:00:00:00:00:02 dev nuvol nud permanent
ip -n peer neighbour add fd00:99::1 lladdr 02:00:00:00:00:01 dev mesh nud permanent
ip -n peer address add fd00:7::2/64 dev wire nodad
# The order of a boot, and once more: loading again must not hurt.
nft --file "$RULES"
printf '%s' "$FIRST" | nft --file -
nft --file "$RULES"
exec python3 - <<'PYTHON'
"#;

/// Listens on the node, knocks as the peer, and prints a line for each: from where, to what, and whether it was heard.
const KNOCK: &str = r#"
import os, socket, subprocess, time

TCP = [80, 443, 22, 655, 6551, 8000, 8001, 9999]
UDP = [5353, 6551, 7777]
keep = []
for port in TCP:
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    keep.append(listener)
for port in UDP:
    listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", port))
    listener.settimeout(0.1)
    keep.append(listener)

KNOCKER = """
import socket, sys, threading
address, ports, datagrams = sys.argv[1], sys.argv[2].split(), sys.argv[3].split()
six = ":" in address
family = socket.AF_INET6 if six else socket.AF_INET
for port in datagrams:
    socket.socket(family, socket.SOCK_DGRAM).sendto(b"x", (address, int(port)))
heard = set()
def tcp(port):
    try:
        socket.create_connection((address, int(port)), timeout=0.5)
        heard.add(port)
    except OSError:
        pass
def ping():
    request = b"\\x80\\0\\0\\0nuvo" if six else b"\\x08\\0\\x13\\x1bnuvo"
    answer = 129 if six else 0
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    raw.settimeout(0.5)
    raw.sendto(request, (address, 0))
    try:
        while True:
            packet = raw.recv(100)
            if packet[0 if six else 20] == answer:
                heard.add("ping")
                return
    except TimeoutError:
        pass
all = [threading.Thread(target=tcp, args=[port]) for port in ports] + [threading.Thread(target=ping)]
for one in all: one.start()
for one in all: one.join()
print(*[port for port in ports + ["ping"] if port in heard])
"""

def look(name, address):
    words = ["python3", "-c", KNOCKER, address, " ".join(map(str, TCP)), " ".join(map(str, UDP))]
    heard = subprocess.run(["ip", "netns", "exec", "peer", *words], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    for port, listener in zip(UDP, keep[len(TCP):]):
        try:
            listener.recv(10)
            heard.append(f"udp-{port}")
        except TimeoutError:
            pass
    print(f"{name}: {' '.join(heard)}", flush=True)

def load(text):
    subprocess.run(["nft", "--file", "-"], input=text, text=True, check=True)

for turn in ["FIRST", "THEN"]:
    load(os.environ[turn])
    print(turn.lower(), flush=True)
    look("lan", "192.168.7.1")
    look("lan6", "fd00:7::1")
    look("mesh", "fd00:99::1")
    look("internet", "198.51.100.1")
# From a foreign network, and from the home's, but through the mesh.
SPOOF = "import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('fd00:bad::2', 0)); s.sendto(b'x', ('fd00:99::1', 6551))"
gossip = keep[len(TCP) + UDP.index(6551)]
for source in ["fd00:bad::2", "fd00:7::2"]:
    subprocess.run(["ip", "netns", "exec", "peer", "python3", "-c", SPOOF.replace("fd00:bad::2", source)], check=True)
    try:
        print(f"{source} through the mesh: heard", gossip.recv(10), flush=True)
    except TimeoutError:
        print(f"{source} through the mesh: dropped", flush=True)
# As systemd-networkd does it for the prefixes that it was given.
load("add element inet nuvol lan4 { 198.51.100.0/24 }")
look("own prefix", "198.51.100.1")
# Half of a file, as a power cut might leave it: nothing changes.
broken = os.environ["FIRST"][: -len("}\n")]
assert subprocess.run(["nft", "--file", "-"], input=broken, text=True, stderr=subprocess.DEVNULL).returncode != 0
look("after a bad file", "192.168.7.1")
# What the node itself asks is answered.
server = subprocess.Popen(["ip", "netns", "exec", "peer", "python3", "-c",
    "import socket; l = socket.create_server(('192.168.7.2', 4444)); l.accept()[0].sendall(b'hello')"])
for attempt in range(50):
    try:
        print("asked:", socket.create_connection(("192.168.7.2", 4444), timeout=1).recv(5).decode(), flush=True)
        break
    except OSError:
        time.sleep(0.1)
server.kill()
PYTHON
"#;

/// A phone at home, a node, and a member on the mesh. Each line: who gets through to whom.
const HOME_ACCESS: &str = r#"
set -eu
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/nuvol-home-access
ip netns add phone
ip netns add member
ip link set lo up
ip link add home type veth peer name home netns phone
ip link add nuvol address 02:00:00:00:00:01 type veth peer name nuvol address 02:00:00:00:00:02 netns member
for one in home nuvol; do ip link set $one up; done
ip address add 192.168.8.1/24 dev home
ip address add fd00:99::1/64 dev nuvol nodad
ip -n phone link set home up
ip -n phone address add fd00:8::2/64 dev home nodad
ip -n member link set lo up
ip -n member link set nuvol up
ip -n member address add fd00:99::2/64 dev nuvol nodad
ip neighbour add fd00:99::2 lladdr 02:00:00:00:00:02 dev nuvol nud permanent
ip -n member neighbour add fd00:99::1 lladdr 02:00:00:00:00:01 dev nuvol nud permanent
nft --file "$RULES"
here=$(ip -6 -o address show dev home scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
ip -n phone -6 route add default via "$here" dev home
ip -n member -6 route add fd00:8::/64 via fd00:99::1
ip -6 route add fd00:8::/64 dev home
for one in phone member; do
	ip netns exec $one python3 -c 'import socket
listener = socket.create_server(("::", 4000), family=socket.AF_INET6)
print("ready", flush=True)
while True:
    caller, address = listener.accept()
    caller.sendall(address[0].encode()); caller.close()' >/run/$one &
	until [ -s /run/$one ]; do sleep 0.02; done
done
gets() {
	ip netns exec "$1" python3 -c 'import socket, sys
try: seen = socket.create_connection((sys.argv[2], 4000), timeout=1).recv(99).decode()
except OSError: seen = "nobody"
print(sys.argv[1] + ": " + seen)' "$1 to $2" "$3"
}
look() {
	echo "$1"
	gets phone member fd00:99::2
	gets member phone fd00:8::2
}
sleep 2
look shut
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
look "shut, on a node that is a router"
nft flush chain inet nuvol forward
look "without rules"
nft --file "$RULES"
echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
"$HOME_ACCESS" open
look open
grep -E '^(interface|prefix|route)|DefaultLifetime' /run/nuvol-home-access/radvd.conf | sed 's/prefix fd[0-9a-f:]*:0::/prefix HOME::/'
"$HOME_ACCESS" close
look closed
echo "$(cat /proc/sys/net/ipv6/conf/all/forwarding) $(nft list tables | grep -c home-access || true)"
ip address flush dev nuvol scope global
"$HOME_ACCESS" open
cat /run/nuvol-home-access/radvd.conf
ip address flush dev home
"$HOME_ACCESS" open || echo "failed"
"#;

fn service(name: &str, ports: &str) -> Service {
    let json = format!(
        r#"{{"name": "{name}", "title": "T", "summary": "S", "role": "web", "units": ["{name}.service"],
            "start": "on-demand", "ports": [{ports}]}}"#
    );
    serde_json::from_str(&json).unwrap()
}

/// Runs `script` in a network, mounts and processes of its own; all of it ends with it.
fn apart(script: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-s"]);
    command.envs(variables.iter().copied());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("--user").output().unwrap();
    output.stdout == b"0\n"
}

#[test]
fn exactly_the_declared_ports_are_reached_from_where_they_may_be() {
    if !is_root() {
        eprintln!("skipped: a network of its own takes root");
        return;
    }
    let ssh = service("ssh", r#"{"name": "ssh", "port": 22, "protocol": "tcp", "scope": "lan"}"#);
    let avahi = service("avahi", r#"{"name": "mdns", "port": 5353, "protocol": "udp", "scope": "lan"}"#);
    let tinc =
        service("tinc", r#"{"name": "meta", "port": 655, "protocol": "tcp", "scope": ["lan", "internet"]}"#);
    let radio = service(
        "radio",
        r#"{"name": "stream", "port": 8000, "protocol": "tcp", "scope": ["lan", "mesh"]},
           {"name": "admin", "port": 8001, "protocol": "tcp", "scope": "loopback"}"#,
    );
    let first = render([&ssh, &avahi]);
    let then = render([&avahi, &radio, &tinc]);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("package/root/usr/share/nuvol/firewall.nft");
    let rules = rules.display().to_string();
    let variables = [("RULES", rules.as_str()), ("FIRST", &first), ("THEN", &then)];
    let output = apart(&format!("{}{}", NETWORK.trim_end(), KNOCK), &variables);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", String::from_utf8_lossy(&output.stdout));
    let expected = "\
first
lan: 80 443 22 ping udp-5353
lan6: 80 443 22 ping udp-5353
mesh: 80 443 6551 ping udp-6551
internet: ping
then
lan: 80 443 655 8000 ping udp-5353
lan6: 80 443 655 8000 ping udp-5353
mesh: 80 443 6551 8000 ping udp-6551
internet: 655 ping
fd00:bad::2 through the mesh: dropped
fd00:7::2 through the mesh: dropped
own prefix: 80 443 655 8000 ping udp-5353
after a bad file: 80 443 655 8000 ping udp-5353
asked: hello
";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{errors}");
}

#[test]
fn devices_at_home_reach_the_mesh_while_somebody_lets_them() {
    if !is_root() {
        eprintln!("skipped: a network of its own takes root");
        return;
    }
    let at = |path: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string();
    let rules = at("package/root/usr/share/nuvol/firewall.nft");
    let program = at("../overlays/home-access/files/usr/lib/nuvol/home-access");
    let output = apart(HOME_ACCESS, &[("RULES", &rules), ("HOME_ACCESS", &program)]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", String::from_utf8_lossy(&output.stdout));
    // The member sees the node and not the phone.
    let expected = "\
shut
phone to member: nobody
member to phone: nobody
shut, on a node that is a router
phone to member: nobody
member to phone: nobody
without rules
phone to member: fd00:8::2
member to phone: fd00:99::2
open
phone to member: fd00:99::1
member to phone: nobody
interface home {
AdvDefaultLifetime 0;
prefix HOME::/64 { AdvValidLifetime 1800; AdvPreferredLifetime 900; };
route fd00:0099:0000:0000::/64 { AdvRouteLifetime 1800; };
closed
phone to member: nobody
member to phone: nobody
0 0
there is no mesh yet
interface home { AdvSendAdvert off; };
failed
";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{errors}");
}
