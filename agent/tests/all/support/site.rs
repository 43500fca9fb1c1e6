//! A node's pages and API without a socket, in virtual time: requests go straight into the router.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use nuvol_agent::guests::Guests;
use nuvol_agent::http::ask::{Asker, Question};
use nuvol_agent::http::password::Hasher;
use nuvol_agent::http::peer::Peer;
use nuvol_agent::http::{Handle, router};
use nuvol_agent::node::claim::Code;
use nuvol_agent::node::command::{Asked, Line, Refusal, Reply};
use nuvol_agent::node::community::{Liveness, Member, Told, View};
use nuvol_agent::node::people::People;
use nuvol_agent::node::service::Text;
use nuvol_agent::node::{Action, Catalogue, Event, Job, Moment, News, Node, Restored, Ticket, Yield};
use nuvol_community::address::{CommunityId, HostId};
use nuvol_community::identity::NodeKey;
use nuvol_community::text::Name;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tower::ServiceExt;

thread_local! {
    static UPTIME_S: Cell<u64> = const { Cell::new(1000) };
}

pub const PASSWORD: &str = "correct horse";

fn uptime() -> Duration {
    Duration::from_secs(UPTIME_S.get())
}

fn unix_s() -> u64 {
    1_800_000_000 + UPTIME_S.get()
}

/// So much time goes by.
pub fn wait(seconds: u64) {
    UPTIME_S.set(UPTIME_S.get() + seconds);
}

fn now() -> Moment {
    Moment { uptime: uptime(), unix_s: unix_s() }
}

/// The heart behind the router: it answers, and has a helper that does everything at once.
struct Heart {
    node: Node,
    snapshot: watch::Sender<Arc<nuvol_agent::node::snapshot::Snapshot>>,
    waiting: BTreeMap<u64, oneshot::Sender<Result<Reply, Refusal>>>,
    tickets: u64,
    drawn: u32,
    code: Arc<Mutex<String>>,
    jobs: Arc<Mutex<Vec<Job>>>,
}

impl Heart {
    fn tell(&mut self, event: Event) {
        for action in self.node.handle(now(), event) {
            match action {
                Action::Publish(snapshot) => drop(self.snapshot.send_replace(Arc::new(*snapshot))),
                Action::Answer(ticket, answer) => {
                    if let Some(waiting) = self.waiting.remove(&ticket) {
                        waiting.send(answer).ok();
                    }
                }
                Action::DrawClaimCode => {
                    self.drawn += 1;
                    let code = format!("K7QF-93M{}", ["X", "Y", "W", "V"][self.drawn as usize % 4]);
                    self.code.lock().unwrap().clone_from(&code);
                    self.tell(Event::ClaimCode(Code::Shown(code)));
                }
                Action::Help(ticket, job) => {
                    self.jobs.lock().unwrap().push(job.clone());
                    if !matches!(ticket, Ticket::Own) {
                        self.tell(Event::Helper(ticket, News::Done(done(&job))));
                    }
                }
                _ => {}
            }
        }
    }

    fn ask(&mut self, question: Question) {
        let Question { actor, from, command, answer } = question;
        self.tickets += 1;
        self.waiting.insert(self.tickets, answer);
        self.tell(Event::Asked(Asked { ticket: self.tickets, actor, from, command }));
    }
}

fn done(job: &Job) -> Yield {
    let text = Text::from("<b>hello</b>".to_owned());
    match job {
        Job::Logs { .. } => {
            Yield::Lines(vec![Line { time_s: 1, unit: "a.service".to_owned(), level: 6, text }])
        }
        _ => Yield::Nothing,
    }
}

/// A node that can be asked.
pub struct Site {
    app: Router,
    /// The code on its screen.
    pub code: Arc<Mutex<String>>,
    /// What the helper was asked for.
    pub jobs: Arc<Mutex<Vec<Job>>>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The word that programs know a failure by.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.body);
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

/// A request on its way.
pub struct Ask {
    method: String,
    path: String,
    from: String,
    at: String,
    secure: bool,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// From a browser at home, encrypted, by the node's own name.
pub fn ask(method: &str, path: &str) -> Ask {
    Ask {
        method: method.to_owned(),
        path: path.to_owned(),
        from: "192.168.1.20:50000".to_owned(),
        at: "192.168.1.2:443".to_owned(),
        secure: true,
        headers: vec![("host".to_owned(), "nuvol.local".to_owned())],
        body: Vec::new(),
    }
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn from(mut self, address: &str) -> Self {
        self.from = address.to_owned();
        self
    }

    pub fn plain(mut self) -> Self {
        self.secure = false;
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string().as_bytes())
    }

    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }
}

impl Site {
    /// A node that nobody has claimed, with three services.
    pub fn new() -> Self {
        Self::told(None)
    }

    /// The same, and what else it was told.
    fn told(news: Option<Event>) -> Self {
        let service = |name: &str| {
            let service = serde_json::json!({
                "name": name, "title": name, "summary": "", "role": "storage", "start": "always",
                "units": [format!("{name}.service")],
            });
            (name.to_owned(), serde_json::from_value(service).unwrap())
        };
        let node = Node::new("nuvol");
        let snapshot = watch::Sender::new(Arc::new(node.snapshot()));
        let watched = snapshot.subscribe();
        let (code, jobs) = (Arc::default(), Arc::default());
        let mut heart = Heart {
            node,
            snapshot,
            waiting: BTreeMap::new(),
            tickets: 0,
            drawn: 0,
            code: Arc::clone(&code),
            jobs: Arc::clone(&jobs),
        };
        let radio = serde_json::json!({
            "name": "radio", "title": "radio", "summary": "", "role": "streaming", "start": "on-demand",
            "units": ["radio.service"], "settings": [
                {"name": "listeners", "title": "L", "kind": "number", "default": 10, "min": 1, "max": 100},
                {"name": "place", "title": "P", "kind": "text", "default": "attic", "max-length": 8},
                {"name": "open", "title": "O", "kind": "switch", "default": true},
                {"name": "format", "title": "F", "kind": "choice", "default": "ogg", "choices": [
                    {"name": "ogg", "title": "Ogg"}, {"name": "mp3", "title": "MP3"}]}],
        });
        let mut services = ["syncthing", "tinc"].map(service).to_vec();
        services.push(("radio".to_owned(), serde_json::from_value(radio).unwrap()));
        let services = services.into_iter().collect();
        heart.tell(Event::Catalogue(Catalogue { services, ..Catalogue::default() }));
        let restored = Restored { people: Some(People::default()), ..Restored::default() };
        heart.tell(Event::Restored(Box::new(restored)));
        news.into_iter().for_each(|it| heart.tell(it));
        let (asker, mut questions) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Some(question) = questions.recv().await {
                heart.ask(question);
            }
        });
        let app = router(Handle {
            snapshot: watched,
            asker: Asker(asker),
            hasher: Hasher::default(),
            uptime,
            unix_s,
            run: "run1".into(),
            fingerprint: "AB:CD".into(),
            key: "00ff".into(),
        });
        Self { app, code, jobs }
    }

    /// A node of Ana's, and a cookie by which she is signed in.
    pub async fn claimed() -> (Self, String) {
        Self::new().claim().await
    }

    /// The same, the only member of its community.
    pub async fn in_community() -> (Self, String) {
        let me = NodeKey::from_bytes(&[1; 32]).id();
        let (id, host) = (CommunityId([7; 16]), HostId::from(&me));
        let member = Member {
            id: me,
            host,
            address: id.address(host),
            name: Name::nearest("nuvol").unwrap(),
            role: nuvol_community::object::Role::Steward,
            inviter: None,
            since_s: 0,
            liveness: Liveness::Me,
            endpoints: Vec::new(),
            mesh_key: Vec::new(),
            may_expel: false,
        };
        let (name, role) = (Name::nearest("Valley").unwrap(), Some(member.role));
        let view = View { id, name, me, role, members: vec![member], records: Vec::new() };
        Self::told(Some(Event::Gossip(Told::View(Some(Arc::new(view)))))).claim().await
    }

    async fn claim(self) -> (Self, String) {
        let site = self;
        let code = site.code.lock().unwrap().clone();
        let claim = serde_json::json!({"code": code, "name": "Ana", "password": PASSWORD});
        let answer = site.send(ask("POST", "/api/v1/claim").json(&claim)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        let cookie = site.sign_in("Ana").await;
        (site, cookie)
    }

    /// Signs in; what comes back is the cookie.
    pub async fn sign_in(&self, name: &str) -> String {
        let body = serde_json::json!({"name": name, "password": PASSWORD});
        let answer = self.send(ask("POST", "/api/v1/session").json(&body)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Somebody new with this role, by an invitation; what comes back is their cookie.
    pub async fn admit(&self, owner: &str, name: &str, role: &str) -> String {
        let invite =
            ask("POST", "/api/v1/invitations").cookie(owner).json(&serde_json::json!({"role": role}));
        let answer = self.send(invite).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let path = format!("/api/v1{}", answer.json()["path"].as_str().unwrap());
        let join = serde_json::json!({"name": name, "password": PASSWORD});
        let answer = self.send(ask("POST", &path).json(&join)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        self.sign_in(name).await
    }

    /// A token with these scopes of whoever has the cookie.
    pub async fn token(&self, cookie: &str, scopes: &[&str]) -> String {
        let body = serde_json::json!({"title": "t", "scopes": scopes});
        let answer = self.send(ask("POST", "/api/v1/account/tokens").cookie(cookie).json(&body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub async fn send(&self, ask: Ask) -> Answer {
        let response = self.open(ask).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The answer before its end, which may be far.
    pub async fn open(&self, ask: Ask) -> Response {
        let mut request = Request::builder().method(ask.method.as_str()).uri(ask.path);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(ask.body)).unwrap();
        let (from, at): (SocketAddr, SocketAddr) = (ask.from.parse().unwrap(), ask.at.parse().unwrap());
        request.extensions_mut().insert(Peer::new(from, at, ask.secure, &Guests::new(1, 1)));
        self.app.clone().oneshot(request).await.unwrap()
    }
}
