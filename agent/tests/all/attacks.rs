//! What strangers and pages of strangers try at the pages and their forms; tests/api.rs has the same for the API.
#![allow(clippy::unwrap_used)]

use crate::support::site::{Ask, Site, ask};

/// Every path that is routed in this source, filled in.
fn routed(source: &str) -> Vec<String> {
    let paths = source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let fill = |part: &str| match part {
        "{service}" => "tinc".to_owned(),
        "{name}" => "nuvol.css".to_owned(),
        part if part.starts_with('{') => "0".to_owned(),
        part => part.to_owned(),
    };
    let all: Vec<_> = paths.map(|path| path.split('/').map(fill).collect::<Vec<_>>().join("/")).collect();
    assert!(all.len() > 10, "{all:?}");
    all
}

fn pages() -> Vec<String> {
    routed(include_str!("../../src/http/rooms.rs"))
}

fn forms() -> Vec<String> {
    routed(include_str!("../../src/http/forms/mod.rs"))
}

/// A form with fields that would do something wherever it is sent.
fn form(path: &str) -> Ask {
    let fields = "sure=yes&on=on&name=eve&role=guest&note=x&title=x&scopes=read&days=30&power=off&code=AAAA-AAAA\
        &password=battery+staple&again=battery+staple&old=correct+horse&listeners=10&language=ca";
    ask("POST", path).header("content-type", "application/x-www-form-urlencoded").body(fields.as_bytes())
}

/// All that could have changed; languages are a browser's own.
async fn everything(site: &Site, cookie: &str) -> String {
    let mut all = format!("{:?}", site.jobs.lock().unwrap());
    for path in ["node", "people", "invitations", "operations", "account/tokens", "account/sessions"] {
        let answer = site.send(ask("GET", &format!("/api/v1/{path}")).cookie(cookie)).await;
        assert_eq!(answer.status, 200, "{path}");
        all += &answer.body;
    }
    all
}

#[tokio::test]
async fn dns_rebinding_finds_no_page_either() {
    let (site, cookie) = Site::claimed().await;
    let before = everything(&site, &cookie).await;
    let mut bodies = Vec::new();
    for host in ["evil.example", "nuvol.evil.example", "evil.example:443", "nuvol.local@evil.example", ""] {
        let gets = pages().into_iter().map(|path| ask("GET", &path));
        let posts = forms().into_iter().map(|path| form(&path));
        for request in gets.chain(posts) {
            let answer = site.send(request.header("host", host).cookie(&cookie)).await;
            assert_eq!(answer.status, 421, "{host}");
            bodies.push(answer.body);
        }
    }
    bodies.dedup();
    assert!(bodies.len() == 1 && !bodies[0].contains("nuvol"), "{bodies:?}");
    assert_eq!(everything(&site, &cookie).await, before);
}

#[tokio::test]
async fn a_page_of_somebody_else_sends_no_form() {
    let (site, cookie) = Site::claimed().await;
    let before = everything(&site, &cookie).await;
    for path in forms() {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = site.send(form(&path).cookie(&cookie).header(name, value)).await;
            assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""), "{path} {name}");
        }
        // What else a page may send unasked, where there is anything to send.
        let other = if has_a_file(&path) {
            "application/x-www-form-urlencoded"
        } else {
            "multipart/form-data; boundary=x"
        };
        for kind in ["text/plain", other, "application/json"] {
            if !is_a_button(&path) {
                let answer = site.send(form(&path).cookie(&cookie).header("content-type", kind)).await;
                assert_eq!(answer.status, 415, "{path} {kind}");
            }
        }
    }
    assert_eq!(everything(&site, &cookie).await, before);
}

/// Forms that come in parts, for the sake of a file.
fn has_a_file(path: &str) -> bool {
    path.ends_with("/import")
}

/// Forms that are a button alone.
fn is_a_button(path: &str) -> bool {
    ["/sign-out", "/keep", "/back", "/revoke", "/end"].iter().any(|end| path.ends_with(end))
}

#[tokio::test]
async fn looking_changes_nothing_whatever_is_looked_at() {
    let (site, cookie) = Site::claimed().await;
    let before = everything(&site, &cookie).await;
    for path in pages().into_iter().filter(|path| path != "/events").chain(forms()) {
        let logs = path.ends_with("/log");
        for method in ["GET", "HEAD"] {
            site.send(ask(method, &format!("{path}?sure=yes&on=off&power=off&role=guest")).cookie(&cookie))
                .await;
        }
        // The log is read by the helper.
        if logs {
            site.jobs.lock().unwrap().retain(|job| !format!("{job:?}").starts_with("Logs"));
        }
    }
    assert_eq!(everything(&site, &cookie).await, before);
}

#[tokio::test]
async fn strangers_get_no_page_and_send_no_form() {
    let (site, cookie) = Site::claimed().await;
    let token = site.token(&cookie, &["read"]).await;
    let before = everything(&site, &cookie).await;
    let doors = ["/sign-in", "/claim", "/language", "/assets", "/join"];
    let guarded = |path: &String| !doors.iter().any(|door| path.starts_with(door));
    for path in pages().into_iter().filter(guarded) {
        let answer = site.send(ask("GET", &path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"), "{path}");
        let answer = site.send(ask("GET", &path).token("0123")).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    for path in forms().into_iter().filter(guarded) {
        let answer = site.send(form(&path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"), "{path}");
        // A token that may only look sends no form either.
        let answer = site.send(form(&path).token(&token)).await;
        assert!(answer.status == 403 || answer.header("location") == "/sign-in", "{path}: {}", answer.status);
    }
    assert_eq!(everything(&site, &cookie).await, before);
}

#[tokio::test]
async fn without_encryption_pages_go_on_to_https_and_forms_are_refused() {
    let (site, cookie) = Site::claimed().await;
    let before = everything(&site, &cookie).await;
    let open =
        |path: &String| path.starts_with("/claim") || path.starts_with("/assets") || path == "/language";
    for path in pages().into_iter().filter(|path| !open(path)) {
        let answer = site.send(ask("GET", &path).plain().cookie(&cookie)).await;
        let there = format!("https://nuvol.local{path}");
        assert_eq!((answer.status.as_u16(), answer.header("location")), (307, there.as_str()));
    }
    for path in forms().into_iter().filter(|path| !open(path)) {
        let answer = site.send(form(&path).plain().cookie(&cookie)).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""), "{path}");
    }
    assert_eq!(everything(&site, &cookie).await, before);
}
