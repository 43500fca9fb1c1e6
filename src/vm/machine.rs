//! A virtual machine as plain data, and the QEMU arguments that it means. Pure.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::firmware::{Firmware, UefiFiles};
use crate::spec::Architecture;

/// What runs the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor itself.
    Kvm,
    /// QEMU's own translation: works everywhere, about ten times slower.
    Emulation,
}

/// How the image is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Medium {
    /// As the machine's disk.
    Disk,
    /// As a USB stick, for reading only.
    Usb,
    /// As a CD.
    Cd,
}

impl Medium {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Usb => "usb",
            Self::Cd => "cd",
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A file that QEMU shows to the guest as a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// The file.
    pub path: PathBuf,
    /// QEMU's name for what is in it (`raw`, `qcow2`).
    pub format: &'static str,
    /// How it is plugged in.
    pub medium: Medium,
}

/// A port of this machine's loopback that leads to a port of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// The port on 127.0.0.1.
    pub host: u16,
    /// The guest's TCP port.
    pub guest: u16,
}

/// A whole machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// What kind it is.
    pub architecture: Architecture,
    /// What runs it.
    pub accelerator: Accelerator,
    /// What starts it.
    pub firmware: Firmware,
    /// UEFI's files; the second one is written to.
    pub uefi: Option<UefiFiles>,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// What it boots from.
    pub boot: Drive,
    /// Further disks, for reading only.
    pub attached: Vec<PathBuf>,
    /// Ways in.
    pub forwards: Vec<Forward>,
    /// Where the text of each serial port goes, the console first.
    pub serials: Vec<PathBuf>,
    /// Files with one SMBIOS string each (type 11), which systemd takes credentials from.
    pub smbios: Vec<PathBuf>,
    /// A socket on which QEMU takes commands.
    pub monitor: Option<PathBuf>,
}

/// The arguments for QEMU.
pub fn arguments(machine: &Machine) -> Vec<String> {
    let mut args = Vec::new();
    let mut add = |words: &[&str]| args.extend(words.iter().map(|&word| word.to_owned()));
    add(&["-name", "nuvol", "-no-user-config", "-nodefaults", "-display", "none"]);
    if machine.architecture == Architecture::Amd64 {
        add(&["-vga", "std"]);
    } else if machine.accelerator == Accelerator::Emulation {
        // Without a name it would be a 32-bit processor.
        add(&["-cpu", "cortex-a72"]);
    }
    add(match machine.accelerator {
        Accelerator::Kvm => &["-accel", "kvm", "-cpu", "host", "-smp", "2"],
        // With two emulated processors Linux panics once in many boots, in its first seconds: one of them changes
        // code while the other runs it (`int3`; Red Hat's bug 2216496 has it for QEMU 8.0).
        Accelerator::Emulation => &["-accel", "tcg,thread=multi", "-smp", "1"],
    });
    add(&["-m", &machine.memory_mib.to_string()]);
    // A reset is an end: a machine that starts over and over must not look like one that is slow.
    add(&["-no-reboot", "-device", "virtio-rng-pci"]);
    for words in firmware(machine).iter().chain(&drives(machine)).chain(&network(&machine.forwards)) {
        add(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for (number, path) in machine.serials.iter().enumerate() {
        add(&["-chardev", &format!("file,id=serial{number},path={}", escaped(path))]);
        // QEMU's ARM machine has one serial port of its own; what comes after is plugged in.
        match (machine.architecture, number) {
            (Architecture::Amd64, _) | (_, 0) => add(&["-serial", &format!("chardev:serial{number}")]),
            _ => add(&["-device", &format!("pci-serial,chardev=serial{number}")]),
        }
    }
    for path in &machine.smbios {
        add(&["-smbios", &format!("type=11,path={}", escaped(path))]);
    }
    if let Some(path) = &machine.monitor {
        add(&["-qmp", &format!("unix:{},server=on,wait=off", escaped(path))]);
    }
    args
}

/// The port on which a guest tells its verdict, the second of `Machine::serials`, by the guest's own name.
pub fn verdict_port(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "ttyS1",
        // The first one is ttyAMA0.
        Architecture::Arm64 => "ttyS0",
    }
}

fn firmware(machine: &Machine) -> Vec<[String; 2]> {
    let is_pc = machine.architecture == Architecture::Amd64;
    let mut kind = if is_pc { "q35" } else { "virt" }.to_owned();
    let mut words = Vec::new();
    if is_pc && machine.firmware == Firmware::SecureBoot {
        // Only code in system management mode may write the keys, else the guest could add its own.
        kind.push_str(",smm=on");
        words.push(pair("-global", "driver=cfi.pflash01,property=secure,value=on"));
    }
    words.insert(0, pair("-machine", kind));
    if let Some(files) = &machine.uefi {
        let (code, vars) = (escaped(&files.code), escaped(&files.vars));
        words.push(pair("-drive", format!("if=pflash,unit=0,format=raw,readonly=on,file={code}")));
        words.push(pair("-drive", format!("if=pflash,unit=1,format=raw,file={vars}")));
    }
    words
}

fn drives(machine: &Machine) -> Vec<[String; 2]> {
    let is_pc = machine.architecture == Architecture::Amd64;
    let Drive { path, format, medium } = &machine.boot;
    let file = format!("if=none,id=boot,format={format},file={}", escaped(path));
    let mut words = match medium {
        Medium::Disk => vec![
            // What the guest flushes need not reach the platter: only a crash of this machine could lose it.
            pair("-drive", format!("{file},cache=unsafe,discard=unmap")),
            pair("-device", "virtio-blk-pci,drive=boot,bootindex=0"),
        ],
        Medium::Usb => vec![
            pair("-drive", format!("{file},readonly=on")),
            pair("-device", "qemu-xhci"),
            pair("-device", "usb-storage,drive=boot,removable=on,bootindex=0"),
        ],
        Medium::Cd if !is_pc => vec![
            pair("-drive", format!("{file},readonly=on,media=cdrom")),
            pair("-device", "virtio-scsi-pci"),
            pair("-device", "scsi-cd,drive=boot,bootindex=0"),
        ],
        Medium::Cd => vec![
            pair("-drive", format!("{file},readonly=on,media=cdrom")),
            pair("-device", "ide-cd,drive=boot,bootindex=0"),
        ],
    };
    for (number, path) in machine.attached.iter().enumerate() {
        let path = escaped(path);
        words.push(pair("-drive", format!("if=none,id=extra{number},format=raw,readonly=on,file={path}")));
        words.push(pair("-device", format!("virtio-blk-pci,drive=extra{number},serial=nuvol-extra{number}")));
    }
    words
}

fn network(forwards: &[Forward]) -> Vec<[String; 2]> {
    let ways: String =
        forwards.iter().map(|it| format!(",hostfwd=tcp:127.0.0.1:{}-:{}", it.host, it.guest)).collect();
    vec![pair("-netdev", format!("user,id=net{ways}")), pair("-device", "virtio-net-pci,netdev=net,romfile=")]
}

fn pair(flag: &str, value: impl Into<String>) -> [String; 2] {
    [flag.to_owned(), value.into()]
}

/// QEMU parts options at commas; a comma of a path is written twice.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::{Accelerator, Drive, Forward, Machine, Medium, arguments};
    use crate::spec::Architecture;
    use crate::vm::firmware::{Firmware, UefiFiles};

    fn machine() -> Machine {
        Machine {
            architecture: Architecture::Amd64,
            accelerator: Accelerator::Emulation,
            firmware: Firmware::Bios,
            uefi: None,
            memory_mib: 1024,
            boot: Drive { path: "/w/disk.qcow2".into(), format: "qcow2", medium: Medium::Disk },
            attached: vec![],
            forwards: vec![Forward { host: 8080, guest: 80 }],
            serials: vec!["/w/console.log".into()],
            smbios: vec![],
            monitor: None,
        }
    }

    #[test]
    fn a_bios_disk() {
        let expected = "-name nuvol -no-user-config -nodefaults -display none -vga std -accel tcg,thread=multi \
            -smp 1 -m 1024 -no-reboot -device virtio-rng-pci -machine q35 \
            -drive if=none,id=boot,format=qcow2,file=/w/disk.qcow2,cache=unsafe,discard=unmap \
            -device virtio-blk-pci,drive=boot,bootindex=0 \
            -netdev user,id=net,hostfwd=tcp:127.0.0.1:8080-:80 -device virtio-net-pci,netdev=net,romfile= \
            -chardev file,id=serial0,path=/w/console.log -serial chardev:serial0";
        assert_eq!(arguments(&machine()).join(" "), expected);
    }

    #[test]
    fn a_stick_under_secure_boot() {
        let stick = Machine {
            firmware: Firmware::SecureBoot,
            uefi: Some(UefiFiles { code: "/o/code".into(), vars: "/w/vars".into() }),
            boot: Drive { path: "/w/a,b.iso".into(), format: "raw", medium: Medium::Usb },
            attached: vec!["/w/debs.img".into()],
            forwards: vec![],
            serials: vec![],
            smbios: vec!["/w/one".into()],
            monitor: Some("/w/monitor".into()),
            architecture: Architecture::Amd64,
            accelerator: Accelerator::Kvm,
            memory_mib: 512,
        };
        let expected = "-name nuvol -no-user-config -nodefaults -display none -vga std -accel kvm -cpu host \
            -smp 2 -m 512 -no-reboot -device virtio-rng-pci -machine q35,smm=on \
            -global driver=cfi.pflash01,property=secure,value=on \
            -drive if=pflash,unit=0,format=raw,readonly=on,file=/o/code \
            -drive if=pflash,unit=1,format=raw,file=/w/vars \
            -drive if=none,id=boot,format=raw,file=/w/a,,b.iso,readonly=on -device qemu-xhci \
            -device usb-storage,drive=boot,removable=on,bootindex=0 \
            -drive if=none,id=extra0,format=raw,readonly=on,file=/w/debs.img \
            -device virtio-blk-pci,drive=extra0,serial=nuvol-extra0 \
            -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= \
            -smbios type=11,path=/w/one -qmp unix:/w/monitor,server=on,wait=off";
        assert_eq!(arguments(&stick).join(" "), expected);
    }

    #[test]
    fn an_arm_machine_has_its_second_serial_port_plugged_in() {
        let arm = Machine {
            architecture: Architecture::Arm64,
            firmware: Firmware::SecureBoot,
            uefi: Some(UefiFiles { code: "/o/code".into(), vars: "/w/vars".into() }),
            serials: vec!["/w/console.log".into(), "/w/verdict.log".into()],
            ..machine()
        };
        let line = arguments(&arm).join(" ");
        assert!(line.contains("-display none -cpu cortex-a72 -accel tcg"), "{line}");
        assert!(line.contains("-machine virt -drive if=pflash,unit=0"), "{line}");
        assert!(
            line.contains("-serial chardev:serial0 -chardev file,id=serial1,path=/w/verdict.log"),
            "{line}"
        );
        assert!(line.ends_with("-device pci-serial,chardev=serial1"), "{line}");
    }

    #[test]
    fn a_cd_is_for_reading() {
        let boot = Drive { path: "/w/n.iso".into(), format: "raw", medium: Medium::Cd };
        let line = arguments(&Machine { boot, ..machine() }).join(" ");
        assert!(
            line.contains("file=/w/n.iso,readonly=on,media=cdrom -device ide-cd,drive=boot,bootindex=0"),
            "{line}"
        );
    }
}
