//! The real program with a home of its own, and a client that trusts its certificate.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

pub const PASSWORD: &str = "correct horse";

/// An agent that ends with the test.
pub struct Agent {
    process: Child,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub home: PathBuf,
    journal: Arc<Mutex<String>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The first cookie that it sets, without its attributes.
    pub fn cookie(&self) -> String {
        let line = self.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        line.split(';').next().unwrap().to_owned()
    }
}

/// Makes the folders that an agent expects.
pub fn furnish(home: &Path) {
    for folder in ["services", "state", "run"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    std::fs::write(home.join("image.yaml"), "profile: home\nversion: 0.1.0\n").unwrap();
}

/// The agent's command line for this home: free ports of this machine, and no D-Bus.
pub fn command(program: Command, home: &Path) -> Command {
    let mut command = program;
    for (option, folder) in [("--services", "services"), ("--state", "state"), ("--runtime", "run")] {
        command.arg(option).arg(home.join(folder));
    }
    command.args(["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]);
    command.args(["--bus", "unix:path=/nowhere/bus", "--helper", "/nowhere/helper"]);
    command.arg("--claim-code-hash").arg(home.join("claim-code-hash"));
    command.env_remove("JOURNAL_STREAM").stderr(Stdio::piped());
    command
}

impl Agent {
    pub fn start(home: &Path) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_nuvol-agent")), home)
    }

    /// Starts it by another program, which ends its arguments with the agent.
    pub fn start_by(program: Command, home: &Path) -> Self {
        furnish(home);
        let mut process = command(program, home).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let journal = Arc::new(Mutex::new(String::new()));
        let mut serving = || loop {
            let Some(Ok(line)) = lines.next() else { panic!("the agent ended: {}", journal.lock().unwrap()) };
            if let Some(address) = line.strip_prefix("nuvol-agent: serving ") {
                return address.parse().unwrap();
            }
            *journal.lock().unwrap() += &format!("{line}\n");
        };
        let (plain, tls) = (serving(), serving());
        let rest = Arc::clone(&journal);
        // Read on, else the agent would be cut off at its next line.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| *rest.lock().unwrap() += &format!("{line}\n"));
        });
        Self { process, plain, tls, home: home.to_owned(), journal }
    }

    /// What it has written to the journal so far.
    pub fn journal(&self) -> String {
        self.journal.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.plain).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// The whole answer to one request without encryption.
    pub fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A way to ask it by HTTPS.
    pub fn client(&self) -> Client {
        let pem = std::fs::read(self.home.join("state/tls.pem")).unwrap();
        Client::new(self.tls, &pem)
    }

    /// The code on its screen.
    pub fn code(&self) -> String {
        std::fs::read_to_string(self.home.join("run/claim-code")).unwrap().trim().to_owned()
    }

    /// Makes Ana the owner; what comes back is a token that may do everything.
    pub fn claim(&self) -> String {
        let client = self.client();
        let claim = serde_json::json!({"code": self.code(), "name": "Ana", "password": PASSWORD});
        assert_eq!(client.send("POST", "/api/v1/claim", "", Some(&claim)).unwrap().status, 204);
        let sign_in = serde_json::json!({"name": "Ana", "password": PASSWORD});
        let answer = client.send("POST", "/api/v1/session", "", Some(&sign_in)).unwrap();
        assert_eq!(answer.status, 204, "{answer:?}");
        let cookie = format!("Cookie: {}", answer.cookie());
        let scopes = serde_json::json!({"title": "test", "scopes": ["read", "services", "people", "node"]});
        let answer = client.send("POST", "/api/v1/account/tokens", &cookie, Some(&scopes)).unwrap();
        format!("Authorization: Bearer {}", answer.json()["token"].as_str().unwrap())
    }

    /// Asks it to stop, as systemd does.
    pub fn stop(mut self) -> i32 {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        self.process.wait().unwrap().code().expect("ended by itself")
    }

    /// The power fails.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Asks one agent by HTTPS, with a connection for each question.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    config: Arc<rustls::ClientConfig>,
}

impl Client {
    pub fn new(address: SocketAddr, pem: &[u8]) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, config: Arc::new(config) }
    }

    /// Asks, with one more line in the head; an error where the agent ends meanwhile.
    pub fn send(&self, method: &str, path: &str, head: &str, body: Option<&Value>) -> io::Result<Answer> {
        let name = "localhost".try_into().unwrap();
        let client = rustls::ClientConnection::new(self.config.clone(), name).map_err(io::Error::other)?;
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut stream = rustls::StreamOwned::new(client, socket);
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = if head.is_empty() { String::new() } else { format!("{head}\r\n") };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        // The agent closes the connection without a TLS farewell, as most servers do.
        stream.read_to_end(&mut answer).ok();
        let answer = String::from_utf8(answer).map_err(io::Error::other)?;
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|it| it.parse().unwrap());
        if length.is_some_and(|length: usize| length != body.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }
}
