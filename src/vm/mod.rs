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
pub mod guest;
pub mod interrupt;
pub mod judge;
pub mod machine;
pub mod negative;
pub mod qemu;
pub mod report;
pub mod session;
pub mod trial;
pub mod verdict;
pub mod workplace;

use std::path::Path;

use crate::host::{Need, is_program};
use firmware::Firmware;

const PROGRAMS: [(&str, &str, &str); 3] = [
    ("qemu-system-x86_64", "qemu-system-x86", "to run images"),
    ("qemu-img", "qemu-utils", "to keep what a running image writes apart from the image"),
    ("setpriv", "util-linux", "to let no machine outlive nuvol"),
];

/// Everything for `run` and `test` that is missing on this machine.
pub fn missing() -> Vec<Need> {
    let mut needs = missing_for(&Firmware::ALL);
    needs.extend(negative::missing());
    needs
}

/// What is missing on this machine for booting images with each firmware of `list`.
pub fn missing_for(list: &[Firmware]) -> Vec<Need> {
    let absent = PROGRAMS.into_iter().filter(|(file, ..)| !is_program(file));
    let mut needs: Vec<Need> = absent.map(|(file, package, why)| Need::program(file, package, why)).collect();
    let folder = Path::new(firmware::OVMF_FOLDER);
    needs.extend(list.iter().find_map(|&it| firmware::files(folder, it).err()).map(|it| Need {
        what: it.to_string(),
        why: "to boot images by UEFI and Secure Boot".to_owned(),
        mend: "apt-get install ovmf".to_owned(),
    }));
    needs
}
