//! Running and boot-testing a finished image in QEMU.
//!
//! An artefact goes in, a running machine or a `trial::Trial` comes out. The artefact is never
//! written to: disks get an overlay, media are attached for reading. Nothing in the image helps
//! the test: the verdict comes in as systemd credentials and speaks through a serial port of its own.

pub mod agent;
pub mod artefact;
pub mod clones;
pub mod console;
pub mod credentials;
pub mod firmware;
pub mod judge;
pub mod machine;
pub mod negative;
pub mod qemu;
pub mod report;
pub mod session;
pub mod trial;
pub mod verdict;

/// Something that `run` and `test` need on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// A program's name, or a file's path.
    pub thing: &'static str,
    /// The Debian package that has it.
    pub package: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

/// Everything that `run` and `test` need on this machine.
pub fn requirements() -> Vec<Requirement> {
    let need = |thing, package, purpose| Requirement { thing, package, purpose };
    vec![
        need("qemu-system-x86_64", "qemu-system-x86", "runs images"),
        need("qemu-img", "qemu-utils", "keeps what a running image writes apart from the image"),
        need("setpriv", "util-linux", "lets no machine outlive nuvol"),
        need("mcopy", "mtools", "puts an unsigned boot loader on a scratch disk"),
        need("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "ovmf", "boots images by UEFI and Secure Boot"),
    ]
}
