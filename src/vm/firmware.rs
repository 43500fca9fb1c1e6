//! The firmware of a virtual machine: which there are, and where their files lie.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Where Debian's package `ovmf` keeps its files.
pub const OVMF_FOLDER: &str = "/usr/share/OVMF";

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
#[error("firmware for `{firmware}` (OVMF, looked for in `{folder}`; install it by `apt-get install ovmf`)", folder = folder.display())]
pub struct Missing {
    /// What was looked for.
    pub firmware: Firmware,
    /// Where.
    pub folder: PathBuf,
}

/// The files of `firmware` in `folder`; BIOS comes with QEMU and has none.
pub fn files(folder: &Path, firmware: Firmware) -> Result<Option<UefiFiles>, Missing> {
    // The 4M builds first: the small ones are too small for today's revocation lists.
    let pairs: &[(&str, &str)] = match firmware {
        Firmware::Bios => return Ok(None),
        Firmware::Uefi => &[("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd")],
        Firmware::SecureBoot => &[
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
        .ok_or_else(|| Missing { firmware, folder: folder.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Firmware, files};

    #[test]
    fn bios_needs_no_files() {
        assert_eq!(files(std::path::Path::new("/nowhere"), Firmware::Bios), Ok(None));
    }

    #[test]
    fn the_larger_build_is_taken_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["OVMF_CODE.fd", "OVMF_VARS.fd", "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = files(dir.path(), Firmware::Uefi).unwrap().unwrap();
        assert_eq!(found.code, dir.path().join("OVMF_CODE_4M.fd"));
        assert_eq!(found.vars, dir.path().join("OVMF_VARS_4M.fd"));
    }

    #[test]
    fn secure_boot_is_never_run_with_unlocked_firmware() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", "OVMF_CODE_4M.ms.fd"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let err = files(dir.path(), Firmware::SecureBoot).unwrap_err();
        assert!(err.to_string().contains("`apt-get install ovmf`"), "{err}");
        std::fs::write(dir.path().join("OVMF_VARS_4M.ms.fd"), "").unwrap();
        assert!(files(dir.path(), Firmware::SecureBoot).is_ok());
    }
}
