//! Pages and answers without a socket: what a visitor gets.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use nuvol_agent::http::{Handle, router};
use nuvol_agent::node::unit::{End, Unit};
use nuvol_agent::node::{Catalogue, Event, Image, Node, Problem};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

fn service(name: &str, role: &str, start: &str, more: Value) -> Value {
    let mut service = json!({
        "name": name, "title": name, "summary": format!("What {name} does"), "role": role, "start": start,
        "units": [format!("{name}.service")],
    });
    service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    service
}

fn unit(active: &str, sub: &str) -> Unit {
    Unit { load: "loaded".to_owned(), active: active.to_owned(), sub: sub.to_owned(), end: None }
}

/// A node of three services: one on, one off, one that fails again and again.
fn node() -> Node {
    let mut node = Node::new("nuvol-1a2b3c4d");
    let web = json!({"name": "web", "port": 8000, "protocol": "tcp", "scope": "lan"});
    let admin = json!({"name": "admin", "port": 8001, "protocol": "tcp", "scope": "loopback"});
    let voice = json!({"name": "voice", "port": 64738, "protocol": "tcp", "scope": "lan"});
    let found = json!({"name": "found", "port": 5353, "protocol": "udp", "scope": "lan"});
    let services = [
        service("icecast", "streaming", "always", json!({"ports": [web, admin, found]})),
        service("mumble", "voice", "on-demand", json!({"ports": [voice]})),
        service("tinc", "mesh", "always", json!({})),
    ];
    let services = services.into_iter().map(|service| {
        (service["name"].as_str().unwrap().to_owned(), serde_json::from_value(service).unwrap())
    });
    let image = Image { profile: "home".to_owned(), version: "0.1.0".to_owned() };
    node.handle(Duration::ZERO, Event::Catalogue(Catalogue { image, services: services.collect() }));
    let end = Some(End { result: "exit-code".to_owned(), status: 1, restarts: 4 });
    let units = [
        ("icecast.service", unit("active", "running")),
        ("mumble.service", unit("inactive", "dead")),
        ("tinc.service", Unit { end, ..unit("activating", "auto-restart") }),
    ];
    node.handle(Duration::ZERO, Event::Units(units.map(|(name, unit)| (name.to_owned(), unit)).into()));
    node
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn send(node: &Node, request: Request<Body>) -> Answer {
    let (_sender, snapshot) = watch::channel(Arc::new(node.snapshot()));
    let app = router(Handle { snapshot, uptime: || Duration::from_secs(93_784) });
    let response = app.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(node: &Node, path: &str) -> Answer {
    let request = Request::get(path).header("host", "nuvol-1a2b3c4d.local:8080");
    send(node, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_page_says_how_the_node_is() {
    let Answer { status, headers, body } = get(&node(), "/").await;
    assert_eq!(
        (status, &headers["content-type"]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    for expected in [
        "<title>One thing needs attention · nuvol-1a2b3c4d</title>",
        "<h1>One thing needs attention.</h1>",
        "1 service is on, 1 can be switched on.",
        "<a href=\"#tinc\">tinc</a>: restarting. Its program ended with exit code 1. It was restarted 4 times.",
        "<a href=\"http://nuvol-1a2b3c4d.local:8000/\">nuvol-1a2b3c4d.local:8000</a>",
        "Nuvol home 0.1.0",
        "<dt>Up for</dt><dd>1 day 2 h</dd>",
    ] {
        assert!(body.contains(expected), "`{expected}` is not in\n{body}");
    }
    let order = ["Mesh", "Streaming", "Voice"].map(|title| body.find(&format!(">{title}</h2>")).unwrap());
    assert!(order.is_sorted(), "{body}");
    assert!(!body.contains("8001"), "a port of the loopback is nobody's business");
    assert!(!body.contains("5353"), "nobody opens a UDP port by hand");
    assert!(!body.contains("64738"), "a service that is off has no address");
    assert!(!body.contains("style=") && !body.contains("<script") && !body.contains("<style"), "{body}");
}

#[tokio::test]
async fn the_page_of_a_well_node_is_calm() {
    let mut node = node();
    let running = [("tinc.service".to_owned(), unit("active", "exited"))];
    node.handle(Duration::ZERO, Event::Units(running.into()));
    let body = get(&node, "/").await.body;
    assert!(body.contains("<h1>Everything runs.</h1>"), "{body}");
    assert!(body.contains("<p>2 services are on, 1 can be switched on.</p>"), "{body}");
    assert!(!body.contains("attention"), "{body}");
}

#[tokio::test]
async fn the_api_is_what_was_promised() {
    let node = node();
    let health = get(&node, "/api/v1/health").await;
    assert_eq!(health.headers["content-type"], "application/json");
    assert_eq!(
        health.body,
        concat!(
            r#"{"status":"ok","name":"nuvol-1a2b3c4d","version":"0.1.0","profile":"home","agent_version":""#,
            env!("CARGO_PKG_VERSION"),
            r#"","uptime_s":93784}"#
        )
    );
    let services: Value = serde_json::from_str(&get(&node, "/api/v1/services").await.body).unwrap();
    let expected = json!({"services": [
        {
            "name": "icecast", "title": "icecast", "summary": "What icecast does", "role": "streaming",
            "start": "always", "state": "running",
            "units": [{"name": "icecast.service", "load": "loaded", "active": "active", "sub": "running"}],
            "ports": [
                {"name": "web", "port": 8000, "protocol": "tcp", "scope": "lan"},
                {"name": "admin", "port": 8001, "protocol": "tcp", "scope": "loopback"},
                {"name": "found", "port": 5353, "protocol": "udp", "scope": "lan"},
            ],
        },
        {
            "name": "mumble", "title": "mumble", "summary": "What mumble does", "role": "voice",
            "start": "on-demand", "state": "stopped",
            "units": [{"name": "mumble.service", "load": "loaded", "active": "inactive", "sub": "dead"}],
            "ports": [{"name": "voice", "port": 64738, "protocol": "tcp", "scope": "lan"}],
        },
        {
            "name": "tinc", "title": "tinc", "summary": "What tinc does", "role": "mesh",
            "start": "always", "state": "starting", "restarting": true,
            "why": "Its program ended with exit code 1. It was restarted 4 times.",
            "units": [{"name": "tinc.service", "load": "loaded", "active": "activating", "sub": "auto-restart"}],
            "ports": [],
        },
    ]});
    assert_eq!(services, expected);
}

#[tokio::test]
async fn a_node_that_cannot_see_says_so_and_keeps_serving() {
    let mut node = node();
    node.handle(
        Duration::from_secs(93_700),
        Event::SystemdAway("connecting to D-Bus: no such file".to_owned()),
    );
    let body = get(&node, "/").await.body;
    assert!(body.contains("<h1>The node cannot see its services.</h1>"), "{body}");
    assert!(body.contains("systemd has not answered for 1 minute."), "{body}");
    assert!(body.contains("<code>connecting to D-Bus: no such file</code>"), "{body}");
    assert!(get(&node, "/api/v1/health").await.body.starts_with(r#"{"status":"degraded""#));
    let services = get(&node, "/api/v1/services").await.body;
    assert_eq!(services.matches(r#""state":"unknown""#).count(), 3, "{services}");
    assert_eq!(services.matches(r#""active":"unknown""#).count(), 3, "{services}");
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let evil = r#""><script>alert(1)</script><img src=x onerror='alert(2)'>&"#;
    let mut node = Node::new("nuvol-1a2b3c4d");
    let hidden = format!("{evil}\u{202e}\u{7}\u{2066}");
    let service = service("evil", "web", "always", json!({"title": hidden, "summary": evil}));
    let services = [("evil".to_owned(), serde_json::from_value(service).unwrap())].into();
    let image = Image { profile: evil.to_owned(), version: evil.to_owned() };
    node.handle(Duration::ZERO, Event::Catalogue(Catalogue { image, services }));
    node.handle(Duration::ZERO, Event::Problem(Problem { effect: evil.to_owned(), cause: evil.to_owned() }));
    let end = Some(End { result: evil.to_owned(), status: 0, restarts: 0 });
    let failed = Unit { end, ..unit("failed", evil) };
    node.handle(Duration::ZERO, Event::Units([("evil.service".to_owned(), failed)].into()));
    let body = get(&node, "/").await.body;
    for bad in ["<script", "<img", "onerror='", "\">", "\u{202e}", "\u{7}", "\u{2066}"] {
        let own = if bad == "\">" {
            body.replace("\">\n", "").matches("\"><script").count()
        } else {
            body.matches(bad).count()
        };
        assert_eq!(own, 0, "{bad:?} in\n{body}");
    }
    assert!(body.matches("&#60;script&#62;alert(1)").count() >= 7, "{body}");
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let node = node();
    let request = |method: &str, host: &str, path: &str| {
        Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).unwrap()
    };
    for (method, host, path, expected) in [
        ("GET", "nuvol-1a2b3c4d", "/", 200),
        ("HEAD", "192.0.2.7", "/", 200),
        ("HEAD", "[::1]:80", "/api/v1/health", 200),
        ("GET", "localhost", "/nothing", 404),
        ("GET", "localhost", "/api/v1/", 404),
        ("GET", "localhost", "/assets/../../etc/passwd", 404),
        ("POST", "localhost", "/", 405),
        ("DELETE", "localhost", "/nothing", 405),
        ("OPTIONS", "localhost", "/api/v1/health", 405),
        ("BREW", "localhost", "/", 405),
        ("GET", "evil.example", "/", 421),
        ("GET", "evil.example", "/nothing", 421),
        ("POST", "evil.example", "/api/v1/services", 421),
        ("GET", "nuvol-1a2b3c4d.evil.example", "/assets/nuvol.css", 421),
    ] {
        let answer = send(&node, request(method, host, path)).await;
        let case = format!("{method} {host} {path}");
        assert_eq!(answer.status.as_u16(), expected, "{case}");
        let headers = &answer.headers;
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
            "{case}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{case}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{case}");
        assert_eq!(headers["x-frame-options"], "DENY", "{case}");
        assert_eq!(headers["cache-control"], "no-store", "{case}");
        assert_eq!(method == "HEAD", answer.body.is_empty(), "{case}");
        assert_eq!(headers.get("allow").is_some(), expected == 405, "{case}");
        assert!(expected != 421 || !answer.body.contains("1a2b3c4d"), "a stranger's page learns no name");
    }
    let nameless = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(send(&node, nameless).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_style_is_sent_again_only_when_it_has_changed() {
    let node = node();
    let ask = |known: &str| {
        let request =
            Request::get("/assets/nuvol.css").header("host", "localhost").header("if-none-match", known);
        request.body(Body::empty()).unwrap()
    };
    let first = send(&node, ask("\"old\"")).await;
    assert_eq!(
        (first.status, first.headers["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
    assert!(first.body.len() < 15_000, "the budget of the style sheet");
    let tag = first.headers["etag"].to_str().unwrap();
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = send(&node, ask(&known)).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
        assert_eq!(again.headers["etag"], tag);
    }
    assert_eq!(get(&node, "/assets/nuvol.svg").await.headers["content-type"], "image/svg+xml");
}
