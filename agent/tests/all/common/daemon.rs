//! A D-Bus of a test's own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A dbus-daemon that ends with the test.
pub struct Daemon {
    process: Child,
    pub address: String,
}

impl Daemon {
    pub fn start(dir: &Path) -> Self {
        let address = format!("unix:path={}", dir.join("bus").display());
        let config = dir.join("bus.conf");
        let policy = r#"<allow send_destination="*"/><allow own="*"/><allow eavesdrop="true"/>"#;
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\"><busconfig>\
             <listen>{address}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\">{policy}</policy></busconfig>"
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.arg("--config-file").arg(&config).args(["--nofork", "--nopidfile"]);
        let process =
            command.stderr(Stdio::null()).spawn().expect("dbus-daemon, of Debian's package dbus-daemon");
        Self { process, address }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
