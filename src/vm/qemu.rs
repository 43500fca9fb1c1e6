//! The one place that starts QEMU, and makes sure that none is left behind.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

use anyhow::Context as _;

use super::machine::{Accelerator, Machine, arguments};
use crate::spec::Architecture;

/// A running QEMU. It is killed and reaped when this value goes, and killed by the kernel when
/// nuvol itself is killed.
#[must_use]
pub struct Qemu {
    child: Child,
    log: PathBuf,
}

impl Qemu {
    /// Starts `machine`; what QEMU says about itself goes to `qemu.log` in `dir`.
    ///
    /// To be called on the main thread: the kernel's promise to kill QEMU with its parent is
    /// about the thread that started it.
    pub fn start(machine: &Machine, dir: &Path) -> anyhow::Result<Self> {
        let log = dir.join("qemu.log");
        let program = program(machine.architecture);
        let file = File::create(&log).with_context(|| format!("making `{}`", log.display()))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "QEMU is long-lived: this guard, not Host::run, looks after it"
        )]
        let child = std::process::Command::new("setpriv")
            .args(["--pdeathsig", "KILL", &program])
            .args(arguments(machine))
            // Ctrl-C is for us: we decide whether the guest may still write down what it has.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("sharing QEMU's log")?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting `{program}`"))?;
        Ok(Self { child, log })
    }

    /// How QEMU ended, if it has.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("asking after QEMU")
    }

    /// What QEMU said about itself.
    pub fn complaint(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default().trim().to_owned()
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Both fail only if QEMU is gone already, which is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The QEMU for machines of `architecture`.
pub fn program(architecture: Architecture) -> String {
    format!("qemu-system-{}", architecture.machine())
}

/// KVM where it really works and the machine is of the host's kind, else emulation.
pub fn accelerator(architecture: Architecture) -> Accelerator {
    if architecture != Architecture::of_host() {
        return Accelerator::Emulation;
    }
    // /dev/kvm can be there on a processor without the instructions (nested machines, containers).
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let able = flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    if able && File::options().read(true).write(true).open("/dev/kvm").is_ok() {
        Accelerator::Kvm
    } else {
        Accelerator::Emulation
    }
}
