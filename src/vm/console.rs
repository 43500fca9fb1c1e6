//! The guest's console: reading it as it grows, what on it means that a boot is lost, and the
//! line on which a node tells where it is.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

/// What ends a boot for good, and what it means.
const TROUBLES: [(&str, &str); 14] = [
    ("Kernel panic", "the kernel panicked"),
    ("Oops: ", "the kernel hit a bug"),
    ("BUG: unable to handle", "the kernel hit a bug"),
    ("Out of memory: Killed process", "the machine ran out of memory"),
    ("You are in emergency mode", "systemd gave up and is in emergency mode"),
    ("You are in rescue mode", "systemd is in rescue mode"),
    ("(initramfs)", "the initial ram disk found no root file system"),
    ("Security Violation", "Secure Boot refused a program"),
    ("bad shim signature", "GRUB refused the kernel's signature"),
    ("grub rescue>", "GRUB did not find its files"),
    ("grub>", "GRUB has no configuration, or it failed"),
    ("No bootable device", "the firmware found nothing to boot"),
    ("No bootable option or device was found", "the firmware found nothing to boot"),
    ("Boot failed: not a bootable disk", "the firmware found nothing to boot"),
];

/// A file that another program writes to, read as it grows.
pub struct Tail {
    file: File,
    bytes: Vec<u8>,
}

impl Tail {
    /// Makes the empty file `path` and reads it from its beginning.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("making `{}`", path.display());
        File::create(path).with_context(what)?;
        Ok(Self { file: File::open(path).with_context(what)?, bytes: Vec::new() })
    }

    /// Reads on, and returns what is new from the last line's beginning: a prompt has no end of line.
    pub fn grow(&mut self) -> anyhow::Result<String> {
        let from = self.bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let before = self.bytes.len();
        self.file.read_to_end(&mut self.bytes).context("reading a serial port")?;
        if self.bytes.len() == before {
            return Ok(String::new());
        }
        Ok(plain(&self.bytes[from..]))
    }

    /// All that was written so far, as plain text.
    pub fn text(&self) -> String {
        plain(&self.bytes)
    }
}

/// What in `text` means that the boot is lost.
pub fn trouble(text: &str) -> Option<&'static str> {
    TROUBLES.into_iter().find(|(sign, _)| text.contains(sign)).map(|(_, meaning)| meaning)
}

/// The last `count` lines that say anything; if the kernel crashed, all from its first complaint.
pub fn last_words(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = lines.len().saturating_sub(count);
    // Linux counts its complaints: `int3: 0000 [#1] PREEMPT SMP`.
    let crash = lines.iter().position(|line| line.contains(" [#1] "));
    lines[crash.map_or(last, |at| at.min(last))..].join("\n")
}

/// Where a node says it is, from the console line `NUVOL url=… claim=… name=…`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Announcement {
    /// Address of its page in its own network.
    pub url: String,
    /// What its owner claims it with; `None` if it has an owner.
    pub claim: Option<String>,
    /// Its host name.
    pub name: String,
}

/// The last announcement in `text`. Kernel messages may stand before it on the same line.
pub fn announcement(text: &str) -> Option<Announcement> {
    let line = text.lines().rfind(|line| line.contains("NUVOL url="))?;
    let value = |key: &str| {
        let (_, rest) = line.split_once(key)?;
        rest.split_whitespace().next().filter(|_| !rest.starts_with(char::is_whitespace)).map(str::to_owned)
    };
    Some(Announcement { url: value("NUVOL url=")?, claim: value(" claim="), name: value(" name=")? })
}

/// `bytes` as text without carriage returns and terminal control sequences.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.next_if_eq(&'[').is_some() => {
                while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
                chars.next();
            }
            '\x1b' => drop(chars.next()),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Announcement, Tail, announcement, last_words, plain, trouble};

    #[test]
    fn a_lost_boot_is_recognised() {
        for (line, meaning) in [
            ("[    1.0] Kernel panic - not syncing: VFS", "the kernel panicked"),
            ("(initramfs) ", "the initial ram disk found no root file system"),
            ("You are in emergency mode. After", "systemd gave up and is in emergency mode"),
            ("ERROR: Verification failed: (0x1A) Security Violation", "Secure Boot refused a program"),
            ("grub> ", "GRUB has no configuration, or it failed"),
            ("BdsDxe: No bootable option or device was found.", "the firmware found nothing to boot"),
        ] {
            assert_eq!(trouble(line), Some(meaning), "{line}");
        }
        for line in ["Welcome to GRUB!", "BdsDxe: failed to load Boot0001", "Loading initial ramdisk ..."] {
            assert_eq!(trouble(line), None, "{line}");
        }
    }

    #[test]
    fn a_prompt_is_seen_though_its_line_has_no_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("console");
        let mut tail = Tail::new(&path).unwrap();
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        file.write_all(b"one\ntwo (init").unwrap();
        assert_eq!(tail.grow().unwrap(), "one\ntwo (init");
        file.write_all(b"ramfs)").unwrap();
        assert_eq!(tail.grow().unwrap(), "two (initramfs)");
        assert_eq!(tail.grow().unwrap(), "");
        assert_eq!(tail.text(), "one\ntwo (initramfs)");
    }

    #[test]
    fn a_node_tells_where_it_is() {
        let text = "[  9.1] x: y NUVOL url=http://10.0.2.15/ claim=K7QF-93MX name=nuvol-1a2b3c4d\nlogin:";
        let expected = Announcement {
            url: "http://10.0.2.15/".into(),
            claim: Some("K7QF-93MX".into()),
            name: "nuvol-1a2b3c4d".into(),
        };
        assert_eq!(announcement(text), Some(expected));
        let owned = announcement("NUVOL url=http://10.0.2.15/ claim= name=nuvol-1a2b3c4d").unwrap();
        assert_eq!(owned.claim, None);
        assert_eq!(announcement("NUVOL url=http://10.0.2.15/ claim=K7"), None);
    }

    #[test]
    fn control_sequences_are_taken_out() {
        assert_eq!(plain(b"\x1b[0m\x1b[30;47mWelcome\x1b[K to\x1bc GRUB!\r\n\x07"), "Welcome to GRUB!\n");
    }

    #[test]
    fn the_last_words_leave_out_empty_ones() {
        assert_eq!(last_words("a\n\nb\n \nc\n", 2), "b\nc");
    }

    #[test]
    fn the_last_words_of_a_crashed_kernel_begin_with_the_crash() {
        let crash = "[    3.0] int3: 0000 [#1] PREEMPT SMP\n[    3.1] RIP: 0010:x+0x1/0x2\nmore\nPanic";
        assert_eq!(last_words(&format!("a\nb\n{crash}\n"), 2), crash);
    }
}
