//! The line by which an open page hears of changes: none is missed, whenever it happens.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::support::site::{Ask, Site, ask};

/// Longer than changes that come together are gathered.
const A_MOMENT: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_secs(5);

/// Where the page wants to listen.
async fn line_of(site: &Site, cookie: &str) -> String {
    let page = site.send(ask("GET", "/services").cookie(cookie)).await.body;
    let rest = page.split("sse-connect=\"").nth(1).unwrap_or_else(|| panic!("no line in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn change(site: &Site, cookie: &str) {
    let answer = site.send(ask("POST", "/api/v1/services/tinc/restart").cookie(cookie)).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

async fn listen(site: &Site, ask: Ask) -> Body {
    let response = site.open(ask).await;
    assert_eq!(response.status(), 200);
    response.into_body()
}

/// What comes within this time.
async fn within(body: &mut Body, time: Duration) -> Option<String> {
    let frame = timeout(time, body.frame()).await.ok()??.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}

/// The next change; its number.
async fn next_change(body: &mut Body) -> String {
    let text = within(body, LONG).await.expect("a change was missed");
    assert!(text.contains("event: changed\n") && text.contains("data: "), "{text}");
    text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned()
}

async fn opening(body: &mut Body) {
    let text = within(body, LONG).await.unwrap();
    assert_eq!(text.trim(), "retry: 1000", "how to come back, and no event");
}

#[tokio::test]
async fn a_change_between_a_page_and_its_line_is_told_at_once() {
    let (site, cookie) = Site::claimed().await;
    let path = line_of(&site, &cookie).await;
    change(&site, &cookie).await;
    let mut line = listen(&site, ask("GET", &path).cookie(&cookie)).await;
    opening(&mut line).await;
    next_change(&mut line).await;
    // Once: the page has asked for itself again.
    assert_eq!(within(&mut line, A_MOMENT).await, None);
    change(&site, &cookie).await;
    next_change(&mut line).await;
}

#[tokio::test]
async fn a_page_that_is_up_to_date_is_left_alone() {
    let (site, cookie) = Site::claimed().await;
    let path = line_of(&site, &cookie).await;
    let mut line = listen(&site, ask("GET", &path).cookie(&cookie)).await;
    opening(&mut line).await;
    assert_eq!(within(&mut line, A_MOMENT).await, None);
}

#[tokio::test]
async fn a_change_between_two_lines_is_told_at_once() {
    let (site, cookie) = Site::claimed().await;
    let path = line_of(&site, &cookie).await;
    let mut first = listen(&site, ask("GET", &path).cookie(&cookie)).await;
    opening(&mut first).await;
    change(&site, &cookie).await;
    let told = next_change(&mut first).await;
    drop(first);
    // Nothing since: what the page was made from long ago does not count any more.
    let again = || ask("GET", &path).cookie(&cookie).header("last-event-id", &told);
    let mut second = listen(&site, again()).await;
    opening(&mut second).await;
    assert_eq!(within(&mut second, A_MOMENT).await, None);
    drop(second);
    change(&site, &cookie).await;
    let mut third = listen(&site, again()).await;
    opening(&mut third).await;
    assert_ne!(next_change(&mut third).await, told);
}

#[tokio::test]
async fn a_page_of_an_earlier_run_or_with_nonsense_is_out_of_date() {
    let (site, cookie) = Site::claimed().await;
    let path = line_of(&site, &cookie).await;
    let number = path.rsplit('-').next().unwrap();
    for path in [format!("/events?seen=earlier-{number}"), "/events?seen=%0A%00".into(), "/events".into()] {
        let mut line = listen(&site, ask("GET", &path).cookie(&cookie)).await;
        opening(&mut line).await;
        next_change(&mut line).await;
    }
}
