//! Ways in: claiming a node, invitations, passwords, tokens, sessions. Tokens are made by people only, so these sign in
//! and out again.

use std::path::PathBuf;

use hyper::Method;
use serde_json::{Value, json};

use super::{Desk, list, text};
use crate::ctl::address::Address;
use crate::ctl::args::{Claim, Common, Join, Login, Password, Scope, SessionAct, TokenAct, Who};
use crate::ctl::client::{Auth, segment};
use crate::ctl::{Outcome, Trouble, prompt, table};

const ALL: [Scope; 4] = [Scope::Read, Scope::Services, Scope::People, Scope::Node];

/// A name and a password.
struct Credentials {
    name: String,
    password: String,
}

impl Desk<'_> {
    /// Makes an owner of a new node, and keeps a token.
    pub async fn claim(&mut self, claim: &Claim) -> Outcome {
        let code = match &claim.code_file {
            Some(path) => prompt::first_line(path)?,
            None => prompt::line("The code on the node's screen: ")?,
        };
        let who = Credentials { name: name(&claim.who)?, password: new_password(&claim.who.password_file)? };
        let body = json!({"code": code, "name": who.name, "password": who.password});
        self.tell(Method::POST, "/claim", &body).await?;
        eprintln!("the node is {}'s now", table::harmless(&who.name, false));
        self.enter(&who).await
    }

    /// Signs in for a token with all that this person may do, and keeps it.
    async fn enter(&mut self, who: &Credentials) -> Outcome {
        self.sign_in(who).await?;
        let token = self.make_token("nuvolctl", &ALL, None).await;
        self.sign_out().await;
        self.keep(token?).await
    }

    /// Changes one's password.
    pub async fn password(&mut self, password: &Password) -> Outcome {
        let who = credentials(&password.who)?;
        self.sign_in(&who).await?;
        let changed = self.change_password(&who, password).await;
        self.sign_out().await;
        changed?;
        let address = &self.client.address;
        if self.store.find(address).is_some_and(|it| it.token.is_some()) {
            eprintln!("tokens have ended with the old password: run `nuvolctl login --node {address}`");
        }
        Ok(())
    }

    async fn change_password(&self, who: &Credentials, password: &Password) -> Outcome {
        let new = new_password(&password.new_password_file)?;
        let body = json!({"old": who.password, "new": new});
        self.done(Method::PUT, "/account/password", &body, "the password is changed").await
    }

    /// Who one is.
    pub async fn account(&self) -> Outcome {
        let it = self.client.get("/account").await?;
        self.say(&it, &format!("{} ({})", text(&it["name"]), text(&it["role"])));
        Ok(())
    }

    /// Gets a token and keeps it.
    pub async fn login(&mut self, login: &Login) -> Outcome {
        if let Some(path) = &self.common.token_file {
            let token = prompt::first_line(path)?;
            self.client.auth = Auth::Token(token.clone());
            self.client.get("/account").await?;
            return self.keep(token).await;
        }
        self.sign_in(&credentials(&login.who)?).await?;
        let scopes = if login.scopes.is_empty() { &ALL[..] } else { &login.scopes };
        let token = self.make_token(&login.title, scopes, login.days).await;
        self.sign_out().await;
        self.keep(token?).await
    }

    async fn keep(&mut self, token: String) -> Outcome {
        self.remember(Some(token)).await?;
        let node = self.client.address.to_string();
        self.say(&json!({"node": node, "done": true}), &format!("{node} is known now"));
        Ok(())
    }

    /// One's tokens.
    pub async fn tokens(&mut self, who: &Who, act: Option<&TokenAct>) -> Outcome {
        self.sign_in(&credentials(who)?).await?;
        let outcome = self.change_tokens(act).await;
        self.sign_out().await;
        outcome
    }

    async fn change_tokens(&self, act: Option<&TokenAct>) -> Outcome {
        match act {
            Some(TokenAct::Make { title, scopes, days }) => {
                let token = self.make_token(title, scopes, *days).await?;
                self.say(&json!({"token": token}), &token);
                Ok(())
            }
            Some(TokenAct::Revoke { id }) => {
                let path = format!("/account/tokens/{}", segment(id));
                self.done(Method::DELETE, &path, &Value::Null, "taken back").await
            }
            None => {
                let tokens = self.client.get("/account/tokens").await?;
                let row = |it: &Value| {
                    let scopes: Vec<_> = list(it, "scopes").iter().map(text).collect();
                    vec![text(&it["id"]), text(&it["title"]), scopes.join(",")]
                };
                self.show(&tokens, "tokens", &["ID", "TITLE", "SCOPES"], row);
                Ok(())
            }
        }
    }

    /// Where one is signed in.
    pub async fn sessions(&mut self, who: &Who, act: Option<&SessionAct>) -> Outcome {
        self.sign_in(&credentials(who)?).await?;
        let outcome = match act {
            Some(SessionAct::End { id }) => {
                let path = format!("/account/sessions/{}", segment(id));
                self.done(Method::DELETE, &path, &Value::Null, "ended").await
            }
            None => self.client.get("/account/sessions").await.map(|sessions| {
                let row = |it: &Value| {
                    let this = if it["this"] == true { "this one" } else { "" };
                    vec![text(&it["id"]), text(&it["from"]), text(&it["browser"]), this.to_owned()]
                };
                self.show(&sessions, "sessions", &["ID", "FROM", "BROWSER", ""], row);
            }),
        };
        self.sign_out().await;
        outcome
    }

    fn show(&self, answer: &Value, name: &str, head: &[&str], row: impl Fn(&Value) -> Vec<String>) {
        if self.common.json {
            println!("{answer:#}");
        } else {
            table::print(head, &list(answer, name).iter().map(row).collect::<Vec<_>>());
        }
    }

    async fn make_token(&self, title: &str, scopes: &[Scope], days: Option<u32>) -> Outcome<String> {
        let words: Vec<_> = scopes.iter().map(|scope| scope_word(*scope)).collect();
        let mut body = json!({"title": title, "scopes": words});
        if let Some(days) = days {
            body["days"] = json!(days);
        }
        let made = self.tell(Method::POST, "/account/tokens", &body).await?;
        Ok(text(&made["token"]))
    }

    async fn sign_in(&mut self, who: &Credentials) -> Outcome {
        let body = json!({"name": who.name, "password": who.password});
        let answer = self.client.ask(Method::POST, "/session", Some(&body)).await?;
        let none = || Trouble::Failed("the node signed us in and gave no session".to_owned());
        self.client.auth = Auth::Session(answer.cookie.ok_or_else(none)?);
        Ok(())
    }

    /// Leaves no session behind. Where that does not work it ends by itself in time.
    async fn sign_out(&mut self) {
        if let Err(trouble) = self.tell(Method::DELETE, "/session", &Value::Null).await {
            eprintln!("warning: signing out: {trouble}");
        }
        self.client.auth = Auth::Nobody;
    }
}

/// Takes up an invitation. Its link says where the node is.
pub(super) async fn join(common: &Common, join: &Join) -> Outcome {
    let link = match &join.link_file {
        Some(path) => prompt::first_line(path)?,
        // It opens the door for whoever reads it.
        None => prompt::hidden("The link: ")?,
    };
    let (address, path) = parts(&link)?;
    let mut desk = Desk::open(common, Some(address)).await?;
    let invited = desk.client.get(&path).await?;
    let name = match invited["kind"].as_str() {
        Some("password") => text(&invited["name"]),
        _ => name(&join.who)?,
    };
    let who = Credentials { name, password: new_password(&join.who.password_file)? };
    desk.tell(Method::POST, &path, &json!({"name": who.name, "password": who.password})).await?;
    desk.enter(&who).await
}

/// The node of a link, and the path of its invitation in the API.
fn parts(link: &str) -> Outcome<(Address, String)> {
    let wrong = || Trouble::Input("this is not a link of an invitation (https://NODE/join/…)".to_owned());
    let (node, secret) = link.trim().split_once("/join/").ok_or_else(wrong)?;
    let address = node.strip_prefix("https://").and_then(|node| node.parse().ok()).ok_or_else(wrong)?;
    Ok((address, format!("/join/{}", segment(secret))))
}

fn name(who: &Who) -> Outcome<String> {
    who.name.clone().map_or_else(|| prompt::line("Your name on the node: "), Ok)
}

/// A password that the node knows.
fn credentials(who: &Who) -> Outcome<Credentials> {
    let name = name(who)?;
    let password = match &who.password_file {
        Some(path) => prompt::first_line(path)?,
        None => prompt::hidden("Your password: ")?,
    };
    Ok(Credentials { name, password })
}

/// A password that the node does not know yet; whoever types it unseen does so twice.
fn new_password(file: &Option<PathBuf>) -> Outcome<String> {
    if let Some(path) = file {
        return prompt::first_line(path);
    }
    let password = prompt::hidden("The new password: ")?;
    if prompt::hidden("The same once more: ")? != password {
        return Err(Trouble::Input("the two passwords are not the same".to_owned()));
    }
    Ok(password)
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Services => "services",
        Scope::People => "people",
        Scope::Node => "node",
    }
}
