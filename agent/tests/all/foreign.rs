//! Services of machines that are no nodes: on their page and in the API.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::support::site::{Answer, Ask, Site, ask};

const PAGE: &str = "/community/machines";
const API: &str = "/api/v1/community/foreign";
const BOUNDARY: &str = "----nuvol";

fn post(path: &str, fields: &[(&str, &str)]) -> Ask {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    ask("POST", path).header("content-type", "application/x-www-form-urlencoded").body(body.as_bytes())
}

/// As browsers send a file and a field beside it; one that was not chosen has no name and nothing in it.
fn upload(file: &[u8], text: &str) -> Ask {
    let name = if file.is_empty() { "" } else { "records.json" };
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend(file);
    let rest = format!(
        "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"records\"\r\n\r\n{text}\r\n--{BOUNDARY}--\r\n"
    );
    body.extend(rest.as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    ask("POST", "/community/machines/import").header("content-type", &kind).body(&body)
}

async fn offered(site: &Site, cookie: &str) -> Vec<Value> {
    let answer = site.send(ask("GET", API).cookie(cookie)).await;
    answer.json()["services"].as_array().unwrap().clone()
}

fn error_at(answer: &Answer, field: &str) -> String {
    assert_eq!(answer.status, 422, "{field}: {}", answer.body);
    let Some((_, rest)) = answer.body.split_once(&format!("id=\"{field}-error\"")) else {
        panic!("nothing stands next to `{field}` in {}", answer.body)
    };
    rest.split("</p>").next().unwrap().rsplit('>').next().unwrap().to_owned()
}

const PRINTER: [(&str, &str); 4] = [
    ("title", " Printer of the hall "),
    ("type", "_IPP._tcp"),
    ("host", "Printer.example.org"),
    ("port", "631"),
];

#[tokio::test]
async fn a_service_of_another_machine_is_offered_and_no_longer() {
    let (site, cookie) = Site::in_community().await;
    let page = site.send(ask("GET", PAGE).cookie(&cookie)).await;
    assert!(page.status == 200 && page.body.contains("Nothing of another machine"), "{}", page.body);
    let done = site.send(post(PAGE, &PRINTER).cookie(&cookie)).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, PAGE), "{}", done.body);
    let printer = json!({"title": "Printer of the hall", "type": "_ipp._tcp", "host": "printer.example.org",
        "port": 631, "txt": {}, "zone": null});
    assert_eq!(offered(&site, &cookie).await, [printer]);
    let page = site.send(ask("GET", PAGE).cookie(&cookie)).await.body;
    for expected in [
        "<code>printer.example.org:631</code>",
        "aria-label=\"No longer offer: Printer of the hall, printer.example.org:631\"",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    // In brackets, as an address of a page has it.
    let camera = [("title", "Camera"), ("type", "_rtsp._tcp"), ("host", "[FD00::1]"), ("port", "554")];
    assert_eq!(site.send(post(PAGE, &camera).cookie(&cookie)).await.status, 303);
    assert_eq!(offered(&site, &cookie).await[1]["host"], "fd00::1");
    let withdraw = [("type", "_ipp._tcp"), ("host", "printer.example.org"), ("port", "631")];
    let path = "/community/machines/withdraw";
    assert_eq!(site.send(post(path, &withdraw).cookie(&cookie)).await.header("location"), PAGE);
    assert_eq!(offered(&site, &cookie).await.len(), 1);
    assert_eq!(site.send(post(path, &withdraw).cookie(&cookie)).await.status, 404);
}

#[tokio::test]
async fn what_does_not_fit_is_said_beside_its_field_and_nothing_is_typed_twice() {
    let (site, cookie) = Site::in_community().await;
    let wrong = [("title", "a\u{202e}b"), ("type", "http"), ("host", "http://nas/"), ("port", "many")];
    let answer = site.send(post(PAGE, &wrong).cookie(&cookie)).await;
    for (field, words) in [
        ("title", "It has characters that cannot be seen."),
        ("type", "A type begins with _ and ends in ._tcp or ._udp"),
        ("host", "Write it without http:// and without the port"),
        ("port", "A port is a number from 1 to 65535."),
    ] {
        let told = error_at(&answer, field);
        assert!(told.contains(words), "{field}: {told}");
        let described = answer.body.contains(&format!("aria-describedby=\"{field}-hint {field}-error\""))
            || answer.body.contains(&format!("aria-describedby=\"{field}-error\""));
        assert!(described, "{field} does not point at what is wrong with it");
    }
    for typed in ["value=\"http\"", "value=\"http://nas/\"", "value=\"many\""] {
        assert!(answer.body.contains(typed), "{typed} has to be typed again");
    }
    assert_eq!(site.send(post(PAGE, &PRINTER).cookie(&cookie)).await.status, 303);
    let twice = site.send(post(PAGE, &PRINTER).cookie(&cookie)).await;
    assert!(error_at(&twice, "port").starts_with("The same type is offered"), "{}", twice.body);
    assert_eq!(offered(&site, &cookie).await.len(), 1);
}

#[tokio::test]
async fn records_of_cloudy_come_as_a_file_or_as_text() {
    let (site, cookie) = Site::in_community().await;
    assert_eq!(site.send(post(PAGE, &PRINTER).cookie(&cookie)).await.status, 303);
    // As two of its programs have heard of it.
    let records = r#"[{"s": "http", "d": "Old_pages", "i": "10.1.2.3", "p": "80", "t": "path=/a"},
        {"s": "HTTP", "d": "Pages", "i": "10.1.2.3", "p": 80}]"#;
    for asked in [upload(records.as_bytes(), " \r\n"), upload(b"", records)] {
        let done = site.send(asked.cookie(&cookie)).await;
        assert_eq!((done.status.as_u16(), done.header("location")), (303, PAGE), "{}", done.body);
        let page = json!({"title": "Old pages", "type": "_http._tcp", "host": "10.1.2.3", "port": 80,
            "txt": {"path": "/a"}, "zone": null});
        // In place of what was there.
        assert_eq!(offered(&site, &cookie).await, [page]);
    }
    for (asked, words, kept) in [
        (upload(b"", ""), "Choose a file, or paste the records.", ""),
        (upload(b"[]", "[ ]"), "There are both a file and pasted records.", "[ ]"),
        (upload(b"\xff\xfe", ""), "This file is no text.", ""),
        (upload(&[b' '; 70_000], "[1]"), "This is too large: at most 64 kB.", "[1]"),
        (upload(b"", &"1".repeat(70_000)), "This is too large: at most 64 kB.", &"1".repeat(70_000)),
        (upload(&[b' '; 5_000_000], ""), "This is too large: at most 64 kB.", ""),
        (upload(b"[\n{]", ""), "it cannot be read from line 2, column 2 on", "[\n{]"),
        (upload(b"", r#"[{"s": "x"}]"#), "Record 1, field “i”: This must not be empty.", "[{"),
        (
            upload(br#"[{"s": "http", "i": "no name", "p": 70000, "e": "<b>"}]"#, ""),
            "Record 1, field “p”: A port is a number from 1 to 65535.",
            "no name",
        ),
        (
            upload(br#"[{"s": "http", "i": "h", "p": 1}, {"s": "x_y", "i": "no name", "p": 0}]"#, ""),
            "Record 2, field “i”: This is neither an address nor a name.",
            "x_y",
        ),
    ] {
        let answer = site.send(asked.cookie(&cookie)).await;
        assert!(error_at(&answer, "records").contains(words), "{words}: {}", answer.body);
        let area = answer.body.split("<textarea").nth(1).unwrap().split("</textarea>").next().unwrap();
        assert!(area.contains(kept) && area.contains("aria-describedby=\"records-error\""), "{kept}: {area}");
        assert!(!area.contains("<b>"), "{area}");
    }
    // All of it at once, as far as anybody reads on.
    let many = format!("[{}]", [r#"{"s": "x_y", "i": "no name", "p": 0}"#; 8].join(","));
    let answer = site.send(upload(many.as_bytes(), "").cookie(&cookie)).await.body;
    assert_eq!(answer.matches("class=\"error\"").count(), 21, "{answer}");
    assert!(answer.contains("4 more do not fit."), "{answer}");
    let many: Vec<_> = (1..=201).map(|port| json!({"s": "http", "i": "h", "p": port})).collect();
    let answer = site.send(upload(json!(many).to_string().as_bytes(), "").cookie(&cookie)).await;
    assert_eq!(error_at(&answer, "records"), "There may be 200 at most.");
    assert_eq!(offered(&site, &cookie).await.len(), 1);
    assert_eq!(site.send(upload(b"", "[]").cookie(&cookie)).await.status, 303);
    assert!(offered(&site, &cookie).await.is_empty());
}

#[tokio::test]
async fn whoever_may_not_run_the_node_gets_no_form() {
    let (site, cookie) = Site::in_community().await;
    let own = site.send(ask("GET", "/community").cookie(&cookie)).await.body;
    assert!(own.contains("href=\"/community/machines\""), "{own}");
    for role in ["guest", "member"] {
        let other = site.admit(&cookie, role, role).await;
        let page = site.send(ask("GET", "/community").cookie(&other)).await.body;
        assert!(!page.contains("/community/machines"), "{role}: {page}");
        for asked in [
            ask("GET", PAGE),
            post(PAGE, &PRINTER),
            post(PAGE, &[]),
            post("/community/machines/withdraw", &[]),
            upload(b"", "[]"),
            upload(b"", "nonsense"),
        ] {
            let answer = site.send(asked.cookie(&other)).await;
            assert_eq!(answer.status, 403, "{role}: {}", answer.body);
            assert!(!answer.body.contains("name=\"records\""), "{role}: {}", answer.body);
        }
    }
    for asked in [ask("GET", PAGE), post(PAGE, &PRINTER), upload(b"", "[]"), ask("GET", "/community/export")]
    {
        assert_eq!(site.send(asked).await.header("location"), "/sign-in");
    }
    // Not from another site's page.
    let foreign = upload(b"", "[]").cookie(&cookie).header("origin", "https://evil.example");
    assert_eq!(site.send(foreign.header("sec-fetch-site", "cross-site")).await.status, 403);
    assert!(offered(&site, &cookie).await.is_empty());
}

#[tokio::test]
async fn a_node_without_a_community_offers_nothing() {
    let (site, cookie) = Site::claimed().await;
    let page = site.send(ask("GET", PAGE).cookie(&cookie)).await;
    assert!(page.status == 200 && !page.body.contains("name=\"host\""), "{}", page.body);
    for asked in [post(PAGE, &PRINTER), upload(b"", "[]")] {
        let answer = site.send(asked.cookie(&cookie)).await;
        assert!(
            answer.status == 409 && answer.body.contains("This node is in no community."),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn the_api_says_all_that_is_wrong_at_once() {
    let (site, cookie) = Site::in_community().await;
    let good = json!({"title": "P", "type": "_ipp._tcp", "host": "h", "port": 1});
    let wrong =
        json!({"title": "", "type": "ipp", "host": "no name", "port": 0, "zone": "", "txt": {"a=b": ""}});
    let put = ask("PUT", API).cookie(&cookie).json(&json!({"services": [good, wrong]}));
    let answer = site.send(put).await;
    assert_eq!(answer.code(), "fields");
    let fields = answer.json()["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = ["host", "port", "title", "txt", "type", "zone"].map(|part| format!("services[1].{part}"));
    assert_eq!(fields, expected);
    let put = ask("PUT", API).cookie(&cookie).json(&json!({"services": [good, wrong, good, wrong]}));
    let fields = site.send(put).await.json()["fields"].clone();
    assert_eq!(fields.as_object().unwrap().len(), 2 * expected.len() + 1, "{fields}");
    assert!(fields["services[2].port"].as_str().unwrap().starts_with("The same type is offered"), "{fields}");
    assert_eq!(fields["services[3].port"], fields["services[1].port"]);
    assert!(offered(&site, &cookie).await.is_empty());
}

#[tokio::test]
async fn offers_are_exported_as_a_file() {
    let (site, cookie) = Site::in_community().await;
    let guest = site.admit(&cookie, "Guest", "guest").await;
    let file = site.send(ask("GET", "/community/export").cookie(&guest)).await;
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "application/json"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"cloudy.json\"");
    assert_eq!(file.json(), json!([]));
}
