//! Talking to the agent of a running guest through a forwarded port.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// QEMU takes a connection before the guest can answer it, so a dead one must be given up soon.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What the agent says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok` if it is well.
    pub status: String,
    /// The node's host name.
    pub name: String,
    /// Version of the image.
    pub version: String,
    /// Whether the node has an owner.
    #[serde(default)]
    pub claimed: bool,
}

/// Asks the agent at `port` of this machine how it is, and for the page on which it is claimed.
pub fn health(port: u16) -> anyhow::Result<Health> {
    let body = get(port, "/api/v1/health")?;
    let health: Health = serde_json::from_str(&body)
        .with_context(|| format!("the agent's health is not understood: `{body}`"))?;
    if health.status != "ok" {
        anyhow::bail!("the agent says that it is `{}`", health.status);
    }
    // Without encryption there is one page, and that only until the node has an owner.
    if !health.claimed && !get(port, "/claim")?.contains('<') {
        anyhow::bail!("the agent's page `/claim` is empty");
    }
    Ok(health)
}

/// A port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}

fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let what = || format!("asking the agent for `{path}`");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(what)?;
    stream.set_read_timeout(Some(PATIENCE)).with_context(what)?;
    // HTTP/1.0 so that the answer comes in one piece and ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes()).with_context(what)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(what)?;
    body(&String::from_utf8_lossy(&answer)).with_context(what)
}

/// The body of an HTTP answer whose status is 200.
fn body(answer: &str) -> anyhow::Result<String> {
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer yet")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        anyhow::bail!("the answer is `{status}`");
    }
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::{body, health};

    /// A pretend agent that answers `answers` in turn.
    fn serve(answers: Vec<String>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let count = stream.read(&mut request).unwrap();
                assert!(count > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        port
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn a_healthy_agent_serves_its_page_until_it_is_claimed() {
        let json =
            r#"{"status":"ok","name":"nuvol-1a2b3c4d","version":"0.1.0","profile":"home","uptime_s":12}"#;
        let port = serve(vec![ok(json), ok("<html>")]);
        assert_eq!(health(port).unwrap().name, "nuvol-1a2b3c4d");
        let claimed = json.replace("\"uptime_s\"", "\"claimed\":true,\"uptime_s\"");
        assert!(health(serve(vec![ok(&claimed)])).unwrap().claimed);
    }

    #[test]
    fn an_agent_that_is_not_well_is_not_healthy() {
        let port = serve(vec![ok(r#"{"status":"failing","name":"n","version":"1"}"#)]);
        assert!(health(port).unwrap_err().to_string().contains("`failing`"));
        let port = serve(vec!["HTTP/1.1 503 Service Unavailable\r\n\r\n".into()]);
        assert!(format!("{:#}", health(port).unwrap_err()).contains("503"));
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(body("HTTP/1.1 200 OK\r\n").is_err());
    }
}
