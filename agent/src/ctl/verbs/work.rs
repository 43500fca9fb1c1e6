//! What takes a while: begun, then followed to its end.

use std::time::Duration;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{Desk, list, text};
use crate::ctl::args::{NodeAct, ServiceAct};
use crate::ctl::client::segment;
use crate::ctl::table::harmless;
use crate::ctl::{Outcome, Trouble};

/// How often the node is asked how far it is.
const GLANCE: Duration = Duration::from_millis(300);

impl Desk<'_> {
    /// Something is done with a service.
    pub async fn work_on(&self, name: &str, act: &ServiceAct) -> Outcome {
        let path = format!("/services/{}", segment(name));
        let begun = match act {
            ServiceAct::On => self.tell(Method::PUT, &path, &json!({"on": true})).await?,
            ServiceAct::Off => self.tell(Method::PUT, &path, &json!({"on": false})).await?,
            ServiceAct::Restart => self.tell(Method::POST, &format!("{path}/restart"), &Value::Null).await?,
            ServiceAct::Set { settings } => {
                let settings: Map<String, Value> =
                    settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
                self.tell(Method::PUT, &format!("{path}/settings"), &json!({"settings": settings})).await?
            }
            ServiceAct::Log { lines } => return self.log(&path, *lines).await,
        };
        self.follow(&begun, false).await?;
        // One that may not look is told nothing; the node goes back all the same.
        let node = self.client.get("/node").await.unwrap_or_default();
        if matches!(act, ServiceAct::Off) && node["trial"]["service"] == *name {
            eprintln!("it comes back in two minutes unless `nuvolctl node keep` still finds the node");
        }
        Ok(())
    }

    async fn log(&self, path: &str, lines: u16) -> Outcome {
        let log = self.client.get(&format!("{path}/log?lines={lines}")).await?;
        if self.common.json {
            println!("{log:#}");
            return Ok(());
        }
        for line in list(&log, "lines") {
            println!("{}", harmless(&format!("{} {}", text(&line["unit"]), text(&line["text"])), false));
        }
        Ok(())
    }

    /// Something is done with the node.
    pub async fn change_node(&self, act: &NodeAct) -> Outcome {
        let power = |how: &str| json!({"how": how});
        match act {
            NodeAct::Rename { name } => {
                let begun = self.tell(Method::PUT, "/node/name", &json!({"name": name})).await?;
                self.follow(&begun, false).await?;
                eprintln!(
                    "it goes back in two minutes unless `nuvolctl node keep` finds the node under its new name"
                );
                Ok(())
            }
            NodeAct::Keep => self.done(Method::POST, "/node/trial/keep", &Value::Null, "kept").await,
            NodeAct::Back => self.done(Method::POST, "/node/trial/back", &Value::Null, "going back").await,
            NodeAct::Reboot => {
                let begun = self.tell(Method::POST, "/node/power", &power("reboot")).await?;
                self.follow(&begun, true).await
            }
            NodeAct::Off => {
                let begun = self.tell(Method::POST, "/node/power", &power("off")).await?;
                self.follow(&begun, true).await
            }
        }
    }

    /// Tells each step on standard error, also one that was over before it was asked for, and the end as the result. A node that goes down may go before it has told
    /// that.
    async fn follow(&self, begun: &Value, goes_down: bool) -> Outcome {
        if self.common.no_wait {
            self.say(begun, &format!("begun: operation {}", text(&begun["operation"])));
            return Ok(());
        }
        let path = format!("/operations/{}", text(&begun["operation"]));
        let mut told = 0;
        loop {
            let operation = match self.client.get(&path).await {
                Ok(operation) => operation,
                Err(Trouble::Unreachable(_)) if goes_down => {
                    self.say(begun, "the node is going down");
                    return Ok(());
                }
                Err(Trouble::Refused { status: 403, .. }) => {
                    self.say(
                        begun,
                        &format!(
                            "begun: operation {}; this token may not watch it",
                            text(&begun["operation"])
                        ),
                    );
                    return Ok(());
                }
                Err(trouble) => return Err(trouble),
            };
            let begun = list(&operation, "steps").iter().filter(|it| it["since_s"].is_u64());
            let steps: Vec<_> = begun.map(|it| text(&it["step"])).collect();
            steps.iter().skip(told).for_each(|step| eprintln!("{}…", harmless(step, false)));
            told = steps.len();
            let progress = &operation["progress"];
            match progress["state"].as_str() {
                Some("doing") => {}
                Some("done") => {
                    self.say(&operation, "done");
                    return Ok(());
                }
                _ => {
                    if self.common.json {
                        println!("{operation:#}");
                    }
                    return Err(Trouble::Failed(failed_where(&operation)));
                }
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// Where and why it failed.
fn failed_where(operation: &Value) -> String {
    let why = failure(&operation["progress"]);
    let failed = list(operation, "steps").iter().find(|it| it["state"] == "failed");
    failed.map_or(why.clone(), |step| format!("{}: {why}", text(&step["step"])))
}

/// Why it failed, in words made of what the API tells.
pub(super) fn failure(progress: &Value) -> String {
    let details = progress.as_object().into_iter().flatten();
    let details =
        details.filter(|(name, value)| !["state", "cause"].contains(&name.as_str()) && !value.is_null());
    let details: Vec<_> = details.map(|(name, value)| format!("{name} {}", text(value))).collect();
    let cause = text(&progress["cause"]);
    if details.is_empty() { cause } else { format!("{cause}: {}", details.join(", ")) }
}
