//! People and invitations.

use hyper::Method;
use serde_json::{Value, json};

use super::{Desk, list, text};
use crate::ctl::args::{PeopleAct, Role};
use crate::ctl::client::segment;
use crate::ctl::table;
use crate::ctl::{Outcome, Trouble};

impl Desk<'_> {
    /// Everybody, and who is invited.
    pub async fn people(&self) -> Outcome {
        let people = self.client.get("/people").await?;
        // Not everybody who sees the people may see the invitations.
        let invitations = match self.client.get("/invitations").await {
            Err(Trouble::Refused { status: 403, .. }) => Value::Null,
            other => other?,
        };
        if self.common.json {
            println!("{:#}", json!({"people": people["people"], "invitations": invitations["invitations"]}));
            return Ok(());
        }
        let rows = list(&people, "people")
            .iter()
            .map(|it| ["id", "name", "role"].map(|key| text(&it[key])).to_vec());
        table::print(&["ID", "NAME", "ROLE"], &rows.collect::<Vec<_>>());
        let rows: Vec<_> = list(&invitations, "invitations").iter().map(invitation).collect();
        if !rows.is_empty() {
            println!();
            table::print(&["INVITATION", "FOR", "NOTE"], &rows);
        }
        Ok(())
    }

    /// Something is done with them.
    pub async fn change_people(&self, act: &PeopleAct) -> Outcome {
        match act {
            PeopleAct::Invite { role, note } => {
                let body = json!({"role": role_word(*role), "note": note});
                let made = self.tell(Method::POST, "/invitations", &body).await?;
                self.show_link(&made);
                Ok(())
            }
            PeopleAct::Uninvite { id } => {
                let path = format!("/invitations/{}", segment(id));
                self.done(Method::DELETE, &path, &Value::Null, "taken back").await
            }
            PeopleAct::Role { person, role } => {
                let path = self.path_of(person).await?;
                self.done(Method::PUT, &path, &json!({"role": role_word(*role)}), "done").await
            }
            PeopleAct::Reset { person } => {
                let path = format!("{}/reset", self.path_of(person).await?);
                let made = self.tell(Method::POST, &path, &Value::Null).await?;
                self.show_link(&made);
                Ok(())
            }
            PeopleAct::Remove { person } => {
                let path = self.path_of(person).await?;
                self.done(Method::DELETE, &path, &Value::Null, "removed").await
            }
        }
    }

    /// The whole link: it works where we have reached the node.
    fn show_link(&self, made: &Value) {
        let link = format!("https://{}{}", self.client.address.authority(), text(&made["path"]));
        self.say(&json!({"link": link}), &link);
    }

    /// Somebody by their number, or by their name.
    async fn path_of(&self, person: &str) -> Outcome<String> {
        if person.parse::<u32>().is_ok() {
            return Ok(format!("/people/{person}"));
        }
        let people = self.client.get("/people").await?;
        let wanted = person.to_lowercase();
        let found = list(&people, "people").iter().find(|it| text(&it["name"]).to_lowercase() == wanted);
        let found = found.ok_or_else(|| Trouble::Input(format!("nobody here is called `{person}`")))?;
        Ok(format!("/people/{}", text(&found["id"])))
    }
}

fn invitation(it: &Value) -> Vec<String> {
    let purpose = &it["purpose"];
    let what = match purpose["kind"].as_str() {
        Some("password") => format!("a new password for {}", text(&purpose["person"])),
        _ => format!("a new {}", text(&purpose["role"])),
    };
    vec![text(&it["id"]), what, text(&it["note"])]
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Member => "member",
        Role::Owner => "owner",
    }
}
