//! The community: what members offer, who they are, and how one becomes one.

use askama::Template;
use nuvol_community::object::Role;

use super::addresses::{opens, picture};
use super::offers::{OfferView, offers};
use super::parts::{Field, When, summary};
use super::people::{Fresh, initial};
use super::{Frame, Page, problems, render, status};
use crate::http::context::{Context, Form};
use crate::http::language::Language;
use crate::node::command::Refusal;
use crate::node::community::{self, Joining, Liveness, MeshPath, NoPath, View, hex, role_word};
use crate::node::rights::Right;

#[derive(Template)]
#[template(path = "community.html")]
struct CommunityPage {
    frame: Frame,
    refusal: Option<String>,
    fresh: Option<Fresh>,
    about: Option<About>,
    joining: Option<JoiningView>,
    query: String,
    types: Vec<Choice>,
    offers: Vec<OfferView>,
    members: Vec<MemberView>,
    near: Vec<NearView>,
    waiting: Vec<WaitingView>,
    may_manage: bool,
    invitation: Field,
    name: Field,
    roles: Vec<Choice>,
    uses: Field,
    days: Field,
    approve: bool,
    note: Field,
    invitations: Vec<InvitationView>,
    place: Field,
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    refusal: Option<String>,
    member: MemberView,
    inviter: Option<String>,
    since: Option<When>,
    offers: Vec<OfferView>,
    may_expel: bool,
}

struct About {
    name: String,
    expelled: bool,
}

struct JoiningView {
    tone: &'static str,
    text: String,
}

struct Choice {
    word: String,
    title: String,
    means: String,
    chosen: bool,
}

struct MemberView {
    key: String,
    name: String,
    initial: String,
    role: String,
    is_me: bool,
    tone: &'static str,
    state: String,
    path: String,
    fingerprint: String,
    address: String,
}

/// Something on the home network.
struct NearView {
    title: String,
    /// One device may offer several by one name.
    which: String,
    kind: String,
    host: String,
    place: String,
    link: Option<String>,
    silent: bool,
}

struct WaitingView {
    key: String,
    name: String,
    fingerprint: String,
}

struct InvitationView {
    id: String,
    title: String,
    about: String,
    until: When,
    open: bool,
}

/// The community; with `q` and `type` of the form, what of the offers is looked for.
pub fn community(context: &Context, form: &Form) -> Page {
    if !context.who.may(Right::See) {
        return problems::refused(context, &Refusal::NotAllowed);
    }
    let t = context.language;
    let belonging = &context.snapshot.belonging;
    let view = belonging.view.as_deref();
    let may_manage = context.who.may(Right::Node);
    let own = &belonging.own;
    let (query, kind) = (form.value("q"), form.value("type"));
    let places: Vec<String> = own.public.iter().map(ToString::to_string).collect();
    let page = CommunityPage {
        frame: Frame::live(context, "/community"),
        refusal: summary(t, form),
        fresh: form.fresh.clone().map(|text| Fresh { picture: picture(&text), text }),
        about: view.map(|view| About { name: view.name.to_string(), expelled: view.role.is_none() }),
        joining: belonging.joining.filter(|_| view.is_none()).map(|it| JoiningView::new(t, it)),
        types: view.map(|view| types(t, view, kind)).unwrap_or_default(),
        offers: view.map(|view| offers(context, view, view.search(query, kind))).unwrap_or_default(),
        query: query.to_owned(),
        members: view.map(|view| members(context, view)).unwrap_or_default(),
        near: belonging.near.iter().filter(|it| it.has(query, kind)).map(|it| NearView::new(t, it)).collect(),
        waiting: own.waiting.iter().filter(|it| may_manage && !it.declined).map(WaitingView::new).collect(),
        may_manage,
        invitation: Field::text(t, form, "invitation", "field-invitation").limit(2000),
        name: Field::text(t, form, "name", "field-community-name").limit(63),
        roles: view
            .and_then(|view| view.role)
            .map(|role| roles(t, role, form.value("role")))
            .unwrap_or_default(),
        uses: Field::text(t, form, "uses", "field-uses").or("1").limit(3),
        days: Field::text(t, form, "days", "field-invitation-days").or("7").limit(2),
        approve: form.value("approve") == "yes",
        note: Field::text(t, form, "note", "field-note").limit(80).optional(),
        invitations: own
            .invitations
            .iter()
            .filter(|_| may_manage)
            .map(|it| InvitationView::new(context, it))
            .collect(),
        place: Field::text(t, form, "places", "field-places")
            .hint(t.say("field-places-hint"))
            .or(&places.join(" "))
            .limit(400)
            .optional(),
    };
    render(status(form), &page)
}

/// One member, and all that it offers. The node is named by the hexadecimal digits of its key.
pub fn member(context: &Context, form: &Form, key: &str) -> Page {
    let Some(view) = context.snapshot.belonging.view.as_deref() else { return problems::not_found(context) };
    let Some(member) = view.members.iter().find(|it| hex(&it.id.0) == key) else {
        return problems::not_found(context);
    };
    let inviter = member.inviter.and_then(|it| view.member(&it)).map(|it| it.name.to_string());
    let page = MemberPage {
        frame: Frame::live(context, &format!("/community/{key}")),
        refusal: summary(context.language, form),
        member: MemberView::new(context, view, member),
        inviter,
        since: (member.since_s > 0).then(|| When::new(context, member.since_s)),
        offers: offers(context, view, view.records.iter().filter(|it| it.owner == member.id).collect()),
        may_expel: member.may_expel && context.who.may(Right::Node),
    };
    render(status(form), &page)
}

impl JoiningView {
    fn new(t: Language, joining: Joining) -> Self {
        let (tone, text) = match joining {
            Joining::Calling => ("moving", t.say("joining-calling")),
            Joining::Unreachable => ("bad", t.say("joining-unreachable")),
            Joining::Waiting => ("moving", t.say("joining-waiting")),
            Joining::Refused(why) => ("bad", t.refused_joining(why)),
        };
        Self { tone, text }
    }
}

/// The types that are offered, each once.
fn types(t: Language, view: &View, chosen: &str) -> Vec<Choice> {
    let kinds: std::collections::BTreeSet<&str> = view.records.iter().map(|it| it.kind.as_str()).collect();
    let choice = |kind: &str| Choice {
        word: kind.to_owned(),
        title: t.service_type(kind),
        means: String::new(),
        chosen: kind == chosen,
    };
    kinds.into_iter().map(choice).collect()
}

fn roles(t: Language, own: Role, typed: &str) -> Vec<Choice> {
    let may = match own {
        Role::Steward => &[Role::Guest, Role::Member, Role::Steward][..],
        Role::Member => &[Role::Guest, Role::Member],
        Role::Guest => &[],
    };
    let wanted = if typed.is_empty() { "member" } else { typed };
    let choice = |role: &Role| Choice {
        word: role_word(*role).to_owned(),
        title: t.member_role(*role),
        means: t.member_role_means(*role),
        chosen: role_word(*role) == wanted,
    };
    may.iter().map(choice).collect()
}

pub(super) fn tone(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Me | Liveness::Up => "good",
        Liveness::Unheard => "unknown",
        Liveness::Down { .. } => "off",
    }
}

pub(super) fn state(context: &Context, liveness: Liveness) -> String {
    let t = context.language;
    match liveness {
        Liveness::Me | Liveness::Up => t.say("member-up"),
        Liveness::Unheard => t.say("member-unheard"),
        Liveness::Down { since_s } => t.with("member-down", "when", t.relative(since_s, context.unix_s)),
    }
}

fn members(context: &Context, view: &View) -> Vec<MemberView> {
    let mut members: Vec<_> = view.members.iter().collect();
    members.sort_by_key(|it| (!it.liveness.is_near(), it.name.as_str().to_lowercase(), it.id));
    members.into_iter().map(|it| MemberView::new(context, view, it)).collect()
}

impl MemberView {
    fn new(context: &Context, view: &View, it: &community::Member) -> Self {
        let t = context.language;
        // Who answers over the mesh is reached: what was last known is older than that.
        let older = |path: &&MeshPath| it.liveness == Liveness::Up && matches!(path, MeshPath::None(_));
        let path = context.snapshot.belonging.paths.get(&it.host).filter(|it| !older(it));
        Self {
            key: hex(&it.id.0),
            initial: initial(it.name.as_str()),
            name: it.name.to_string(),
            role: t.member_role(it.role),
            is_me: it.id == view.me,
            tone: tone(it.liveness),
            state: match context.snapshot.belonging.latencies.get(&it.host) {
                Some(ms) if it.liveness == Liveness::Up => t.with("member-up-in", "ms", *ms),
                _ => state(context, it.liveness),
            },
            path: path.map(|path| path_words(t, view, path)).unwrap_or_default(),
            fingerprint: it.id.fingerprint(),
            address: it.address.to_string(),
        }
    }
}

fn path_words(t: Language, view: &View, path: &MeshPath) -> String {
    match path {
        MeshPath::Direct | MeshPath::DirectTcp => t.say("path-direct"),
        MeshPath::Untried => String::new(),
        MeshPath::Relayed(via) => {
            let via = via.and_then(|host| view.members.iter().find(|it| it.host == host));
            match via {
                Some(via) => t.with("path-relayed-by", "name", via.name.to_string()),
                None => t.say("path-relayed"),
            }
        }
        MeshPath::None(why) => t.say(match why {
            None => "path-none",
            Some(NoPath::CannotConnect) => "path-cannot-connect",
            Some(NoPath::NoAnswer) => "path-no-answer",
            Some(NoPath::NotBelieved) => "path-not-believed",
            Some(NoPath::HungUp) => "path-hung-up",
        }),
    }
}

impl NearView {
    fn new(t: Language, it: &community::Found) -> Self {
        let place = std::net::SocketAddr::new(it.address, it.port).to_string();
        // A link-local address means nothing to a browser without its interface.
        let local = matches!(it.address, std::net::IpAddr::V6(address) if address.is_unicast_link_local());
        let silent = it.available == Some(false);
        Self {
            title: it.name.clone(),
            which: format!("{}, {place}", it.name),
            kind: t.service_type(&it.kind),
            host: it.host.clone(),
            link: opens(&it.kind).filter(|_| !local && !silent).map(|scheme| format!("{scheme}://{place}/")),
            place,
            silent,
        }
    }
}

impl WaitingView {
    fn new(it: &community::Waiting) -> Self {
        let fingerprint = nuvol_community::identity::NodeId(it.node).fingerprint();
        Self { key: hex(&it.node), name: it.name.clone(), fingerprint }
    }
}

impl InvitationView {
    fn new(context: &Context, it: &community::Invitation) -> Self {
        let t = context.language;
        let title = if it.note.is_empty() { t.say("invitation-nameless") } else { it.note.to_string() };
        let (used, left) = (it.used.len(), it.uses);
        Self {
            id: hex(&it.id.0),
            title,
            about: format!(
                "{} · {}",
                t.member_role(it.role),
                t.both("community-invitation-uses", ("used", &used), ("left", &left))
            ),
            until: When::new(context, it.until_s),
            open: it.is_open(context.unix_s),
        }
    }
}
