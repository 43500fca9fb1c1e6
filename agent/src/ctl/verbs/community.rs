//! The community: members, invitations, what is offered.

use hyper::Method;
use serde_json::{Value, json};

use super::{Desk, list, text};
use crate::cloudy;
use crate::ctl::args::{Audience, CommunityAct, Rank};
use crate::ctl::client::segment;
use crate::ctl::table;
use crate::ctl::{Outcome, Trouble, prompt};

impl Desk<'_> {
    /// The community and its members.
    pub async fn community(&self) -> Outcome {
        let told = self.client.get("/community").await?;
        if self.common.json {
            println!("{told:#}");
            return Ok(());
        }
        match (&told["community"], &told["joining"]) {
            (Value::Null, Value::Null) => self.say(&told, "in no community"),
            (Value::Null, joining) => {
                let why = text(&joining["why"]);
                let state = text(&joining["state"]);
                self.say(&told, &if why.is_empty() { state } else { format!("{state}: {why}") });
            }
            (about, _) => {
                let name = text(&about["name"]);
                let words = format!(
                    "{name}, as {}; this node is {}",
                    text(&about["role"]),
                    text(&about["fingerprint"])
                );
                self.say(&told, &words);
            }
        }
        let rows: Vec<_> = list(&told, "members").iter().map(member).collect();
        print(&["NODE", "NAME", "ROLE", "STATE", "LATENCY", "PATH", "ADDRESS"], &rows);
        let rows: Vec<_> =
            list(&told, "waiting").iter().map(|it| columns(it, &["node", "name", "fingerprint"])).collect();
        print(&["WAITS", "NAME", "FINGERPRINT"], &rows);
        let rows: Vec<_> = list(&told, "invitations")
            .iter()
            .map(|it| columns(it, &["id", "role", "uses", "note"]))
            .collect();
        print(&["INVITATION", "ROLE", "USES LEFT", "NOTE"], &rows);
        Ok(())
    }

    /// Something is done as a member, or to become one.
    pub async fn change_community(&self, act: &CommunityAct) -> Outcome {
        match act {
            CommunityAct::Found { name } => {
                self.done(Method::POST, "/community", &json!({"name": name}), "founded").await
            }
            CommunityAct::Join { invitation_file } => {
                let invitation = match invitation_file {
                    Some(path) => prompt::first_line(path)?,
                    None => prompt::line("Invitation: ")?,
                };
                let body = json!({"invitation": invitation});
                self.done(Method::POST, "/community/join", &body, "calling the one who invited").await
            }
            CommunityAct::StopJoining => {
                self.done(Method::DELETE, "/community/join", &Value::Null, "stopped").await
            }
            CommunityAct::Leave => self.done(Method::DELETE, "/community", &Value::Null, "left").await,
            CommunityAct::Invite { role, uses, days, approve, note } => {
                let body = json!({"role": rank(*role), "uses": uses, "days": days, "approve": approve, "note": note});
                let made = self.tell(Method::POST, "/community/invitations", &body).await?;
                self.say(&made, &text(&made["invitation"]));
                Ok(())
            }
            CommunityAct::Uninvite { id } => {
                let path = format!("/community/invitations/{}", segment(id));
                self.done(Method::DELETE, &path, &Value::Null, "taken back").await
            }
            CommunityAct::Admit { member } => self.decide(member, true).await,
            CommunityAct::Decline { member } => self.decide(member, false).await,
            CommunityAct::Expel { member, with_invited } => {
                let node = self.node_of(member, "members").await?;
                let path = format!("/community/members/{}?spare={}", segment(&node), !with_invited);
                self.done(Method::DELETE, &path, &Value::Null, "expelled").await
            }
            CommunityAct::Offers { words, kind } => self.offers(words, kind.as_deref()).await,
            CommunityAct::Publish { service, audience } => {
                let path = format!("/services/{}/audience", segment(service));
                let word = match audience {
                    Audience::Me => "me",
                    Audience::Household => "household",
                    Audience::Community => "community",
                };
                self.done(Method::PUT, &path, &json!({"audience": word}), "done").await
            }
            CommunityAct::Foreign => self.foreign().await,
            CommunityAct::Import { file } => {
                let wrong = |faults: Vec<cloudy::Fault>| {
                    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                    Trouble::Input(faults.join("\n"))
                };
                let services = cloudy::import(&prompt::whole(file)?).map_err(wrong)?;
                let body = json!({"services": services});
                self.done(Method::PUT, "/community/foreign", &body, "done").await
            }
            CommunityAct::Export => {
                let community = self.client.get("/community").await?;
                let told = self.client.get("/community/services").await?;
                let name = text(&community["community"]["name"]);
                let offers = list(&told, "services").iter().map(|it| serde_json::from_value(it.clone()));
                let offers: Result<Vec<_>, _> = offers.collect();
                let offers =
                    offers.map_err(|error| Trouble::Failed(format!("reading the offers: {error}")))?;
                println!("{:#}", cloudy::export(offers, &name));
                Ok(())
            }
            CommunityAct::Places { places } => {
                self.done(Method::PUT, "/community/places", &json!({"places": places}), "done").await
            }
        }
    }

    async fn decide(&self, node: &str, admit: bool) -> Outcome {
        let node = self.node_of(node, "waiting").await?;
        let path = format!("/community/waiting/{}", segment(&node));
        let said = if admit { "let in" } else { "turned away" };
        self.done(Method::POST, &path, &json!({"admit": admit}), said).await
    }

    async fn offers(&self, words: &[String], kind: Option<&str>) -> Outcome {
        let mut query = vec![format!("q={}", segment(&words.join(" ")))];
        query.extend(kind.map(|kind| format!("type={}", segment(kind))));
        let told = self.client.get(&format!("/community/services?{}", query.join("&"))).await?;
        if self.common.json {
            println!("{told:#}");
            return Ok(());
        }
        let rows: Vec<_> = list(&told, "services")
            .iter()
            .map(|it| columns(it, &["title", "type", "owner_name", "owner_state", "host", "port"]))
            .collect();
        print(&["TITLE", "TYPE", "OWNER", "OWNER IS", "HOST", "PORT"], &rows);
        Ok(())
    }

    async fn foreign(&self) -> Outcome {
        let told = self.client.get("/community/foreign").await?;
        if self.common.json {
            println!("{told:#}");
            return Ok(());
        }
        let rows: Vec<_> = list(&told, "services")
            .iter()
            .map(|it| columns(it, &["title", "type", "host", "port", "zone"]))
            .collect();
        print(&["TITLE", "TYPE", "HOST", "PORT", "ZONE"], &rows);
        Ok(())
    }

    /// Somebody by key, or by a name that only one of them has.
    async fn node_of(&self, node: &str, among: &str) -> Outcome<String> {
        if node.len() == 64 && node.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Ok(node.to_lowercase());
        }
        let told = self.client.get("/community").await?;
        let named: Vec<_> = list(&told, among).iter().filter(|it| text(&it["name"]) == node).collect();
        match named[..] {
            [one] => Ok(text(&one["node"])),
            [] => Err(Trouble::Input(format!(
                "nobody is called `{node}`; `nuvolctl community` shows who there is"
            ))),
            _ => Err(Trouble::Input(format!("several are called `{node}`; name one by its key"))),
        }
    }
}

fn print(head: &[&str], rows: &[Vec<String>]) {
    if !rows.is_empty() {
        println!();
        table::print(head, rows);
    }
}

fn columns(it: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| text(&it[*key])).collect()
}

fn member(it: &Value) -> Vec<String> {
    let path = match (text(&it["path"]["kind"]), text(&it["path"]["why"])) {
        (kind, why) if why.is_empty() => kind,
        (kind, why) => format!("{kind}: {why}"),
    };
    let [node, name, role, state, address] =
        ["node", "name", "role", "state", "address"].map(|key| text(&it[key]));
    let latency = it["latency_ms"].as_u64().map(|ms| format!("{ms} ms")).unwrap_or_default();
    vec![node, name, role, state, latency, path, address]
}

fn rank(rank: Rank) -> &'static str {
    match rank {
        Rank::Guest => "guest",
        Rank::Member => "member",
        Rank::Steward => "steward",
    }
}
