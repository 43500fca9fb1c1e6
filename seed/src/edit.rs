//! One thing of a file changed; all else stays as somebody wrote it.

use toml::de::DeTable;

use crate::config::Config;
use crate::problem::{Problem, Scope, Span};
use crate::read::{VERSION, read};

/// `text`, which must be free of problems, with `hash` as its claim code's.
pub fn with_claim_code_hash(text: &str, hash: &str) -> Result<String, Vec<Problem>> {
    with(text, "claim-code-hash", hash, |config| config.claim_code_hash.as_deref() == Some(hash))
}

/// `text`, which must be free of problems, with `name` as the node's.
pub fn with_name(text: &str, name: &str) -> Result<String, Vec<Problem>> {
    with(text, "name", name, |config| config.name.as_deref() == Some(name))
}

fn with(
    text: &str,
    key: &str,
    value: &str,
    is_there: impl Fn(&Config) -> bool,
) -> Result<String, Vec<Problem>> {
    let problems = read(text).problems;
    if !problems.is_empty() {
        return Err(problems);
    }
    let plain = !value.contains(|c: char| c == '\'' || c.is_control());
    let value = if plain { format!("'{value}'") } else { quoted(value) };
    let line = format!("{key} = {value}");
    let changed = DeTable::parse(text).ok().and_then(|table| {
        let table = table.get_ref();
        if let Some(old) = table.get(key) {
            let span = old.span();
            return Some(format!("{}{value}{}", text.get(..span.start)?, text.get(span.end..)?));
        }
        // Right below the version, which stands before every table.
        let end = table.get("version")?.span().end;
        let at = end + text.get(end..)?.find('\n').unwrap_or(text.len() - end);
        Some(format!("{}\n{line}{}", text.get(..at)?.trim_end_matches('\r'), text.get(at..)?))
    });
    let changed = changed.unwrap_or_default();
    // Whatever way somebody found to write a file: it is what it was, and has the value.
    let found = read(&changed);
    if is_there(&found.config) {
        return Ok(changed);
    }
    // Of a value that is not valid, its own problem tells more.
    if !found.problems.is_empty() && !changed.is_empty() {
        return Err(found.problems);
    }
    Err(vec![no_place(
        format!("there is no place for `{key}` in this file"),
        format!("write `version = {VERSION}` on a line of its own at the top, and {line} below"),
    )])
}

/// `text` without its table `[install]`: what a node gets from the medium that it was installed from.
pub fn without_install(text: &str) -> Result<String, Vec<Problem>> {
    let before = read(text).config;
    if before.install.is_none() {
        return Ok(text.to_owned());
    }
    let mut inside = false;
    let kept = text.split_inclusive('\n').filter(|line| {
        let line = line.trim_start();
        if line.starts_with('[') {
            let header = line.split('#').next().unwrap_or_default().replace([' ', '\t', '\r', '\n'], "");
            inside = header == "[install]";
        }
        !inside
    });
    let kept: String = kept.collect();
    if read(&kept).config == (Config { install: None, ..before }) {
        return Ok(kept);
    }
    Err(vec![no_place(
        "the table `[install]` cannot be told from the rest of the file".to_owned(),
        "write it below all else: a line `[install]`, and each of its keys on a line of its own".to_owned(),
    )])
}

/// A basic string of TOML with this text.
pub(crate) fn quoted(text: &str) -> String {
    let letter = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(letter).collect::<String>())
}

fn no_place(cause: String, remedy: String) -> Problem {
    Problem { span: Span::START, scope: Scope::File, cause, remedy: Some(remedy) }
}

#[cfg(test)]
mod tests {
    use super::{with_name, without_install};
    use crate::read::read;

    #[test]
    fn a_name_comes_into_a_file_that_stays_as_it_was() {
        assert_eq!(with_name("version = 1\n", "ana").unwrap(), "version = 1\nname = 'ana'\n");
        let text = "version = 1\nname = \"eva\" # hers\n[ssh]\nkeys = []\n";
        assert_eq!(with_name(text, "ana").unwrap(), text.replace("\"eva\"", "'ana'"));
        let wrong = with_name("version = 1\n", "No Name").unwrap_err();
        assert!(wrong[0].cause.contains("`No Name` is no name that networks know"), "{wrong:?}");
        let wrong = with_name("version = 1\n", "o'hara").unwrap_err();
        assert!(wrong[0].cause.contains("`o'hara` is no name that networks know"), "{wrong:?}");
    }

    #[test]
    fn what_the_installer_needs_stays_behind() {
        let text = "version = 1\nname = \"ana\"\n\n[install] # here\nserial = \"x\"\n\n[ssh]\nkeys = [\n]\n";
        let kept = without_install(text).unwrap();
        assert_eq!(kept, "version = 1\nname = \"ana\"\n\n[ssh]\nkeys = [\n]\n");
        assert_eq!(without_install(&kept).unwrap(), kept);
        let last = "version = 1\n  [ install ]\nserial = \"x\"\nexisting = \"overwrite\"";
        assert_eq!(without_install(last).unwrap(), "version = 1\n");
        let inline = "version = 1\ninstall = { serial = \"x\" }\n";
        assert!(read(inline).config.install.is_some());
        assert!(without_install(inline).unwrap_err()[0].remedy.as_ref().unwrap().contains("below all else"));
    }
}
