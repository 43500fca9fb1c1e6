//! Programs of another architecture: the kernel hands them to an emulator that is registered for our own
//! user namespace alone, so that nothing of the host is altered (binfmt_misc, Linux 6.7 and later).

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::{Host, Need};

/// Where the register is mounted; it may be anywhere.
const FOLDER: &str = "/run/binfmt_misc";
const NONE: Option<&str> = None;

/// Lets `emulator`, a static program named `qemu-<machine>`, run programs for that machine from here on.
/// Must be called by the first process of a pid namespace, before it has threads.
pub fn begin(emulator: &Path) -> anyhow::Result<()> {
    let name = emulator.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let line =
        registration(&name, emulator).with_context(|| format!("`{name}` emulates no machine known here"))?;
    own_user_namespace().context("making a user namespace for another architecture's programs")?;
    register(&line).context("letting the kernel run another architecture's programs (Linux 6.7 and later)")
}

/// What this machine lacks for it.
pub fn missing(host: &Host) -> Option<Need> {
    let shell = host.shell();
    let mount = ["--user", "--map-root-user", "--mount", "mount", "-t", "binfmt_misc", "binfmt_misc", "/tmp"];
    host.run(xshell::cmd!(shell, "unshare {mount...}")).is_err().then(|| Need {
        what: "programs of other architectures (binfmt_misc in a user namespace)".into(),
        why: "to build for an architecture that is not this machine's".into(),
        mend: "modprobe binfmt_misc; it takes Linux 6.7 or newer".into(),
    })
}

fn register(line: &[u8]) -> anyhow::Result<()> {
    fs::create_dir_all(FOLDER).context("making a place for the register")?;
    mount(Some("binfmt_misc"), FOLDER, Some("binfmt_misc"), MsFlags::empty(), NONE)
        .context("mounting binfmt_misc")?;
    fs::write(Path::new(FOLDER).join("register"), line).context("registering the emulator")
}

/// A line for the kernel (Documentation/admin-guide/binfmt-misc.rst): the beginning of ELF programs for the
/// machine, and a mask that leaves out the operating system, and takes executables and libraries alike.
/// `F` opens the emulator now, so that it need not be in the tree; `P` tells it by which name it was called.
fn registration(name: &str, emulator: &Path) -> Option<Vec<u8>> {
    let machine: u8 = match name {
        "qemu-aarch64" => 0xb7,
        "qemu-x86_64" => 0x3e,
        _ => return None,
    };
    let header = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let magic = header(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0]);
    let mask = header(&[
        255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 254, 255, 255, 255,
    ]);
    Some(format!(":{name}:M::{magic}:{mask}:{}:PF", emulator.display()).into_bytes())
}

/// Moves us into a user namespace with the same users. Only someone outside of it may say who is who in
/// there, so that is done by a child that was there before.
fn own_user_namespace() -> anyhow::Result<()> {
    const SCRIPT: &str = "read -r _ && echo \"$1\" >/proc/1/uid_map && echo \"$2\" >/proc/1/gid_map";
    let (uids, gids) = (same_ids("uid_map")?, same_ids("gid_map")?);
    #[expect(clippy::disallowed_methods, reason = "this is inside the sandbox, where there is no `Host`")]
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT, "sh", &uids, &gids])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting a helper")?;
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).context("leaving the old one")?;
    child
        .stdin
        .take()
        .context("the helper does not listen")?
        .write_all(b"go\n")
        .context("telling the helper")?;
    let status = child.wait().context("waiting for the helper")?;
    let mut said = String::new();
    child.stderr.take().context("the helper does not speak")?.read_to_string(&mut said)?;
    anyhow::ensure!(status.success(), "the helper failed: {}", said.trim());
    Ok(())
}

/// Our ids, each as itself.
fn same_ids(map: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let path = Path::new("/proc/self").join(map);
    File::open(&path).and_then(|mut it| it.read_to_string(&mut text)).context("reading our own ids")?;
    let same = |line: &str| {
        let mut words = line.split_whitespace();
        let (inside, _, count) = (words.next()?, words.next()?, words.next()?);
        Some(format!("{inside} {inside} {count}"))
    };
    Ok(text.lines().filter_map(same).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::registration;

    #[test]
    fn an_emulator_is_known_by_its_name() {
        let line =
            String::from_utf8(registration("qemu-aarch64", "/s/qemu-aarch64".as_ref()).unwrap()).unwrap();
        assert!(line.starts_with(r":qemu-aarch64:M::\x7f\x45\x4c\x46\x02\x01"), "{line}");
        assert!(line.contains(r"\x02\x00\xb7\x00:\xff"), "{line}");
        assert!(line.ends_with(":/s/qemu-aarch64:PF"), "{line}");
        assert_eq!(registration("qemu-m68k", "/s/qemu-m68k".as_ref()), None);
    }
}
