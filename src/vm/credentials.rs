//! What a test brings into the guest: systemd credentials, carried by the firmware's tables
//! (SMBIOS type 11), so that the image itself needs no door for tests.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The script that looks at the guest from inside.
const VERDICT_SCRIPT: &str = include_str!("verdict.sh");

/// The firmware's tables hold 64 KiB in all, and a string of ours grows by a third on the way.
const LARGEST_SCRIPT: usize = 16 << 10;

/// What the verdict unit is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// Seconds that each step inside may take.
    pub step_s: u64,
    /// A script to run as root before looking.
    pub script: Option<String>,
    /// The serial port that it speaks through, as the guest names it.
    pub port: &'static str,
    /// How much it looks at.
    pub scope: Scope,
}

/// How much a verdict looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everything; each service on demand is started and stopped.
    #[default]
    Whole,
    /// The system as it booted: for further boots of an image whose services were seen at work.
    Booted,
}

/// The credentials for `task`: name and content.
pub fn credentials(task: &Task) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut unit = format!(
        "[Unit]\nDescription=Nuvol boot test\nDefaultDependencies=no\nAfter=sysinit.target dbus.socket\n\
         [Service]\nType=exec\nLoadCredential=nuvol-verdict\nEnvironment=STEP_S={} PORT={} SCOPE={}\n\
         ExecStart=/bin/sh %d/nuvol-verdict\n",
        task.step_s,
        task.port,
        match task.scope {
            Scope::Whole => "whole",
            Scope::Booted => "booted",
        }
    );
    let mut list = vec![
        ("systemd.unit-dropin.multi-user.target", "[Unit]\nWants=nuvol-verdict.service\n".to_owned()),
        ("nuvol-verdict", VERDICT_SCRIPT.to_owned()),
    ];
    if let Some(script) = &task.script {
        if script.len() > LARGEST_SCRIPT {
            anyhow::bail!(
                "the script has {} bytes and {LARGEST_SCRIPT} is the most; put the rest on a disk with --attach",
                script.len()
            );
        }
        unit.push_str("LoadCredential=nuvol-script\n");
        list.push(("nuvol-script", script.clone()));
    }
    list.push(("systemd.extra-unit.nuvol-verdict.service", unit));
    Ok(list)
}

/// Writes each credential as an SMBIOS string to a file of its own in `dir`.
pub fn write(dir: &Path, task: &Task) -> anyhow::Result<Vec<PathBuf>> {
    credentials(task)?
        .into_iter()
        .map(|(name, content)| {
            let path = dir.join(format!("credential-{name}"));
            let text = format!("io.systemd.credential.binary:{name}={}", base64(content.as_bytes()));
            std::fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))?;
            Ok(path)
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = char::from(ALPHABET[word >> (18 - 6 * at) & 63]);
            out.push(if at <= group.len() { digit } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Task, base64, credentials, write};

    #[test]
    fn base64_is_the_usual_one() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn a_script_comes_in_only_if_there_is_one() {
        let names = |task| credentials(&task).unwrap().iter().map(|it| it.0).collect::<Vec<_>>();
        let without = Task { step_s: 60, ..Task::default() };
        assert!(!names(without.clone()).contains(&"nuvol-script"));
        assert!(names(Task { script: Some("true".into()), ..without.clone() }).contains(&"nuvol-script"));
        let long = Task { script: Some("#".repeat(20_000)), ..without };
        assert!(credentials(&long).unwrap_err().to_string().contains("--attach"));
    }

    #[test]
    fn all_fits_the_firmware_tables() {
        let dir = tempfile::tempdir().unwrap();
        let task = Task { step_s: 60, script: Some("#".repeat(16 << 10)), ..Task::default() };
        let bytes: u64 =
            write(dir.path(), &task).unwrap().iter().map(|it| it.metadata().unwrap().len()).sum();
        assert!(bytes < 48 << 10, "{bytes}");
    }
}
