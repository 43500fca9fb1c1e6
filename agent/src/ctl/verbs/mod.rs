//! What the verbs do.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::address::Address;
use super::args::{Cli, Common, Verb};
use super::client::{Auth, Client};
use super::store::Store;
use super::trust::Pin;
use super::{Outcome, Trouble, prompt};

mod account;
mod community;
mod look;
mod people;
mod work;

/// A node that we can ask, and how to answer.
struct Desk<'a> {
    common: &'a Common,
    client: Client,
    store: Store,
}

/// Does what was typed.
pub async fn run(cli: &Cli) -> Outcome {
    if let Verb::Join(join) = &cli.verb {
        return account::join(&cli.common, join).await;
    }
    let mut desk = Desk::open(&cli.common, None).await?;
    match &cli.verb {
        Verb::Claim(claim) => desk.claim(claim).await,
        Verb::Password(password) => desk.password(password).await,
        Verb::Health => desk.health().await,
        Verb::Account => desk.known()?.account().await,
        Verb::Report => desk.known()?.report().await,
        Verb::Login(login) => desk.login(login).await,
        Verb::Tokens { who, act } => desk.tokens(who, act.as_ref()).await,
        Verb::Sessions { who, act } => desk.sessions(who, act.as_ref()).await,
        Verb::Status => desk.known()?.status().await,
        Verb::Services => desk.known()?.services().await,
        Verb::Service { name, act: None } => desk.known()?.service(name).await,
        Verb::Service { name, act: Some(act) } => desk.known()?.work_on(name, act).await,
        Verb::People { act: None } => desk.known()?.people().await,
        Verb::People { act: Some(act) } => desk.known()?.change_people(act).await,
        Verb::Community { act: None } => desk.known()?.community().await,
        Verb::Community { act: Some(act) } => desk.known()?.change_community(act).await,
        Verb::Operations { id: None } => desk.known()?.operations().await,
        Verb::Operations { id: Some(id) } => desk.known()?.operation(*id).await,
        Verb::Node { act: None } => desk.known()?.node().await,
        Verb::Node { act: Some(act) } => desk.known()?.change_node(act).await,
        Verb::Join(_) | Verb::Completions { .. } => Ok(()),
    }
}

impl<'a> Desk<'a> {
    /// Finds the node, which is the one at `linked` where none is named, and makes sure that it is the one.
    async fn open(common: &'a Common, linked: Option<Address>) -> Outcome<Self> {
        let mut store = Store::open(common.config.as_ref())?;
        let address = match common.node.clone().or(linked) {
            Some(address) => address,
            None => only(&store)?,
        };
        let known = store.find(&address).map(super::store::Known::pin).unwrap_or_default();
        let pin = match common.fingerprint {
            Some(certificate) => Pin { certificate: Some(certificate), key: None },
            None => known,
        };
        let patience = Duration::from_secs(common.timeout);
        let mut client = Client { address, pin, auth: Auth::Nobody, patience };
        let seen = client.look().await?;
        if client.pin == Pin::default() {
            let address = &client.address;
            eprintln!("{address} is not known yet. It shows the fingerprint\n  {}", seen.certificate);
            if !prompt::agrees("Does the node's own screen show the same?")? {
                return Err(Trouble::Stranger("not the same node: nothing was sent to it".to_owned()));
            }
            store.remember(address, seen, None)?;
            client.pin = Pin { certificate: Some(seen.certificate), key: None };
        } else if known != Pin::default() && common.fingerprint.is_none() && client.is_pinned(seen) {
            // Another name made another certificate of the same key.
            store.remember(&client.address, seen, None)?;
        }
        Ok(Self { common, client, store })
    }

    /// With the token that was given or kept.
    fn known(mut self) -> Outcome<Self> {
        let kept = self.store.find(&self.client.address).and_then(|it| it.token.clone());
        let token = match &self.common.token_file {
            Some(path) => prompt::first_line(path)?,
            None => kept.ok_or_else(|| {
                let node = &self.client.address;
                Trouble::Input(format!("there is no token for {node}; run `nuvolctl login --node {node}`"))
            })?,
        };
        self.client.auth = Auth::Token(token);
        Ok(self)
    }

    /// Remembers the node by what it shows now.
    async fn remember(&mut self, token: Option<String>) -> Outcome {
        let seen = self.client.look().await?;
        self.store.remember(&self.client.address, seen, token)
    }

    async fn tell(&self, method: Method, path: &str, body: &Value) -> Outcome<Value> {
        let body = Some(body).filter(|body| !body.is_null());
        Ok(self.client.ask(method, path, body).await?.body)
    }

    /// Does something that is done at once.
    async fn done(&self, method: Method, path: &str, body: &Value, said: &str) -> Outcome {
        self.tell(method, path, body).await?;
        self.say(&json!({"done": true}), said);
        Ok(())
    }

    /// The JSON, or the words for people.
    fn say(&self, json: &Value, words: &str) {
        if self.common.json {
            println!("{json:#}");
        } else {
            println!("{}", super::table::harmless(words, true));
        }
    }
}

fn only(store: &Store) -> Outcome<Address> {
    let missing = if store.is_empty() { "no node is known yet" } else { "several nodes are known" };
    let none = || Trouble::Input(format!("{missing}; name one with --node"));
    store.only().ok_or_else(none)?.node.parse().map_err(Trouble::Input)
}

/// A text of the node's JSON; nothing where there is none.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A list of the node's JSON.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}
