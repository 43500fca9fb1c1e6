//! The API without a socket: who gets what, and what attackers get.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::support::site::{Answer, Ask, PASSWORD, Site, ask, wait};

fn sign_in(name: &str, password: &str) -> Ask {
    ask("POST", "/api/v1/session").json(&json!({"name": name, "password": password}))
}

fn claim(code: &str) -> Ask {
    ask("POST", "/api/v1/claim").json(&json!({"code": code, "name": "Eve", "password": PASSWORD}))
}

/// Everything that the document lists, as method and path.
async fn everything(site: &Site) -> Vec<(String, String)> {
    let document = site.send(ask("GET", "/api/v1/openapi.json")).await.json();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, methods)| {
        let filled = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let path = format!("/api/v1{}", filled.collect::<Vec<_>>().join("/"));
        methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    all.collect()
}

fn is_open(path: &str) -> bool {
    // The last is for other nodes, which show an invitation of this one.
    let open = ["/api/v1/health", "/api/v1/claim", "/api/v1/join/1", "/api/v1/community/knock"];
    open.contains(&path)
}

#[tokio::test]
async fn dns_rebinding_finds_nothing_not_even_that_there_is_a_node() {
    let (site, cookie) = Site::claimed().await;
    let mut bodies = Vec::new();
    for (method, path) in everything(&site).await {
        for host in ["evil.example", "nuvol.evil.example", "evil.example:443", ""] {
            let answer = site.send(ask(&method, &path).header("host", host).cookie(&cookie)).await;
            assert_eq!(answer.status, 421, "{method} {path} {host}");
            bodies.push(answer.body);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "always the same words");
    assert!(!bodies[0].contains("nuvol"), "{bodies:?}");
    let none = site.send(ask("GET", "/api/v1/health").without("host")).await;
    assert_eq!(none.status, 421);
    for host in ["nuvol", "nuvol.local", "NUVOL.local:8443", "192.168.1.2", "[fe80::1]", "localhost"] {
        let answer = site.send(ask("GET", "/api/v1/node").header("host", host).cookie(&cookie)).await;
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_page_of_somebody_else_changes_nothing() {
    let (site, cookie) = Site::claimed().await;
    let body = json!({"title": "t", "scopes": ["read"]});
    let make = || ask("POST", "/api/v1/account/tokens").cookie(&cookie).json(&body);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://nuvol.local.evil.example"),
    ] {
        let answer = site.send(make().header(name, value)).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    // What a form can send without asking first: no JSON.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer = site.send(make().header("content-type", kind)).await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    let tokens = site.send(ask("GET", "/api/v1/account/tokens").cookie(&cookie)).await.json();
    assert_eq!(tokens, json!({"tokens": []}));
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", "https://nuvol.local")] {
        assert_eq!(site.send(make().header(name, value)).await.status, 201, "{name}: {value}");
    }
    // And nothing invites other pages to read.
    let answer =
        site.send(ask("GET", "/api/v1/node").cookie(&cookie).header("origin", "https://evil.example")).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let answer =
        site.send(ask("OPTIONS", "/api/v1/node").header("access-control-request-method", "PUT")).await;
    assert!(!answer.headers.contains_key("access-control-allow-methods"));
}

#[tokio::test]
async fn every_answer_carries_the_guards_headers() {
    let (site, cookie) = Site::claimed().await;
    for request in [
        ask("GET", "/api/v1/node").cookie(&cookie),
        ask("GET", "/api/v1/node"),
        ask("GET", "/api/v1/node").plain(),
        ask("GET", "/api/v1/node").header("host", "evil.example"),
        ask("GET", "/nowhere"),
        ask("PUT", "/api/v1/health"),
        ask("POST", "/api/v1/session").header("origin", "https://evil.example"),
    ] {
        let answer = site.send(request).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{name} with {}", answer.status);
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test]
async fn without_encryption_there_is_the_setup_and_the_health_and_nothing_else() {
    let (site, cookie) = Site::claimed().await;
    let token = site.token(&cookie, &["read", "services", "people", "node"]).await;
    for (method, path) in everything(&site).await {
        if ["/api/v1/health", "/api/v1/claim"].contains(&path.as_str()) {
            continue;
        }
        let answer = site.send(ask(&method, &path).plain().cookie(&cookie).token(&token)).await;
        if method == "GET" {
            assert_eq!(
                (answer.status.as_u16(), answer.header("location")),
                (307, &*format!("https://nuvol.local{path}"))
            );
        } else {
            assert_eq!(answer.status, 403, "{method} {path}");
        }
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(site.send(ask("GET", "/api/v1/health").plain()).await.status, 200);
    // Signing in without encryption would make a session that others have read.
    let answer = site.send(sign_in("Ana", PASSWORD).plain()).await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""));
}

#[tokio::test]
async fn the_cookie_of_a_session_is_bound_to_this_host_and_hidden_from_scripts() {
    let (site, cookie) = Site::claimed().await;
    let answer = site.send(sign_in("Ana", PASSWORD)).await;
    let set: Vec<_> = answer.header("set-cookie").split("; ").collect();
    assert!(set[0].starts_with("__Host-nuvol=") && set[0].len() == 13 + 64, "{set:?}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(&attribute), "{set:?}");
    }
    assert!(!set.iter().any(|it| it.starts_with("Domain")), "{set:?}");
    assert_ne!(set[0], cookie, "each session has a secret of its own");

    let answer = site.send(ask("DELETE", "/api/v1/session").cookie(&cookie)).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").starts_with("__Host-nuvol=; Max-Age=0; "));
    let answer = site.send(ask("GET", "/api/v1/account").cookie(&cookie)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "sign-in-first".to_owned()));
    // Neither a cookie of another name nor one that is cut off opens anything.
    for bad in [set[0].replace("__Host-", ""), set[0][..60].to_owned(), "__Host-nuvol=".to_owned()] {
        assert_eq!(site.send(ask("GET", "/api/v1/account").cookie(&bad)).await.status, 401, "{bad}");
    }
    let both = format!("other=1; {}", set[0]);
    assert_eq!(site.send(ask("GET", "/api/v1/account").cookie(&both)).await.status, 200);
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_see() {
    let (site, _) = Site::claimed().await;
    for (method, path) in everything(&site).await {
        if is_open(&path) || (method == "POST" && path == "/api/v1/session") {
            continue;
        }
        for request in [
            ask(&method, &path),
            ask(&method, &path).token("0123"),
            ask(&method, &path).cookie("__Host-nuvol=0"),
        ] {
            // Whatever the body would have been wrong about.
            let answer = site.send(request.header("content-type", "application/json").body(b"{")).await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.body);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert_eq!(answer.code(), "sign-in-first");
        }
    }
}

#[tokio::test]
async fn a_token_can_do_what_its_scopes_say_and_never_make_another() {
    let (site, cookie) = Site::claimed().await;
    let calls: [(&str, &str, Value); 9] = [
        ("GET", "/api/v1/node", Value::Null),
        ("GET", "/api/v1/services", Value::Null),
        ("GET", "/api/v1/services/tinc/log", Value::Null),
        ("PUT", "/api/v1/services/tinc", json!({"on": true})),
        ("GET", "/api/v1/invitations", Value::Null),
        ("POST", "/api/v1/invitations", json!({"role": "guest"})),
        ("POST", "/api/v1/node/power", json!({"how": "reboot"})),
        ("GET", "/api/v1/account/tokens", Value::Null),
        ("POST", "/api/v1/account/tokens", json!({"title": "t", "scopes": ["node"]})),
    ];
    for (scope, allowed) in [
        ("read", [200, 200, 403, 403, 403, 403, 403, 403, 403]),
        ("services", [403, 403, 200, 202, 403, 403, 403, 403, 403]),
        ("people", [403, 403, 403, 403, 200, 201, 403, 403, 403]),
        ("node", [403, 403, 403, 403, 403, 403, 202, 403, 403]),
    ] {
        let token = site.token(&cookie, &[scope]).await;
        let mut statuses = Vec::new();
        for (method, path, body) in &calls {
            let request = ask(method, path).token(&token);
            let request = if body.is_null() { request } else { request.json(body) };
            statuses.push(site.send(request).await.status.as_u16());
        }
        assert_eq!(statuses, allowed, "{scope}");
    }
    // A member's token is a member's, whatever its scopes say.
    let ben = site.admit(&cookie, "Ben", "member").await;
    let token = site.token(&ben, &["read", "services", "people", "node"]).await;
    let answer =
        site.send(ask("POST", "/api/v1/node/power").token(&token).json(&json!({"how": "off"}))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (403, "not-allowed".to_owned()));
    // And ends with its time and with him.
    let body = json!({"title": "t", "scopes": ["read"], "days": 1});
    let answer = site.send(ask("POST", "/api/v1/account/tokens").cookie(&ben).json(&body)).await.json();
    let short = answer["token"].as_str().unwrap().to_owned();
    let look = |token: &str| ask("GET", "/api/v1/node").token(token);
    assert_eq!(site.send(look(&short)).await.status, 200);
    wait(24 * 60 * 60);
    assert_eq!(site.send(look(&short)).await.status, 401);
    assert_eq!(site.send(look(&token)).await.status, 200);
    assert_eq!(site.send(ask("DELETE", "/api/v1/people/1").cookie(&cookie)).await.status, 204);
    assert_eq!(site.send(look(&token)).await.status, 401);
}

#[tokio::test]
async fn a_node_is_claimed_from_its_own_network_with_the_code_and_once() {
    let site = Site::new();
    let code = site.code.lock().unwrap().clone();
    for far in ["198.51.100.7:5000", "[2001:db8:9::1]:5000"] {
        for request in [claim(&code).from(far), claim(&code).from(far).plain()] {
            assert_eq!(site.send(request).await.status, 403, "{far}");
        }
    }
    let answer = site.send(claim("AAAA-AAAA")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (422, "fields".to_owned()));
    assert!(answer.json()["fields"]["code"].is_string());
    // As people type it, and without encryption: a new node's page comes without a warning.
    let typed = code.to_lowercase().replace('-', " ");
    assert_eq!(site.send(claim(&typed).plain()).await.status, 204);
    let answer = site.send(claim(&code)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (409, "claimed".to_owned()));
    assert_eq!(site.send(ask("GET", "/api/v1/health")).await.json()["claimed"], true);
}

#[tokio::test]
async fn a_wrong_password_for_the_owner_leaves_the_code_alone() {
    let site = Site::new();
    let code = site.code.lock().unwrap().clone();
    for password in ["short", "aaaaaaaaaaaa", "nuvol"] {
        let body = json!({"code": code, "name": "Eve", "password": password});
        let answer = site.send(ask("POST", "/api/v1/claim").json(&body)).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.json()["fields"]["password"].is_string(), "{}", answer.body);
    }
    assert_eq!(site.send(claim(&code)).await.status, 204);
}

/// Five, and then one waits, however many come at once.
async fn assert_five_guesses(site: &Site, guess: impl Fn() -> Ask, wrong: u16) {
    let all = (0..12).map(|_| site.send(guess()));
    let answers: Vec<Answer> = futures_util::future::join_all(all).await;
    let mut statuses: Vec<u16> = answers.iter().map(|it| it.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[wrong; 5][..], &[429; 7][..]].concat());
    let told = answers.iter().find(|it| it.status == 429).unwrap();
    assert_eq!((told.code().as_str(), told.header("retry-after")), ("wait", "60"));
    wait(59);
    assert_eq!(site.send(guess()).await.header("retry-after"), "1");
    wait(1);
    assert_eq!(site.send(guess()).await.status, wrong);
}

#[tokio::test]
async fn guessing_is_slow_even_side_by_side() {
    let (site, _) = Site::claimed().await;
    assert_five_guesses(&site, || sign_in("Ana", "wrong horse").from("192.168.1.30:5"), 422).await;
    // Another machine at home is not kept out.
    assert_eq!(site.send(sign_in("Ana", PASSWORD).from("192.168.1.31:5")).await.status, 204);
    let look = || ask("GET", "/api/v1/join/0000").from("192.168.1.34:5");
    assert_five_guesses(&site, look, 404).await;
    let join = || {
        let body = json!({"name": "Eve", "password": PASSWORD});
        ask("POST", "/api/v1/join/0000").json(&body).from("192.168.1.32:5")
    };
    assert_five_guesses(&site, join, 404).await;
    let site = Site::new();
    let code = site.code.lock().unwrap().clone();
    assert_five_guesses(&site, || claim("AAAA-AAAA").from("192.168.1.33:5"), 422).await;
    assert_ne!(*site.code.lock().unwrap(), code, "a code that was guessed at is replaced");
    // An IPv6 machine has many addresses and is one all the same.
    let mut last = 0;
    for n in 0..6 {
        last = site.send(claim("AAAA-AAAA").from(&format!("[fd00::{n}]:5"))).await.status.as_u16();
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn nobody_learns_which_names_there_are() {
    let (site, _) = Site::claimed().await;
    let mut shapes = Vec::new();
    for name in ["Ana", "Bob", "", "A\u{200b}na", "<script>", &"x".repeat(300)] {
        let answer = site.send(sign_in(name, "wrong horse").from("192.168.1.40:5")).await;
        let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        headers.sort_unstable();
        shapes.push((answer.status, headers, answer.body));
        wait(120);
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions_and_all_tokens() {
    let (site, here) = Site::claimed().await;
    let there = site.sign_in("Ana").await;
    let token = site.token(&here, &["read"]).await;
    let bob = site.admit(&here, "Bob", "member").await;
    let of_bob = site.token(&bob, &["read"]).await;
    let change = |old: &str, new: &str| {
        ask("PUT", "/api/v1/account/password").cookie(&here).json(&json!({"old": old, "new": new}))
    };
    let answer = site.send(change("wrong horse", "battery staple")).await;
    assert_eq!((answer.status.as_u16(), answer.json()["fields"]["old"].is_string()), (422, true));
    assert!(site.send(change(PASSWORD, "short")).await.json()["fields"]["new"].is_string());
    // Nothing has changed yet.
    assert_eq!(site.send(ask("GET", "/api/v1/account").token(&token)).await.status, 200);
    assert_eq!(site.send(change(PASSWORD, "battery staple")).await.status, 204);
    assert_eq!(site.send(ask("GET", "/api/v1/account").cookie(&here)).await.status, 200);
    assert_eq!(site.send(ask("GET", "/api/v1/account").cookie(&there)).await.status, 401);
    assert_eq!(site.send(ask("GET", "/api/v1/account").token(&token)).await.status, 401);
    // Those of others stay.
    assert_eq!(site.send(ask("GET", "/api/v1/account").token(&of_bob)).await.status, 200);
    assert_eq!(site.send(sign_in("Ana", PASSWORD)).await.status, 422);
    assert_eq!(site.send(sign_in("ana", "battery staple")).await.status, 204);
}

#[tokio::test]
async fn bodies_are_small_and_json_and_have_no_unknown_keys() {
    let (site, cookie) = Site::claimed().await;
    let switch = || ask("PUT", "/api/v1/services/tinc").cookie(&cookie);
    let huge = format!("{{\"on\": true, \"x\": \"{}\"}}", "x".repeat(70_000));
    for (body, status) in [
        (&b""[..], 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b"{\"on\": 1}", 422),
        (b"{\"on\": true, \"off\": true}", 422),
        (b"{\"on\": true, \"on\": false}", 422),
        (huge.as_bytes(), 413),
    ] {
        let request = switch().header("content-type", "application/json").body(body);
        let answer = site.send(request).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{:?}",
            String::from_utf8_lossy(&body[..body.len().min(40)])
        );
        assert_eq!(answer.code(), "body");
    }
    let deep = "[".repeat(30_000);
    let request = switch().header("content-type", "application/json").body(deep.as_bytes());
    assert!(site.send(request).await.status.is_client_error());
    let no_type = switch().body(b"{\"on\": true}");
    assert_eq!(site.send(no_type).await.status, 415);
    assert!(!site.jobs.lock().unwrap().iter().any(|job| format!("{job:?}").starts_with("Switch")));
}

#[tokio::test]
async fn hostile_words_come_back_as_json_and_nothing_else() {
    let (site, cookie) = Site::claimed().await;
    let name = "<img src=x onerror=alert(1)>";
    site.admit(&cookie, name, "guest").await;
    let answer = site.send(ask("GET", "/api/v1/people").cookie(&cookie)).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["people"][1]["name"], name);
    let note = "\u{202e}evil\r\nSet-Cookie: a=b\0";
    let body = json!({"role": "guest", "note": note});
    assert_eq!(site.send(ask("POST", "/api/v1/invitations").cookie(&cookie).json(&body)).await.status, 201);
    let answer = site.send(ask("GET", "/api/v1/invitations").cookie(&cookie)).await;
    assert_eq!(answer.json()["invitations"][0]["note"], "evilSet-Cookie: a=b");
    for path in [
        "/api/v1/services/%3Cscript%3E",
        "/api/v1/services/..%2f..%2fetc%2fpasswd",
        "/api/v1/services/%00",
        "/api/v1/services/%ff",
        "/api/v1/people/99999999999999999999",
        "/api/v1/operations/-1",
        "/api/v1/<b>",
        "/api/v1",
    ] {
        let method = if path.contains("people") { "DELETE" } else { "GET" };
        let path = path.replace('<', "%3C").replace('>', "%3E");
        let answer = site.send(ask(method, &path).cookie(&cookie)).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert_eq!(answer.code(), "no-such", "{path}");
        assert!(!answer.body.contains("script") && !answer.body.contains("passwd"), "{}", answer.body);
    }
    // A browser's name for itself goes into the list of sessions.
    let agent = sign_in("Ana", PASSWORD).header("user-agent", &format!("<b>{}", "x".repeat(500)));
    site.send(agent).await;
    let sessions = site.send(ask("GET", "/api/v1/account/sessions").cookie(&cookie)).await.json();
    let browser = sessions["sessions"].as_array().unwrap().last().unwrap()["browser"].as_str().unwrap();
    assert!(browser.starts_with("<b>") && browser.len() == 200);
}

#[tokio::test]
async fn secrets_are_shown_once_and_never_listed() {
    let (site, cookie) = Site::claimed().await;
    let token = site.token(&cookie, &["read", "people"]).await;
    let invite = ask("POST", "/api/v1/invitations").cookie(&cookie).json(&json!({"role": "member"}));
    let path = site.send(invite).await.json()["path"].as_str().unwrap().to_owned();
    let secrets = [&token, path.trim_start_matches("/join/"), cookie.trim_start_matches("__Host-nuvol=")];
    for (method, path) in everything(&site).await {
        if method != "GET" {
            continue;
        }
        let body = site.send(ask(&method, &path).cookie(&cookie)).await.body;
        assert!(secrets.iter().all(|secret| !body.contains(secret)), "{path}");
        assert!(!body.contains("argon2") && !body.contains("\"secret\""), "{path}: {body}");
    }
}

#[tokio::test]
async fn guests_see_services_and_no_more() {
    let (site, owner) = Site::claimed().await;
    let cleo = site.admit(&owner, "Cleo", "guest").await;
    for (path, status) in [
        ("/api/v1/services", 200),
        ("/api/v1/services/tinc", 200),
        ("/api/v1/account", 200),
        ("/api/v1/node", 403),
        ("/api/v1/people", 403),
        ("/api/v1/operations", 403),
        ("/api/v1/invitations", 403),
        ("/api/v1/services/tinc/log", 403),
    ] {
        assert_eq!(site.send(ask("GET", path).cookie(&cleo)).await.status.as_u16(), status, "{path}");
    }
    // Her own sessions only.
    let mine = site.send(ask("GET", "/api/v1/account/sessions").cookie(&owner)).await.json();
    let id = mine["sessions"][0]["id"].as_str().unwrap();
    let end = ask("DELETE", &format!("/api/v1/account/sessions/{id}")).cookie(&cleo);
    assert_eq!(site.send(end).await.status, 404);
}
