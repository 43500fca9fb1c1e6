//! What a build needs of the host, found out before any work starts: each missing thing with
//! the exact command that mends it.

use std::path::Path;

use anyhow::Context as _;
use xshell::cmd;

use super::Host;

/// Something that the host must have.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Need {
    /// What it is.
    pub what: String,
    /// Why it is needed.
    pub why: String,
    /// The command that brings it.
    pub mend: String,
}

impl Need {
    /// A program `file` of the Debian package `package`.
    pub fn program(file: &str, package: &str, why: &str) -> Self {
        let mend = format!("apt-get install {package}");
        Self { what: format!("program `{file}`"), why: why.to_owned(), mend }
    }
}

const PROGRAMS: [(&str, &str, &str); 6] = [
    ("apt-get", "apt", "to read and verify the Debian archive's index"),
    ("dpkg-deb", "dpkg", "to read packages"),
    ("mmdebstrap", "mmdebstrap", "to make the tools root"),
    ("unshare", "util-linux", "to work in namespaces"),
    ("setpriv", "util-linux", "to end programs when nuvol ends"),
    ("date", "coreutils", "to read the archive's dates"),
];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-trixie-stable.gpg";
/// Tree, package files and images of a large profile, with room.
const SHELF_BYTES: u64 = 8 << 30;
/// The tree being installed lies in memory.
const MEMORY_BYTES: u64 = 3 << 30;

/// All that is missing on this host for builds with the shelf in `shelf`.
pub fn missing(host: &Host, shelf: &Path) -> anyhow::Result<Vec<Need>> {
    let mut needs = Vec::new();
    for (file, package, why) in PROGRAMS {
        if !is_program(file) {
            needs.push(Need::program(file, package, why));
        }
    }
    if !Path::new(KEYRING).exists() {
        needs.push(Need {
            what: "Debian 13's archive keys".into(),
            why: "to verify the archive's signatures".into(),
            mend: "apt-get install debian-archive-keyring".into(),
        });
    }
    needs.extend(namespaces(host));
    needs.extend(space(shelf)?);
    needs.extend(memory());
    Ok(needs)
}

/// Whether `name` is a program on the path that programs are started with.
pub fn is_program(name: &str) -> bool {
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|dir| Path::new(dir).join(name).is_file())
}

fn namespaces(host: &Host) -> Option<Need> {
    let shell = host.shell();
    let why = "to build without touching this machine".to_owned();
    if nix::unistd::geteuid().is_root() {
        let works = host.run(cmd!(shell, "unshare --mount --pid --fork --propagation private true")).is_ok();
        return (!works).then(|| Need {
            what: "mount namespaces".into(),
            why,
            mend: "run outside a container, or start the container with --privileged".into(),
        });
    }
    if !is_program("newuidmap") {
        return Some(Need::program("newuidmap", "uidmap", "to map user ids in a namespace"));
    }
    if host.run(cmd!(shell, "unshare --user --map-root-user --map-auto --mount true")).is_ok() {
        return None;
    }
    let restricted = std::fs::read_to_string("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    let name = nix::unistd::User::from_uid(nix::unistd::geteuid())
        .ok()
        .flatten()
        .map_or_else(|| "$USER".to_owned(), |user| user.name);
    let mend = if restricted.is_ok_and(|text| text.trim() == "1") {
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0".to_owned()
    } else if std::fs::read_to_string("/proc/sys/user/max_user_namespaces")
        .is_ok_and(|text| text.trim() == "0")
    {
        "sysctl -w user.max_user_namespaces=15000".to_owned()
    } else {
        format!("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}")
    };
    Some(Need { what: "user namespaces with a range of ids".into(), why, mend })
}

fn space(shelf: &Path) -> anyhow::Result<Option<Need>> {
    let existing = shelf.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let stat = nix::sys::statvfs::statvfs(existing)
        .with_context(|| format!("asking for space in `{}`", existing.display()))?;
    let free = stat.blocks_available() * stat.fragment_size();
    Ok((free < SHELF_BYTES).then(|| Need {
        what: format!("space: `{}` has {} MiB free", existing.display(), free >> 20),
        why: format!("the shelf and the images take up to {} MiB", SHELF_BYTES >> 20),
        mend: "free some space, or choose another place with --cache DIR".into(),
    }))
}

fn memory() -> Option<Need> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()
    };
    let free = (kib("MemAvailable")? + kib("SwapFree")?) << 10;
    (free < MEMORY_BYTES).then(|| Need {
        what: format!("memory: {} MiB available", free >> 20),
        why: "packages are installed in memory".into(),
        mend: "close programs, or add swap".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::is_program;

    #[test]
    fn programs_are_found_where_they_are_started_from() {
        assert!(is_program("sh"));
        assert!(!is_program("no-such-program"));
    }
}
