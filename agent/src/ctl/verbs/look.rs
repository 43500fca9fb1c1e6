//! How the node is.

use serde_json::Value;

use super::work::failure;
use super::{Desk, list, text};
use crate::ctl::client::segment;
use crate::ctl::table::{self, harmless, size, span};
use crate::ctl::{Outcome, Trouble};

impl Desk<'_> {
    /// The node in a few lines, and what needs its owner.
    pub async fn status(&self) -> Outcome {
        let node = self.client.get("/node").await?;
        let services = self.client.get("/services").await?;
        if self.common.json {
            println!("{:#}", serde_json::json!({"node": node, "services": services["services"]}));
            return Ok(());
        }
        print_node(&node);
        let all = list(&services, "services");
        let running = all.iter().filter(|it| it["state"] == "running").count();
        println!("services     {running} of {} run", all.len());
        for service in all.iter().filter(|it| it["needs_attention"] == true) {
            let words = format!(
                "look at {}: {} {}",
                text(&service["name"]),
                text(&service["state"]),
                text(&service["why"])
            );
            println!("{}", harmless(words.trim_end(), false));
        }
        Ok(())
    }

    /// Whether the agent is well, in a line.
    pub async fn health(&self) -> Outcome {
        let health = self.client.get("/health").await?;
        let claimed = if health["claimed"] == true { "" } else { ", without an owner" };
        let words = [&health["name"], &health["status"]].map(text).join(": ");
        self.say(&health, &format!("{words}{claimed}"));
        if health["status"] == "ok" {
            Ok(())
        } else {
            Err(Trouble::Failed("the agent is not well".to_owned()))
        }
    }

    /// For whoever helps.
    pub async fn report(&self) -> Outcome {
        let report = self.client.get("/report").await?;
        self.say(&report, text(&report["report"]).trim_end());
        Ok(())
    }

    /// The node.
    pub async fn node(&self) -> Outcome {
        let node = self.client.get("/node").await?;
        if self.common.json {
            println!("{node:#}")
        } else {
            print_node(&node)
        }
        Ok(())
    }

    /// Every service in a line.
    pub async fn services(&self) -> Outcome {
        let services = self.client.get("/services").await?;
        if self.common.json {
            println!("{services:#}");
            return Ok(());
        }
        let rows = list(&services, "services").iter().map(|it| {
            let mark = if it["needs_attention"] == true { "!" } else { "" };
            let bytes = |key: &str| it[key].as_u64().map(size).unwrap_or_default();
            vec![
                text(&it["name"]),
                format!("{}{mark}", text(&it["state"])),
                bytes("memory_bytes"),
                bytes("disk_bytes"),
                text(&it["summary"]),
            ]
        });
        table::print(&["NAME", "STATE", "MEMORY", "DISK", "WHAT"], &rows.collect::<Vec<_>>());
        Ok(())
    }

    /// One service with all that is known of it.
    pub async fn service(&self, name: &str) -> Outcome {
        let it = self.client.get(&format!("/services/{}", segment(name))).await?;
        if self.common.json {
            println!("{it:#}");
            return Ok(());
        }
        println!("{}", harmless(&format!("{}: {}", text(&it["title"]), text(&it["summary"])), false));
        println!("{}", harmless(&format!("{} {}", text(&it["state"]), text(&it["why"])), false).trim_end());
        let rows = |name: &str, keys: &[&str]| {
            let row = |it: &Value| keys.iter().map(|key| text(&it[*key])).collect();
            list(&it, name).iter().map(row).collect::<Vec<Vec<String>>>()
        };
        println!();
        table::print(&["UNIT", "ACTIVE", "SUB"], &rows("units", &["name", "active", "sub"]));
        let ports = rows("ports", &["name", "port", "protocol", "scope"]);
        if !ports.is_empty() {
            println!();
            table::print(&["PORT", "NUMBER", "PROTOCOL", "FOR"], &ports);
        }
        let settings = it["settings"].as_object().into_iter().flatten();
        let settings: Vec<_> = settings.map(|(name, value)| vec![name.clone(), text(value)]).collect();
        if !settings.is_empty() {
            println!();
            table::print(&["SETTING", "VALUE"], &settings);
        }
        Ok(())
    }

    /// What is being done and was done lately.
    pub async fn operations(&self) -> Outcome {
        let operations = self.client.get("/operations").await?;
        if self.common.json {
            println!("{operations:#}");
            return Ok(());
        }
        let rows = list(&operations, "operations").iter().map(|it| {
            let progress = &it["progress"];
            let how = [text(&progress["state"]), text(&progress["step"]), text(&progress["cause"])];
            let took = match (it["since_s"].as_u64(), it["until_s"].as_u64()) {
                (Some(since), Some(until)) => span(until.saturating_sub(since)),
                _ => String::new(),
            };
            vec![text(&it["id"]), what(it), text(&it["by"]), took, how.join(" ").trim().to_owned()]
        });
        table::print(&["ID", "WHAT", "BY", "TOOK", "HOW"], &rows.collect::<Vec<_>>());
        Ok(())
    }
}

impl Desk<'_> {
    /// One of them, step by step.
    pub async fn operation(&self, id: u32) -> Outcome {
        let it = self.client.get(&format!("/operations/{id}")).await?;
        if self.common.json {
            println!("{it:#}");
            return Ok(());
        }
        let progress = &it["progress"];
        let words = format!("{}, for {}: {}", what(&it), text(&it["by"]), text(&progress["state"]));
        println!("{}", harmless(&words, false));
        if progress["state"] == "failed" {
            println!("{}", harmless(&failure(progress), false));
        }
        let rows = list(&it, "steps").iter().map(|step| vec![text(&step["step"]), text(&step["state"])]);
        println!();
        table::print(&["STEP", "STATE"], &rows.collect::<Vec<_>>());
        Ok(())
    }
}

/// What an operation does.
fn what(operation: &Value) -> String {
    let of = format!("{}{}", text(&operation["service"]), text(&operation["to"]));
    format!("{} {of}", text(&operation["task"])).trim_end().to_owned()
}

fn print_node(node: &Value) {
    let line = |title: &str, words: String| println!("{title:12} {}", harmless(&words, false));
    line("node", format!("{} ({} {})", text(&node["name"]), text(&node["profile"]), text(&node["version"])));
    line("agent", text(&node["agent_version"]));
    line("up for", span(node["uptime_s"].as_u64().unwrap_or(0)));
    line("fingerprint", text(&node["fingerprint"]));
    for disk in list(node, "disks") {
        let bytes = |key: &str| size(disk[key].as_u64().unwrap_or(0));
        let tight = if disk["tight"] == true { ", little room is left" } else { "" };
        line(
            "disk",
            format!(
                "{}: {} of {} free{tight}",
                text(&disk["place"]),
                bytes("free_bytes"),
                bytes("total_bytes")
            ),
        );
    }
    for problem in list(node, "problems") {
        line("problem", format!("{} {}", text(&problem["effect"]), text(&problem["cause"])));
    }
    let trial = &node["trial"];
    if trial.is_object() {
        let left = span(trial["left_s"].as_u64().unwrap_or(0));
        let what = match trial["service"].as_str() {
            Some(service) => format!("{service} off"),
            None => format!("the name {}", text(&trial["to"])),
        };
        line("on trial", format!("{what}, for {left}: `node keep` or `node back`"));
    }
}
