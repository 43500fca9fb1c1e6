//! Whatever is typed into any field of any form: what is wrong stands next to the field, and nothing has changed.
#![allow(clippy::unwrap_used)]

use crate::support::site::{Answer, Ask, PASSWORD, Site, ask};

fn post(path: &str, fields: &[(&str, &str)]) -> Ask {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    ask("POST", path).header("content-type", "application/x-www-form-urlencoded").body(body.as_bytes())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What stands next to the field; the field itself says so, to those who hear the page too.
fn error_at(answer: &Answer, field: &str) -> String {
    assert_eq!(answer.status, 422, "{field}: {}", answer.body);
    let (mark, by) = (format!("id=\"{field}-error\""), format!("{field}-error\""));
    let Some((_, rest)) = answer.body.split_once(&mark) else {
        panic!("nothing stands next to `{field}` in {}", answer.body)
    };
    let described = answer.body.split("aria-describedby=\"").skip(1).any(|rest| {
        let ids = rest.split('>').next().unwrap();
        ids.contains(&by)
    });
    assert!(described, "`{field}` does not point at what is wrong with it");
    let text = rest.split("</p>").next().unwrap().rsplit('>').next().unwrap();
    text.to_owned()
}

/// All that a form could change.
async fn everything(site: &Site, cookie: &str) -> String {
    let mut all = String::new();
    for path in [
        "node",
        "people",
        "invitations",
        "operations",
        "account",
        "account/tokens",
        "account/sessions",
        "services",
    ] {
        let answer = site.send(ask("GET", &format!("/api/v1/{path}")).cookie(cookie)).await;
        assert_eq!(answer.status, 200, "{path}");
        all += &answer.body;
    }
    all + &format!("{:?}", site.jobs.lock().unwrap())
}

const LONG: &str = "123456789012345678901234567890123456789012345678901234567890123456789012345678901";
const SETTINGS: &str = "/services/radio/settings";
const TOKENS: &str = "/account/tokens";
const GOOD_TOKEN: [(&str, &str); 3] = [("title", "t"), ("scopes", "read"), ("days", "30")];

/// Form, field, what is typed, and what is said; `~` is a name or a password that is well.
const WRONG: [(&str, &str, &str, &str); 39] = [
    (TOKENS, "days", "0", "At least 1."),
    (TOKENS, "days", "-1", "At least 1."),
    (TOKENS, "days", "3661", "At most 3660."),
    (TOKENS, "days", "99999999999999999999999", "At most 3660."),
    (TOKENS, "days", "1.5", "This is not a whole number."),
    (TOKENS, "days", "soon", "This is not a whole number."),
    (TOKENS, "days", "1e3", "This is not a whole number."),
    (TOKENS, "title", "", "This must not be empty."),
    (TOKENS, "title", " \u{202e} ", "This must not be empty."),
    (TOKENS, "title", LONG, "Too long: at most 80 characters."),
    (TOKENS, "scopes", "", "Choose one."),
    (TOKENS, "scopes", "everything", "Choose one."),
    ("/people/invite", "note", LONG, "Too long: at most 80 characters."),
    ("/people/invite", "role", "", "Choose one."),
    ("/people/invite", "role", "king", "Choose one."),
    ("/people/0/role", "role-0", "king", "Choose one."),
    ("/people/0/role", "role-0", "", "Choose one."),
    ("/people/0/role", "role-0", "guest", "The node must have an owner. Make somebody else an owner first."),
    ("/settings/name", "name", "", "A name has lower-case letters, digits and hyphens."),
    ("/settings/name", "name", "our node", "A name has lower-case letters, digits and hyphens."),
    ("/settings/name", "name", "localhost", "A name has lower-case letters, digits and hyphens."),
    ("/account/password", "old", "", "This is not your present password."),
    ("/account/password", "old", "wrong horse", "This is not your present password."),
    ("/account/password", "password", "", "This must not be empty."),
    ("/account/password", "password", "short", "Too short: at least 10 characters."),
    ("/account/password", "password", "aaaaaaaaaaaa", "Too easy to guess."),
    ("/account/password", "again", "another horse", "The two passwords are not the same."),
    (SETTINGS, "listeners", "", "This must not be empty."),
    (SETTINGS, "listeners", "lots", "This is not a whole number."),
    (SETTINGS, "listeners", "0", "At least 1."),
    (SETTINGS, "listeners", "101", "At most 100."),
    (SETTINGS, "place", "", "This must not be empty."),
    (SETTINGS, "place", "123456789", "Too long: at most 8 characters."),
    (SETTINGS, "place", "a\u{7}", "It has characters that cannot be seen. Type it anew."),
    (SETTINGS, "open", "perhaps", "Choose one."),
    (SETTINGS, "format", "flac", "Choose one."),
    ("/join/~", "name", "", "This must not be empty."),
    ("/join/~", "name", "ANA", "Somebody here has this name already. Choose another one."),
    ("/join/~", "password", "short", "Too short: at least 10 characters."),
];

/// The other fields of the form, all well.
fn good(path: &str) -> Vec<(&'static str, &'static str)> {
    match path {
        TOKENS => GOOD_TOKEN.to_vec(),
        "/people/invite" => vec![("role", "member"), ("note", "")],
        "/account/password" => {
            vec![("old", PASSWORD), ("password", "battery staple"), ("again", "battery staple")]
        }
        SETTINGS => vec![("listeners", "10"), ("place", "attic"), ("open", "on"), ("format", "ogg")],
        path if path.starts_with("/join/") => {
            vec![("name", "Bob"), ("password", "battery staple"), ("again", "battery staple")]
        }
        // Who gives up their own role is asked once more.
        _ => vec![("sure", "yes")],
    }
}

#[tokio::test]
async fn bad_input_gets_its_words_next_to_the_field_and_changes_nothing() {
    let (site, cookie) = Site::claimed().await;
    let invite = ask("POST", "/api/v1/invitations").cookie(&cookie);
    let invitation = site.send(invite.json(&serde_json::json!({"role": "guest"}))).await.json();
    let join = invitation["path"].as_str().unwrap();
    for (path, field, value, expected) in WRONG {
        let before = everything(&site, &cookie).await;
        let path = path.replace("/join/~", join);
        // The field's mark may name one of several of its kind.
        let name = if field.starts_with("role-") { "role" } else { field };
        let mut fields = good(if path == join { "/join/" } else { &path });
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value));
        let answer = site.send(post(&path, &fields).cookie(&cookie)).await;
        let told = error_at(&answer, field);
        assert!(told.starts_with(expected), "{path} {field} {value:?}: {told}");
        assert_eq!(
            everything(&site, &cookie).await,
            before,
            "{path} {field} {value:?} has changed something"
        );
        for language in ["es", "ca"] {
            let cookie = format!("{cookie}; language={language}");
            let answer = site.send(post(&path, &fields).cookie(&cookie)).await;
            let other = error_at(&answer, field);
            assert!(!other.is_empty() && !other.starts_with(expected), "{language}: {path} {field}: {other}");
        }
        // Guesses of passwords are counted.
        crate::support::site::wait(if field == "old" { 61 } else { 0 });
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let (site, cookie) = Site::claimed().await;
    let fields = [("title", ""), ("days", "never")];
    let answer = site.send(post(TOKENS, &fields).cookie(&cookie)).await;
    for field in ["title", "scopes", "days"] {
        error_at(&answer, field);
    }
    // What is above the form says that there is something below; the list of keys is open at it.
    assert!(answer.body.contains("Look at the marked fields."), "{}", answer.body);
    assert!(answer.body.contains("<details class=\"sheet\" open>"), "{}", answer.body);
    let answer = site.send(post(SETTINGS, &[("listeners", "0"), ("place", "")]).cookie(&cookie)).await;
    for field in ["listeners", "place"] {
        error_at(&answer, field);
    }
    // A setting that the service has not: there is no field to stand next to.
    let answer = site.send(post(SETTINGS, &[("colour", "red")]).cookie(&cookie)).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Some of it does not fit yet."), "{}", answer.body);
}

#[tokio::test]
async fn what_is_no_number_in_a_path_names_nothing() {
    let (site, cookie) = Site::claimed().await;
    for path in ["/people/x/role", "/people/-1/remove", "/people/99999999999/reset"] {
        let answer = site.send(post(path, &[("role", "guest")]).cookie(&cookie)).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("There is no such page"), "{path}: {}", answer.body);
    }
    let answer = site.send(ask("GET", "/operations/last").cookie(&cookie)).await;
    assert!(answer.status == 404 && answer.body.contains("There is no such page"), "{}", answer.body);
}

#[tokio::test]
async fn the_doors_say_what_is_wrong_next_to_the_field() {
    let site = Site::new();
    let answer = site.send(post("/claim/code", &[("code", "AAAA-AAAA")])).await;
    assert!(error_at(&answer, "code").starts_with("This is not the claim code."));
    let code = site.code.lock().unwrap().clone();
    let answer = site.send(post("/claim/code", &[("code", &code)])).await;
    let setup = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    for (field, value, expected) in [
        ("name", "", "This must not be empty."),
        ("name", "A\u{200b}na", "It has characters that cannot be seen."),
        ("name", LONG, "Too long: at most 40 characters."),
        ("password", "Ana", "Too short"),
        ("again", "x", "The two passwords are not the same."),
    ] {
        let mut fields = vec![("name", "Ana"), ("password", "battery staple"), ("again", "battery staple")];
        fields.retain(|(known, _)| *known != field);
        fields.push((field, value));
        let told = error_at(&site.send(post("/claim", &fields).cookie(&setup)).await, field);
        assert!(told.starts_with(expected), "{field}: {told}");
    }
    let (site, _) = Site::claimed().await;
    let answer = site.send(post("/sign-in", &[("name", "Ana"), ("password", "wrong horse")])).await;
    assert_eq!(error_at(&answer, "password"), "Name or password is wrong.");
}

#[tokio::test]
async fn an_invitation_speaks_of_roles_as_people_do() {
    let (site, cookie) = Site::claimed().await;
    for (role, expected) in [
        ("guest", ["You will be a guest.", "Tu papel será: invitado.", "El teu paper serà: convidat."]),
        ("member", ["You will be a member.", "Tu papel será: miembro.", "El teu paper serà: membre."]),
        ("owner", ["You will be an owner.", "Tu papel será: propietario.", "El teu paper serà: propietari."]),
    ] {
        let invite = ask("POST", "/api/v1/invitations").cookie(&cookie);
        let made = site.send(invite.json(&serde_json::json!({"role": role}))).await.json();
        for (language, expected) in ["en", "es", "ca"].into_iter().zip(expected) {
            let path = made["path"].as_str().unwrap();
            let page = site.send(ask("GET", path).cookie(&format!("language={language}"))).await.body;
            assert!(page.contains(expected), "{expected} is not in {page}");
        }
    }
}

/// The part of a page that stands under the heading with this name.
fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<section aria-labelledby=\"{name}\"")).unwrap();
    rest.split("</section>").next().unwrap()
}

#[tokio::test]
async fn a_new_link_stands_above_a_list_that_has_it() {
    let (site, cookie) = Site::claimed().await;
    let fields = [("role", "guest"), ("note", "for Ben")];
    let page = site.send(post("/people/invite", &fields).cookie(&cookie)).await;
    assert!(page.body.contains("<code>https://nuvol.local/join/"), "{}", page.body);
    assert!(section(&page.body, "invitations").contains("for Ben"), "{}", page.body);
    site.admit(&cookie, "Ben", "member").await;
    let page = site.send(post("/people/1/reset", &[]).cookie(&cookie)).await;
    let list = section(&page.body, "invitations");
    assert!(list.contains("for Ben") && list.matches("/revoke\"").count() == 2, "{list}");
    // What was refused is shown with the list as it is, too.
    let page = site.send(post("/people/invite", &[("role", "king")]).cookie(&cookie)).await;
    assert_eq!(section(&page.body, "invitations").matches("/revoke\"").count(), 2);
}

#[tokio::test]
async fn a_new_key_stands_above_a_list_that_has_it() {
    let (site, cookie) = Site::claimed().await;
    let fields = [("title", "backup"), ("scopes", "read"), ("days", "30")];
    let page = site.send(post(TOKENS, &fields).cookie(&cookie)).await;
    let list = section(&page.body, "tokens");
    assert!(list.contains("<h3>backup</h3>") && list.contains("/revoke\""), "{list}");
}

#[tokio::test]
async fn whoever_was_signed_out_is_gone_from_the_list() {
    let (site, cookie) = Site::claimed().await;
    let sessions = async |cookie: &str| {
        let page = site.send(ask("GET", "/account").cookie(cookie)).await.body;
        let ids = page.split("/account/sessions/").skip(1).map(|rest| rest.split('/').next().unwrap());
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    site.sign_in("Ana").await;
    site.sign_in("Ana").await;
    let others = sessions(&cookie).await;
    assert_eq!(others.len(), 2);
    let answer = site.send(post(&format!("/account/sessions/{}/end", others[0]), &[]).cookie(&cookie)).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"));
    assert_eq!(sessions(&cookie).await, others[1..]);
    let changed = site.send(post("/account/password", &good("/account/password")).cookie(&cookie)).await;
    assert_eq!(changed.header("location"), "/account?changed=password", "{}", changed.body);
    assert_eq!(sessions(&cookie).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_link_is_for_the_address_that_has_just_worked() {
    let (site, cookie) = Site::claimed().await;
    for (host, expected) in [
        ("127.0.0.1:34567", "https://127.0.0.1:34567/"),
        ("[::1]:8443", "https://[::1]:8443/"),
        ("localhost:443", "https://localhost/"),
        ("NUVOL.local", "https://nuvol.local/"),
    ] {
        let invite = post("/people/invite", &[("role", "guest")]).cookie(&cookie).header("host", host);
        let page = site.send(invite).await.body;
        assert!(page.contains(&format!("<code>{expected}join/")), "{host}: {page}");
        let page = site.send(ask("GET", "/network").cookie(&cookie).header("host", host)).await.body;
        assert!(page.contains(&format!("<a href=\"{expected}\">")), "{host}: {page}");
    }
}
