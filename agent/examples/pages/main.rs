//! Serves every page with sample data, to look at and to check: `cargo run --package nuvol-agent --example pages`.
//! `/samples` lists their addresses, one a line. Not for use: whoever reaches it sees everything.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nuvol_agent::http::assets;
use nuvol_agent::http::language::Language;
use samples::SAMPLES;

mod samples;

/// What the node's own guard says.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; object-src 'none'";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8088".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{}/samples", listener.local_addr()?);
    let app = Router::new()
        .route("/assets/{name}", get(assets::asset))
        .route("/events", get(events))
        .route("/samples", get(list))
        .fallback(page);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The address of each sample in each language.
async fn list() -> String {
    let lines = Language::all()
        .flat_map(|language| SAMPLES.iter().map(move |sample| format!("{}\n", sample.address(language))));
    lines.collect()
}

/// Says every second that something has changed.
async fn events() -> Response {
    let changes = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, Infallible>("event: changed\ndata: 1\n\n"), ()))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(changes)).into_response()
}

async fn page(request: Request) -> Response {
    if request.method() == Method::POST {
        return (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let language = value("language").and_then(Language::of).unwrap_or(Language::ENGLISH);
    let named = SAMPLES.iter().find(|sample| value("sample") == Some(sample.name));
    let sample = named.or_else(|| SAMPLES.iter().find(|sample| sample.path == request.uri().path()));
    let Some(sample) = sample else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = sample.page(language).into_response();
    if request.headers().contains_key("hx-request") {
        // A page with a mistake in its form is the answer to the form; asked for anew it is well.
        *response.status_mut() = StatusCode::OK;
    }
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
