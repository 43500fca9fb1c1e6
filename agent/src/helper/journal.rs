//! Lines of the journal, by journalctl(1).

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::protocol::Line;
use crate::node::service::Text;

/// A large journal on a slow disk takes a while to look through.
const LIMIT: Duration = Duration::from_secs(20);
/// More than journalctl writes for the most lines that can be asked for.
const OUTPUT_LIMIT_BYTES: u64 = 8 << 20;
/// A longer line is cut.
const TEXT_LIMIT: usize = 2000;

/// The last `lines` lines of these units, the oldest first. The units come from the catalogue.
pub async fn last(units: &[String], lines: u16) -> anyhow::Result<Vec<Line>> {
    let mut command = Command::new("journalctl");
    command.args([
        "--output=json",
        "--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT",
        "--no-pager",
        "--quiet",
    ]);
    command.arg(format!("--lines={lines}")).args(units.iter().map(|unit| format!("--unit={unit}")));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().context("starting journalctl")?;
    let output = child.stdout.take().context("reading what journalctl writes")?;
    let mut text = Vec::new();
    let all = async {
        output
            .take(OUTPUT_LIMIT_BYTES)
            .read_to_end(&mut text)
            .await
            .context("reading what journalctl writes")?;
        let status = child.wait().await.context("waiting for journalctl")?;
        ensure!(status.success(), "journalctl ended with {status}");
        Ok(())
    };
    timeout(LIMIT, all)
        .await
        .map_err(|_| anyhow!("the journal takes longer than {} s", LIMIT.as_secs()))??;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

/// The lines in what journalctl wrote; what is none is passed over.
pub fn parse(text: &str) -> Vec<Line> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|entry| line(&entry))
        .collect()
}

fn line(entry: &Value) -> Option<Line> {
    let field = |name: &str| entry.get(name).and_then(Value::as_str);
    let micros: u64 = field("__REALTIME_TIMESTAMP")?.parse().ok()?;
    // What systemd itself says about a unit is its own line, with the unit's name beside it.
    let unit = field("UNIT").or_else(|| field("_SYSTEMD_UNIT")).unwrap_or_default();
    Some(Line {
        time_s: micros / 1_000_000,
        unit: clean(unit),
        level: field("PRIORITY")
            .and_then(|level| level.parse().ok())
            .filter(|level| *level <= 7)
            .unwrap_or(6),
        text: clean(&message(entry.get("MESSAGE")?)),
    })
}

/// A message that is no text comes as a list of bytes, one that is too long not at all (journal export formats).
fn message(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(bytes) => {
            let bytes =
                bytes.iter().filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
            String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
        }
        _ => "(a line too long to show)".to_owned(),
    }
}

fn clean(text: &str) -> String {
    text.trim_end()
        .chars()
        .map(|c| if c == '\n' || c == '\t' { ' ' } else { c })
        .filter(|c| Text::shows(*c))
        .take(TEXT_LIMIT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn entries_are_read_and_made_harmless() {
        let text = concat!(
            r#"{"__REALTIME_TIMESTAMP":"1795227046123456","_SYSTEMD_UNIT":"a.service","PRIORITY":"3","MESSAGE":"bad \u001b[31mred\nsecond"}"#,
            "\n",
            r#"{"__REALTIME_TIMESTAMP":"1795227047000000","_SYSTEMD_UNIT":"init.scope","UNIT":"a.service","MESSAGE":[72,105,255]}"#,
            "\n",
            r#"{"__REALTIME_TIMESTAMP":"1795227048000000","PRIORITY":"9","MESSAGE":null}"#,
            "\n",
            r#"{"MESSAGE":"no time"}"#,
            "\nnonsense\n",
        );
        let lines =
            parse(text).into_iter().map(|it| format!("{} {} {} {}", it.time_s, it.unit, it.level, it.text));
        let expected = [
            "1795227046 a.service 3 bad [31mred second",
            "1795227047 a.service 6 Hi\u{fffd}",
            "1795227048  6 (a line too long to show)",
        ];
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }
}
