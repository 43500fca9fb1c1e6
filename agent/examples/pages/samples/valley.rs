//! A community for the samples, with a neighbour who means no good.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuvol_agent::http::context::Context;
use nuvol_agent::node::community::{
    Audience, Belonging, Community, Foreign, Found, Joining, Liveness, Member, MeshPath, NoPath, Offer, View,
    Waiting,
};
use nuvol_community::address::{CommunityId, HostId};
use nuvol_community::identity::NodeKey;
use nuvol_community::invitation::Secret;
use nuvol_community::join::Why;
use nuvol_community::object::{Endpoint, Role, ServiceType, Txt};
use nuvol_community::text::{Line, Name};

const ID: CommunityId = CommunityId([0x3c; 16]);

/// The page of the second member, which is named by its key.
pub const NEIGHBOUR_PATH: &str =
    "/community/8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394";

/// Its key in hexadecimal digits.
pub fn neighbour() -> &'static str {
    NEIGHBOUR_PATH.trim_start_matches("/community/")
}

fn key(number: u8) -> NodeKey {
    NodeKey::from_bytes(&[number; 32])
}

fn member(number: u8, name: &str, role: Role, liveness: Liveness) -> Member {
    let id = key(number).id();
    let host = HostId::from(&id);
    Member {
        id,
        host,
        address: ID.address(host),
        name: Name::nearest(name).unwrap_or_default(),
        role,
        inviter: (number > 1).then(|| key(1).id()),
        since_s: 1_790_000_000,
        liveness,
        endpoints: Endpoint::new("home.example.org", 655).into_iter().collect(),
        mesh_key: vec![1],
        may_expel: number > 1,
    }
}

fn offer(owner: u8, kind: &str, title: &str, port: u16, txt: &[(&str, &str)]) -> Option<Offer> {
    Some(Offer {
        id: [port.to_be_bytes()[1]; 16],
        owner: key(owner).id(),
        kind: ServiceType::new(kind).ok()?,
        title: Line::nearest(title)?,
        host: None,
        port,
        txt: Txt::new(txt.iter().copied()).ok()?,
        zone: None,
        until_s: 1_796_000_000,
    })
}

fn elsewhere(offer: Offer, host: &str) -> Option<Offer> {
    Some(Offer { host: Some(Line::new(host).ok()?), ..offer })
}

fn machine(kind: &str, title: &str, host: &str, port: u16, txt: &[(&str, &str)]) -> Foreign {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Foreign {
        kind: kind.to_owned(),
        title: title.to_owned(),
        host: host.to_owned(),
        port,
        txt: txt.iter().map(pair).collect(),
        zone: (!txt.is_empty()).then(|| "Osona".to_owned()),
    }
}

/// And offers what other machines have.
pub fn with_machines(context: &mut Context) {
    within(context);
    let belonging = &mut Arc::make_mut(&mut context.snapshot).belonging;
    Arc::make_mut(&mut belonging.own).foreign = vec![
        machine("_smb._tcp", "Films", "nas.example.org", 445, &[]),
        machine(
            "_http._tcp",
            "Old pages of the valley",
            "10.139.40.17",
            80,
            &[("path", "/pages"), ("server", "x")],
        ),
        machine(
            "_http._tcp",
            "Old pages of the valley",
            "fd00:1234:5678:9abc:def0:1234:5678:9abc",
            8080,
            &[],
        ),
        machine(
            "_x-very-long-ty._tcp",
            "a title as long as one can be, of one who means no good <script>",
            "a-host-with-a-very-long-name-that-nobody-types.by-hand.example.org",
            65535,
            &[],
        ),
    ];
}

/// The node is in a community.
pub fn within(context: &mut Context) {
    let down = Liveness::Down { since_s: context.unix_s - 7200 };
    let members = vec![
        member(1, "nuvol-7f3a", Role::Steward, Liveness::Me),
        member(2, "can-xirgu", Role::Member, Liveness::Up),
        member(3, "a node with the longest name that anybody could give it here", Role::Guest, down),
        member(4, "<script>alert(1)</script>", Role::Member, Liveness::Unheard),
    ];
    let records = [
        offer(1, "_http._tcp", "Photos of the valley", 8080, &[("path", "/photos")]),
        offer(2, "_icecast._tcp", "Ràdio Xirgu", 8000, &[]),
        offer(2, "_syncthing._tcp", "Shared folders", 22000, &[("node_id", "P56IOI7-MZJNU2Y")]),
        offer(3, "_mumble._tcp", "Talk", 64738, &[]),
        offer(1, "_http._tcp", "Web site", 80, &[]),
        offer(2, "_http._tcp", "Web site", 80, &[]),
        offer(2, "_http._tcp", "Web site", 8080, &[]).and_then(|it| elsewhere(it, "10.1.2.3")),
        offer(
            4,
            "_http._tcp",
            "<img src=x onerror=alert(1)>",
            81,
            &[("path", "javascript:alert(1)"), ("x", "<b>")],
        ),
    ];
    let paths = [
        (members[1].host, MeshPath::Direct),
        (members[2].host, MeshPath::None(Some(NoPath::NoAnswer))),
        (members[3].host, MeshPath::Relayed(Some(members[1].host))),
    ];
    let latencies = [(members[1].host, 12), (members[2].host, 90)];
    let waiting = Waiting {
        node: key(9).id().0,
        name: "masia-nova".to_owned(),
        invitation: Secret([5; 16]).id(),
        since_s: context.unix_s,
        declined: false,
    };
    let own = Community {
        member: true,
        waiting: vec![waiting],
        published: BTreeMap::from([("icecast".to_owned(), Audience::Community)]),
        public: Endpoint::new("home.example.org", 655).into_iter().collect(),
        ..Community::default()
    };
    let found = Found {
        name: "Printer in the hall".to_owned(),
        kind: "_ipp._tcp".to_owned(),
        host: "printer.local".to_owned(),
        address: std::net::IpAddr::from([192, 168, 1, 40]),
        port: 631,
        txt: BTreeMap::new(),
        own: false,
        available: Some(false),
    };
    let view = View {
        id: ID,
        name: Name::nearest("Example Valley").unwrap_or_default(),
        me: key(1).id(),
        role: Some(Role::Steward),
        members,
        records: records.into_iter().flatten().collect(),
    };
    Arc::make_mut(&mut context.snapshot).belonging = Belonging {
        own: Arc::new(own),
        view: Some(Arc::new(view)),
        joining: None,
        paths: Arc::new(paths.into()),
        latencies: Arc::new(latencies.into()),
        near: Arc::new(vec![found]),
    };
}

/// It wanted to join one, and was refused.
pub fn refused(context: &mut Context) {
    let belonging = &mut Arc::make_mut(&mut context.snapshot).belonging;
    belonging.joining = Some(Joining::Refused(Why::Used));
}
