//! One short text by HTTPS with axum and nothing else: what ci/bench-agent holds the agent against.
#![allow(clippy::print_stdout)]

use axum::Router;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).ok_or_else(|| anyhow::anyhow!("usage: bare TLS.PEM"))?;
    let pem = String::from_utf8(std::fs::read(path)?)?;
    let acceptor = nuvol_agent::http::tls::acceptor(&pem)?;
    let app = Router::new().route("/", get(|| async { "One short text.\n" }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("https://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, app) = (acceptor.clone(), app.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
                .await
                .ok();
        });
    }
}
