//! The door to Avahi against real ones: two nodes' worth of Avahi, each with a D-Bus of its own, in two networks joined
//! by a cable. Slow and in need of root, so asked for by `RUN_SLOW_TESTS=1`.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the test runs programs and looks at its environment")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nuvol_agent::bus::Bus;
use nuvol_agent::bus::avahi::{self, Announcement, Found, Pace, Told};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::common::Daemon;

const NETWORK: &str = "
set -eu
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip netns add peer
ip link set lo up
ip -n peer link set lo up
ip link add wire type veth peer name wire netns peer
ip address add 192.168.7.1/24 dev wire
ip -n peer address add 192.168.7.2/24 dev wire
ip link set wire up
ip -n peer link set wire up
exec \"$@\"
";

/// Runs the test below where it can do no harm: all goes with the first process in it.
#[test]
fn services_are_told_both_ways() {
    if std::env::var("RUN_SLOW_TESTS").is_ok_and(|value| value == "1") {
        let own = std::env::current_exe().unwrap();
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["sh", "-c", NETWORK, "sh"]).arg(own);
        command.args(["avahi::within_the_network", "--exact", "--nocapture", "--test-threads=1"]);
        let output = command.env("NUVOL_AVAHI", "inside").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        println!("{told}");
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("1 passed"), "{told}");
    }
}

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// One side of the cable.
struct Side {
    peer: bool,
    daemon: Daemon,
    _dir: tempfile::TempDir,
}

impl Side {
    fn new(peer: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = if peer { "neighbour" } else { "nuvol-test" };
        let image =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../overlays/avahi/files/etc/avahi/avahi-daemon.conf");
        let text = std::fs::read_to_string(image).unwrap();
        let text = text.replace("[server]", &format!("[server]\nhost-name={name}"));
        std::fs::write(dir.path().join("avahi.conf"), text).unwrap();
        Self { peer, daemon: Daemon::start(dir.path()), _dir: dir }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = if self.peer {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", "peer"]);
            command
        } else {
            Command::new("env")
        };
        command.args(words).env("DBUS_SYSTEM_BUS_ADDRESS", &self.daemon.address);
        command
    }

    fn start(&self, words: &[&str]) -> Program {
        Program(self.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Its Avahi, with the configuration of the image and a place of its own for its process number.
    fn avahi(&self) -> Program {
        let config = self._dir.path().join("avahi.conf");
        let script = "mount -t tmpfs tmpfs /run && exec avahi-daemon --file \"$1\" --no-drop-root --no-chroot --no-rlimits";
        let words = ["unshare", "--mount", "sh", "-c", script, "sh", config.to_str().unwrap()];
        let process = self.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Program(process)
    }

    /// What avahi-browse lists and resolves, of IPv4 at the cable.
    fn browse(&self) -> Vec<String> {
        let output = self.command(&["timeout", "10", "avahi-browse", "-artp"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter(|line| line.starts_with("=;wire;IPv4;")).map(str::to_owned).collect()
    }

    /// Lists until it is as wished; how long that took.
    fn until(&self, what: &str, wished: impl Fn(&[String]) -> bool) -> Duration {
        let start = Instant::now();
        loop {
            let lines = self.browse();
            if wished(&lines) {
                return start.elapsed();
            }
            assert!(start.elapsed() < Duration::from_secs(40), "{what}: {lines:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn announcement(title: &str, port: u16, txt: &[(&str, &str)]) -> Announcement {
    let txt = txt.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Announcement { title: title.to_owned(), kind: "_http._tcp".to_owned(), port, txt }
}

struct Near(mpsc::Receiver<Told>);

impl Near {
    /// Listens until what is near is as wished; how long that took.
    async fn until(&mut self, what: &str, wished: impl Fn(&[Found]) -> bool) -> (Duration, Vec<Found>) {
        let start = Instant::now();
        let mut last = None;
        let wait = async {
            loop {
                match self.0.recv().await.unwrap() {
                    Told::Near(near) if wished(&near) => return near,
                    told => last = Some(told),
                }
            }
        };
        let near = timeout(Duration::from_secs(40), wait).await;
        (start.elapsed(), near.unwrap_or_else(|_| panic!("{what}: {last:#?}")))
    }
}

fn named<'a>(near: &'a [Found], name: &str) -> Option<&'a Found> {
    near.iter().find(|it| it.name == name)
}

/// Both sides, the door at one of them, and how long everything takes.
#[tokio::test]
async fn within_the_network() {
    if !std::env::var("NUVOL_AVAHI").is_ok_and(|value| value == "inside") {
        return;
    }
    let (node, peer) = (Side::new(false), Side::new(true));
    let (avahi, neighbour) = (node.avahi(), peer.avahi());
    let three = [("Files", 8001), ("Radio", 8002), ("Wiki", 8003)];
    let three: BTreeSet<_> = three.map(|(title, port)| announcement(title, port, &[("path", "/x")])).into();
    let (wanted, announcements) = watch::channel(BTreeSet::new());
    let (out, near) = mpsc::channel(4096);
    let mut near = Near(near);
    let pace = Pace { again: Duration::from_secs(3), ..Pace::default() };
    // In a thread of its own: the test waits for programs meanwhile. It ends with the test's process.
    let bus = Bus::At(node.daemon.address.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(avahi::run(bus, pace, announcements, out));
    });
    near.until("nothing yet", |near| near.is_empty()).await;

    wanted.send_replace(three.clone());
    let has = |lines: &[String], port: u16| {
        lines.iter().any(|it| it.contains(&format!(";{port};")) && it.contains("\"path=/x\""))
    };
    let took = peer.until("three", |lines| (8001..=8003).all(|port| has(lines, port)));
    println!("published, seen by avahi-browse after {took:?}");
    near.until("ours are own", |near| near.len() == 3 && near.iter().all(|it| it.own)).await;

    from_the_neighbour(&peer, &mut near).await;

    // Another TXT, one less.
    let mut fewer = three.clone();
    fewer.retain(|it| it.port != 8002);
    wanted.send_replace(fewer);
    let took = peer.until("two", |lines| !has(lines, 8002) && has(lines, 8001));
    println!("withdrawn, gone from avahi-browse after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    wanted.send_replace([announcement("Files", 8001, &[("path", "/y")])].into());
    peer.until("another TXT", |lines| lines.iter().any(|it| it.contains("\"path=/y\"")));

    // The daemon goes, with a farewell, and comes back: what is seen then was announced anew.
    Command::new("kill").arg(avahi.0.id().to_string()).status().unwrap();
    peer.until("farewell", |lines| !lines.iter().any(|it| it.contains(";8001;")));
    drop(avahi);
    let away = timeout(Duration::from_secs(20), async {
        while !matches!(near.0.recv().await, Some(Told::Away(_))) {}
    });
    away.await.unwrap();
    let _avahi = node.avahi();
    let took = peer
        .until("again", |lines| lines.iter().any(|it| it.contains("nuvol-test") && it.contains(";8001;")));
    println!("Avahi restarted, seen again after {took:?}");

    same_name_and_many(&node, &peer, &wanted, &mut near).await;
    ghost(&peer, neighbour, &mut near).await;
}

/// A service of another program is told with its remarks, and gone soon after it went.
async fn from_the_neighbour(peer: &Side, near: &mut Near) {
    let _page = peer.start(&["python3", "-m", "http.server", "--bind", "192.168.7.2", "9001"]);
    let shut = peer.start(&["avahi-publish", "-s", "Shut", "_http._tcp", "9002"]);
    let publish =
        peer.start(&["avahi-publish", "-s", "Open", "_http._tcp", "9001", "Path=/z", "evil=\u{202e}x"]);
    let (took, all) = near
        .until("theirs", |near| {
            named(near, "Open").is_some_and(|it| it.available == Some(true)) && named(near, "Shut").is_some()
        })
        .await;
    println!("a neighbour's service is told after {took:?}");
    let open = named(&all, "Open").unwrap();
    let txt: BTreeMap<_, _> =
        [("path", "/z"), ("evil", "x")].map(|(key, value)| (key.into(), value.into())).into();
    assert!(!open.own && open.host == "neighbour.local" && open.port == 9001 && open.txt == txt, "{open:?}");
    assert_eq!(named(&all, "Shut").unwrap().available, Some(false));
    drop(publish);
    let (took, _) = near.until("gone", |near| named(near, "Open").is_none()).await;
    println!("a neighbour's service is gone after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(shut);
}

/// Two titles alike here, the same name at the neighbour's, and two hundred more.
async fn same_name_and_many(
    node: &Side,
    peer: &Side,
    wanted: &watch::Sender<BTreeSet<Announcement>>,
    near: &mut Near,
) {
    let _taken = peer.start(&["avahi-publish", "-s", "Twin on nuvol-test", "_http._tcp", "9100"]);
    peer.until("the neighbour's twin", |lines| lines.iter().any(|it| it.contains(";9100;")));
    let twins = BTreeSet::from([announcement("Twin", 8101, &[]), announcement("Twin", 8102, &[])]);
    wanted.send_replace(twins);
    let took = peer.until("all twins", |lines| {
        [8101, 8102, 9100].iter().all(|port| lines.iter().any(|it| it.contains(&format!(";{port};"))))
    });
    println!("three of one name, all seen after {took:?}");
    wanted.send_replace((0..200).map(|it| announcement(&format!("Many {it}"), 10_000 + it, &[])).collect());
    let of_many = |lines: &[String]| lines.iter().filter(|it| it.contains("Many")).count();
    let took = peer.until("two hundred", |lines| of_many(lines) == 200);
    println!("two hundred, all seen after {took:?}");
    near.until("two hundred own", |near| near.iter().filter(|it| it.own).count() == 200).await;
    wanted.send_replace(BTreeSet::new());
    let took = peer.until("none", |lines| of_many(lines) == 0);
    println!("two hundred withdrawn, all gone after {took:?}");
    near.until("none own", |near| near.iter().all(|it| !it.own)).await;
    assert!(node.browse().iter().all(|it| !it.contains("Many")));
}

/// A neighbour that dies without a farewell: what Avahi still lists is not told as available.
async fn ghost(peer: &Side, neighbour: Program, near: &mut Near) {
    let page = peer.start(&["python3", "-m", "http.server", "--bind", "192.168.7.2", "9200"]);
    let _publish = peer.start(&["avahi-publish", "-s", "Ghost", "_http._tcp", "9200"]);
    let available = |near: &[Found]| named(near, "Ghost").is_some_and(|it| it.available == Some(true));
    near.until("alive", available).await;
    // By SIGKILL.
    drop((neighbour, page));
    let (took, _) = near.until("dead", |near| !available(near)).await;
    println!("killed, not told as available after {took:?}");
}
