//! A Perl that stays: packages' scripts call some of Debian's small Perl programs dozens of times, and each time
//! loading Perl and its modules takes most of the time: 40 ms with it, 8 without (W1 on 2 processors, by perf).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use xshell::{Shell, cmd};

/// The programs, which need no other modules than those that are loaded.
const PROGRAMS: [&str; 2] = ["/usr/bin/deb-systemd-helper", "/usr/sbin/update-rc.d"];
const SERVER: &str = include_str!("perl.pl");

/// The Perl of a tree at work.
pub struct Perl {
    /// Its pipes lie there.
    place: PathBuf,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Perl {
    /// Starts the Perl of `tree`, if it has the programs. Below `place`, a folder of `tree` that comes first in the path
    /// of packages' scripts, it puts something of their names. Only one script may run at a time, as with dpkg.
    pub fn start(tree: &Path, place: &str) -> anyhow::Result<Option<Self>> {
        let there = |name: &&str| tree.join(name.trim_start_matches('/')).exists();
        if !["/usr/bin/perl"].iter().chain(&PROGRAMS).all(there) {
            return Ok(None);
        }
        let inside = Path::new("/").join(place);
        let place = tree.join(place);
        let what = "starting the Perl for packages' scripts";
        for name in ["ask", "answer"] {
            mkfifo(&place.join(name), Mode::S_IRUSR | Mode::S_IWUSR).context(what)?;
        }
        fs::write(place.join("perl.pl"), SERVER).context(what)?;
        for program in PROGRAMS {
            let path = place.join(Path::new(program).file_name().unwrap_or_default());
            fs::write(&path, asking(&inside))
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
                .context(what)?;
        }
        let shell = Shell::new().context("finding the working folder")?;
        let (server, programs) = (inside.join("perl.pl"), PROGRAMS);
        let command = cmd!(shell, "chroot {tree} /usr/bin/perl {server} {inside} {programs...}");
        let child = Command::from(command).stdin(Stdio::null()).spawn().context(what)?;
        let ends = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let ends = Arc::clone(&ends);
            move || watch(child, &ends)
        });
        Ok(Some(Self { place, ends, thread }))
    }

    /// Ends it; the folder is whole afterwards.
    pub fn end(self) -> anyhow::Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        // Nothing asked means that nothing more will be.
        fs::write(self.place.join("ask"), "").context("ending the Perl for packages' scripts")?;
        self.thread
            .join()
            .map_err(|_| anyhow::anyhow!("the thread of the Perl for packages' scripts panicked"))
    }
}

/// What stands for a program.
fn asking(place: &Path) -> String {
    let place = place.display();
    format!(
        "#!/bin/sh\n\
         printf '%s\\0' $$ \"${{0##*/}}\" \"$@\" >{place}/ask\n\
         read -r status <{place}/answer\n\
         exit \"$status\"\n"
    )
}

/// Whoever asks one that is gone would wait for ever.
fn watch(mut child: Child, ends: &AtomicBool) {
    let status = child.wait();
    if !ends.load(Ordering::Relaxed) {
        eprintln!("the Perl for packages' scripts ended early: {status:?}");
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    use super::{Mode, SERVER, Shell, asking, cmd, mkfifo};

    #[test]
    fn a_program_runs_as_if_its_caller_were_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path();
        for name in ["ask", "answer"] {
            mkfifo(&place.join(name), Mode::S_IRWXU).unwrap();
        }
        fs::write(place.join("server"), SERVER).unwrap();
        let program =
            r#"use Cwd; print "$ENV{NAME}|", getcwd(), "|", join(",", @ARGV); print STDERR $0; exit 3;"#;
        fs::create_dir(place.join("real")).unwrap();
        fs::write(place.join("real/program"), program).unwrap();
        fs::write(place.join("program"), asking(place)).unwrap();
        fs::set_permissions(place.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
        let shell = Shell::new().unwrap();
        let (script, real) = (place.join("server"), place.join("real/program"));
        let command = cmd!(shell, "perl {script} {place} {real}");
        let mut server = Command::from(command).stdin(Stdio::null()).spawn().unwrap();

        for name in ["two words", ""] {
            shell.change_dir(place);
            let command = cmd!(shell, "./program a 'b c' ''").env("NAME", name);
            let out = command.ignore_status().output().unwrap();
            assert_eq!(out.status.code(), Some(3));
            let expected = format!("{name}|{}|a,b c,", place.canonicalize().unwrap().display());
            assert_eq!(String::from_utf8_lossy(&out.stdout), expected);
            assert_eq!(String::from_utf8_lossy(&out.stderr), real.display().to_string());
        }
        fs::write(place.join("ask"), "").unwrap();
        assert!(server.wait().unwrap().success());
    }
}
