//! The claim code: whoever reads it off the node's own screen may make the node theirs.

use std::path::Path;

use anyhow::Context;
use nuvol_seed::claim::{draw, is_code};

use super::file;

/// The code in `<dir>/claim-code`, where there is one. The folder is emptied by a reboot and kept over a restart of
/// the agent, and so is the code.
pub fn claim_code(dir: &Path) -> anyhow::Result<Option<String>> {
    let text = file::read(&dir.join("claim-code"))?;
    // Nothing hangs on a damaged one but a try to claim: a new one is as good.
    Ok(text.map(|text| text.trim_end().to_owned()).filter(|code| is_code(code)))
}

/// Draws a new code and shows it: the console reads `<dir>/claim-code`.
pub fn new_claim_code(dir: &Path) -> anyhow::Result<String> {
    let code = draw()?;
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

/// The invitation that was set before boot, alone in a file.
pub fn preset_invitation(path: &Path) -> anyhow::Result<Option<String>> {
    Ok(file::read(path)?.map(|text| text.trim().to_owned()))
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
