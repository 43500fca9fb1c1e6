//! Where services are reached, and pictures of addresses for phones.

use qrcode::{Color, EcLevel, QrCode};

use crate::http::context::Context;
use crate::node::service::{Port, Protocol, Scope, Service};

/// Where a service can be reached; a program can open it where there is a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The port, for names of elements.
    pub(super) port: u16,
    pub(super) text: String,
    pub(super) link: Option<String>,
    /// For a phone's camera.
    pub(super) picture: Option<String>,
}

/// Where the service is reached from the home network, by the host that has just worked for this visitor. Nobody
/// opens a UDP port by hand.
pub(super) fn addresses(context: &Context, service: &Service) -> Vec<Address> {
    let mut addresses: Vec<Address> = Vec::new();
    let open = |port: &&Port| port.scope.has(Scope::Lan) && port.protocol == Protocol::Tcp;
    for port in service.ports.iter().filter(open) {
        let scheme = scheme(service, port);
        let text = match (scheme, port.port.get()) {
            (Some("http"), 80) | (Some("https"), 443) => context.host.clone(),
            (_, number) => format!("{}:{number}", context.host),
        };
        let link = scheme.map(|scheme| format!("{scheme}://{text}/"));
        let picture = link.as_deref().and_then(picture);
        let address = Address { port: port.port.get(), text, link, picture };
        if !addresses.iter().any(|known| known.port == address.port) {
            addresses.push(address);
        }
    }
    addresses
}

/// Where members of the community reach what this node offers them.
pub(super) fn mesh_address(context: &Context, service: &Service) -> Option<Address> {
    let view = context.snapshot.belonging.view.as_ref().filter(|it| it.role.is_some())?;
    let announce = service.announce.as_ref()?;
    let port = service.ports.iter().find(|it| it.name == announce.port)?.port.get();
    let text = format!("[{}]:{port}", view.member(&view.me)?.address);
    let link = opens(&announce.service_type).map(|scheme| format!("{scheme}://{text}/"));
    // A phone is not on the mesh.
    Some(Address { port, text, link, picture: None })
}

/// What opens the port, by what the catalogue calls it.
fn scheme(service: &Service, port: &Port) -> Option<&'static str> {
    let announced = service.announce.as_ref().filter(|announce| announce.port == port.name);
    match (&*port.name, announced.and_then(|announce| opens(&announce.service_type))) {
        (_, Some("https")) | ("https", _) => Some("https"),
        (_, Some("http")) | ("http" | "web", _) => Some("http"),
        (_, other) => other,
    }
}

/// What opens a service of this type, where a browser knows how.
pub(super) fn opens(kind: &str) -> Option<&'static str> {
    match kind {
        "_http._tcp" | "_icecast._tcp" => Some("http"),
        "_https._tcp" => Some("https"),
        "_mumble._tcp" => Some("mumble"),
        _ => None,
    }
}

/// A QR code as the body of an SVG path, with its size first: `25 M0 0h7v1…`. Nothing of the text is in it but the
/// squares, so it is safe in a page. None where the text is too long for a camera.
pub(super) fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    // The quiet zone that cameras need.
    let margin = 4;
    let side = width + 2 * margin;
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while let Some(run) = row.get(x..).and_then(|rest| rest.chunk_by(|a, b| a == b).next()) {
            if run.is_empty() {
                break;
            }
            if run[0] == Color::Dark {
                path.push_str(&format!("M{} {}h{}v1h-{3}z", x + margin, y + margin, run.len(), run.len()));
            }
            x += run.len();
        }
    }
    Some(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" width=\"{0}\" height=\"{0}\" aria-hidden=\"true\" \
         shape-rendering=\"crispEdges\"><path class=\"paper\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>",
        side * 5
    ))
}
