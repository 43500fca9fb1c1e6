//! The firmware of a virtual machine: which there are, and where their files lie.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::spec::Architecture;

/// Where Debian's packages keep UEFI's files, a folder each.
pub const FOLDER: &str = "/usr/share";

/// What starts the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// The old PC BIOS.
    Bios,
    /// UEFI that starts anything.
    Uefi,
    /// UEFI that starts only what Microsoft's keys vouch for.
    SecureBoot,
}

impl Firmware {
    /// Every firmware, in order.
    pub const ALL: [Self; 3] = [Self::Bios, Self::Uefi, Self::SecureBoot];

    /// Those that machines of `architecture` may have.
    pub fn of(architecture: Architecture) -> Vec<Self> {
        let known = |it: &Self| architecture == Architecture::Amd64 || *it != Self::Bios;
        Self::ALL.into_iter().filter(known).collect()
    }

    /// The word on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::Uefi => "uefi",
            Self::SecureBoot => "secure-boot",
        }
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// UEFI's two parts: the program, and a fresh memory of its settings and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UefiFiles {
    /// The program; only read.
    pub code: PathBuf,
    /// The settings to start from; each machine writes to a copy.
    pub vars: PathBuf,
}

/// There is no such firmware.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("firmware for `{firmware}` on {architecture} (looked for in `{folder}`; install it by `apt-get install {package}`)", folder = folder.display())]
pub struct Missing {
    /// What was looked for.
    pub firmware: Firmware,
    /// For which machine.
    pub architecture: Architecture,
    /// Where.
    pub folder: PathBuf,
    /// The package that has it.
    pub package: &'static str,
}

/// The files of `firmware` for machines of `architecture` below `share`; BIOS comes with QEMU and has none.
pub fn files(
    share: &Path,
    architecture: Architecture,
    firmware: Firmware,
) -> Result<Option<UefiFiles>, Missing> {
    let (folder, package) = match architecture {
        Architecture::Amd64 => ("OVMF", "ovmf"),
        Architecture::Arm64 => ("AAVMF", "qemu-efi-aarch64"),
    };
    let folder = share.join(folder);
    // Of OVMF the 4M builds first: the small ones are too small for today's revocation lists.
    let pairs: &[(&str, &str)] = match (architecture, firmware) {
        (Architecture::Amd64, Firmware::Bios) => return Ok(None),
        (Architecture::Arm64, Firmware::Bios) => &[],
        (Architecture::Arm64, Firmware::Uefi) => {
            &[("AAVMF_CODE.no-secboot.fd", "AAVMF_VARS.fd"), ("AAVMF_CODE.fd", "AAVMF_VARS.fd")]
        }
        (Architecture::Arm64, Firmware::SecureBoot) => &[("AAVMF_CODE.ms.fd", "AAVMF_VARS.ms.fd")],
        (Architecture::Amd64, Firmware::Uefi) => {
            &[("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd")]
        }
        (Architecture::Amd64, Firmware::SecureBoot) => &[
            ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"),
            ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"),
            ("OVMF_CODE.ms.fd", "OVMF_VARS.ms.fd"),
        ],
    };
    pairs
        .iter()
        .map(|(code, vars)| UefiFiles { code: folder.join(code), vars: folder.join(vars) })
        .find(|files| files.code.is_file() && files.vars.is_file())
        .map(Some)
        .ok_or_else(|| Missing { firmware, architecture, folder: folder.clone(), package })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Firmware, files};
    use crate::spec::Architecture::{Amd64, Arm64};

    fn share(folder: &str, names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(folder)).unwrap();
        names.iter().for_each(|name| std::fs::write(dir.path().join(folder).join(name), "").unwrap());
        dir
    }

    #[test]
    fn bios_needs_no_files_and_is_for_pcs() {
        assert_eq!(files(Path::new("/nowhere"), Amd64, Firmware::Bios), Ok(None));
        assert!(files(Path::new("/nowhere"), Arm64, Firmware::Bios).is_err());
        assert_eq!(Firmware::of(Arm64), [Firmware::Uefi, Firmware::SecureBoot]);
    }

    #[test]
    fn the_larger_build_is_taken_first() {
        let all = ["OVMF_CODE.fd", "OVMF_VARS.fd", "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"];
        let dir = share("OVMF", &all);
        let found = files(dir.path(), Amd64, Firmware::Uefi).unwrap().unwrap();
        assert_eq!(found.code, dir.path().join("OVMF/OVMF_CODE_4M.fd"));
        assert_eq!(found.vars, dir.path().join("OVMF/OVMF_VARS_4M.fd"));
    }

    #[test]
    fn secure_boot_is_never_run_with_unlocked_firmware() {
        let dir = share("OVMF", &["OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", "OVMF_CODE_4M.ms.fd"]);
        let err = files(dir.path(), Amd64, Firmware::SecureBoot).unwrap_err();
        assert!(err.to_string().contains("`apt-get install ovmf`"), "{err}");
        std::fs::write(dir.path().join("OVMF/OVMF_VARS_4M.ms.fd"), "").unwrap();
        assert!(files(dir.path(), Amd64, Firmware::SecureBoot).is_ok());
    }

    #[test]
    fn arm_has_firmware_of_its_own() {
        let dir = share("AAVMF", &["AAVMF_CODE.fd", "AAVMF_VARS.fd"]);
        let found = files(dir.path(), Arm64, Firmware::Uefi).unwrap().unwrap();
        assert_eq!(found.code, dir.path().join("AAVMF/AAVMF_CODE.fd"));
        let err = files(dir.path(), Arm64, Firmware::SecureBoot).unwrap_err();
        assert!(err.to_string().contains("`apt-get install qemu-efi-aarch64`"), "{err}");
    }
}
