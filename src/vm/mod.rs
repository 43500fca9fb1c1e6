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
use crate::spec::Architecture;
use firmware::Firmware;

const PROGRAMS: [(&str, &str, &str); 2] = [
    ("qemu-img", "qemu-utils", "to keep what a running image writes apart from the image"),
    ("setpriv", "util-linux", "to let no machine outlive nuvol"),
];

/// Everything for `run` and `test` of images for `architecture` that is missing on this machine.
pub fn missing(architecture: Architecture) -> Vec<Need> {
    let mut needs = missing_for(architecture, &Firmware::of(architecture));
    needs.extend(negative::missing());
    needs
}

/// What is missing on this machine for booting images for `architecture` with each firmware of `list`.
pub fn missing_for(architecture: Architecture, list: &[Firmware]) -> Vec<Need> {
    let package = match architecture {
        Architecture::Amd64 => "qemu-system-x86",
        Architecture::Arm64 => "qemu-system-arm",
    };
    let program = qemu::program(architecture);
    let absent = PROGRAMS.into_iter().chain([(program.as_str(), package, "to run images")]);
    let absent = absent.filter(|(file, ..)| !is_program(file));
    let mut needs: Vec<Need> = absent.map(|(file, package, why)| Need::program(file, package, why)).collect();
    let found = |it: &Firmware| firmware::files(Path::new(firmware::FOLDER), architecture, *it);
    needs.extend(list.iter().find_map(|it| found(it).err()).map(|it| Need {
        what: it.to_string(),
        why: "to boot images by UEFI and Secure Boot".to_owned(),
        mend: format!("apt-get install {}", it.package),
    }));
    needs
}
