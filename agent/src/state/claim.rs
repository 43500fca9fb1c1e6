//! The claim code: whoever reads it off the node's own screen may make the node theirs.

use std::path::Path;

use anyhow::Context;

use super::file;

/// No two of these look alike, on paper or on a screen: without 0 O, 1 I L, 2 Z, 5 S, 8 B, G (6) and U (V).
const LETTERS: &[u8; 23] = b"34679ACDEFHJKMNPQRTVWXY";
const LENGTH: usize = 8;

/// The code in `<dir>/claim-code`, where there is one. The folder is emptied by a reboot and kept over a restart of
/// the agent, and so is the code.
pub fn claim_code(dir: &Path) -> anyhow::Result<Option<String>> {
    let text = file::read(&dir.join("claim-code"))?;
    // Nothing hangs on a damaged one but a try to claim: a new one is as good.
    Ok(text.map(|text| text.trim_end().to_owned()).filter(|code| is_code(code)))
}

/// Draws a new code and shows it: the console reads `<dir>/claim-code`.
pub fn new_claim_code(dir: &Path) -> anyhow::Result<String> {
    let code = draw().context("drawing a claim code")?;
    file::write(&dir.join("claim-code"), &format!("{code}\n"), 0o644)?;
    Ok(code)
}

/// The node has an owner: there is nothing to show any more.
pub fn forget_claim_code(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join("claim-code");
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// The hash of a code that was set before boot: an argon2id hash in the PHC format, alone in a file.
pub fn preset_claim_code(path: &Path) -> anyhow::Result<Option<String>> {
    let Some(text) = file::read(path)? else { return Ok(None) };
    let hash = text.trim();
    anyhow::ensure!(
        hash.starts_with("$argon2id$") && hash.len() < 512 && !hash.contains(char::is_whitespace),
        "`{}` is not the argon2id hash of a claim code",
        path.display()
    );
    Ok(Some(hash.to_owned()))
}

fn draw() -> Result<String, getrandom::Error> {
    let mut code = String::new();
    while code.len() < LENGTH + 1 {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        if code.len() == LENGTH / 2 {
            code.push('-');
        }
        // Five bits have 32 values: those beyond the last letter are thrown away, so that all are as likely.
        if let Some(letter) = LETTERS.get(usize::from(byte[0] & 31)) {
            code.push(char::from(*letter));
        }
    }
    Ok(code)
}

pub(super) fn is_code(text: &str) -> bool {
    let (left, right) = text.split_once('-').unwrap_or_default();
    [left, right]
        .iter()
        .all(|half| half.len() == LENGTH / 2 && half.bytes().all(|letter| LETTERS.contains(&letter)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{draw, is_code};

    #[test]
    fn a_code_is_easy_to_read_out() {
        let codes: BTreeSet<_> = (0..500).map(|_| draw().unwrap()).collect();
        assert_eq!(codes.len(), 500);
        assert!(codes.iter().all(|code| is_code(code) && code.len() == 9), "{codes:?}");
        let letters: BTreeSet<char> = codes.iter().flat_map(|code| code.chars()).collect();
        assert_eq!(letters.into_iter().collect::<String>(), "-34679ACDEFHJKMNPQRTVWXY");
        assert!(is_code("K7QF-93MX"));
        for bad in ["", "K7QF93MX", "K7QF-93M", "K7QF-93MXX", "k7qf-93mx", "K7QF-93M0", "K7Q\n-93MX"] {
            assert!(!is_code(bad), "{bad:?}");
        }
    }
}
