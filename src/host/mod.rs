//! The door to programs: every program the builder runs goes through here, in a clean
//! environment, logged, with the end of its output kept for the error.

mod cleanup;
mod emulation;
mod enter;
mod needs;
mod running;
mod sandbox;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use thread_local::ThreadLocal;
use xshell::{Cmd, Shell};

pub use cleanup::{Scratch, on_signals};
pub use emulation::missing as missing_emulation;
pub use enter::{Enter, Inside, enter, go_inside};
pub use needs::{Need, is_program, missing};
pub use running::Dialogue;
use running::Running;
pub use sandbox::Sandbox;

/// Lines of a failed program's output that are shown.
const TAIL_LINES: usize = 40;

/// A disk with less room is full.
const FULL_BYTES: u64 = 256 << 10;
/// A program whose disk is full for so many seconds will not end well.
const FULL_LIMIT_S: u32 = 10;

/// What writes a program's standard input.
pub type Feed<'a> = &'a (dyn Fn(&mut dyn Write) -> anyhow::Result<()> + Sync);

/// Runs programs and keeps their logs.
pub struct Host {
    shell: Mutex<Shell>,
    /// Copies of it: each thread needs one of its own.
    shells: ThreadLocal<Shell>,
    logs: PathBuf,
}

/// A program that ended badly, with what a person needs to find out why.
#[derive(Debug, thiserror::Error)]
#[error("`{line}` ended with {status}\n{tail}\nwhole log: {log}{cause}", log = log.display(),
        cause = likely_cause(tail).map(|it| format!("\nlikely cause: {it}")).unwrap_or_default())]
pub struct ProgramFailed {
    /// The command line, quoted so that it can be pasted.
    pub line: String,
    /// How it ended.
    pub status: std::process::ExitStatus,
    /// The last lines it printed.
    pub tail: String,
    /// Where all it printed lies.
    pub log: PathBuf,
}

/// Marks an error chain as the network's fault: the program ends with 7.
#[derive(Debug, thiserror::Error)]
#[error("the network or the mirror failed")]
pub struct NetworkFailed;

/// Marks an error chain as the machine's fault: the program ends with 6.
#[derive(Debug, thiserror::Error)]
#[error("this machine lacks something")]
pub struct EnvironmentLacks;

impl Host {
    /// A host that keeps its logs in the folder `logs`.
    pub fn new(logs: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&logs).with_context(|| format!("making `{}`", logs.display()))?;
        let shell = Shell::new().context("finding the working folder")?;
        Ok(Self { shell: shell.into(), shells: ThreadLocal::new(), logs })
    }

    /// The shell that commands are made with.
    pub fn shell(&self) -> &Shell {
        self.shells.get_or(|| self.shell.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Runs `cmd` to its end.
    pub fn run(&self, cmd: Cmd<'_>) -> anyhow::Result<()> {
        self.watch(cmd, &mut |_| ())
    }

    /// Runs `cmd` to its end and gives it on standard input what `write` writes.
    pub fn feed(&self, cmd: Cmd<'_>, write: Feed<'_>) -> anyhow::Result<()> {
        self.drive(cmd, Some(write), &mut |_| ())
    }

    /// Runs `cmd` to its end and shows each line that it prints to `on_line`.
    pub fn watch(&self, cmd: Cmd<'_>, on_line: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
        self.drive(cmd, None, on_line)
    }

    /// Runs `cmd` to its end, or ends it when the disk of `folder` has been full for a while: some programs wait for
    /// ever then (apt 2.6 does when a list cannot be written).
    pub fn run_with_room(&self, cmd: Cmd<'_>, folder: &Path) -> anyhow::Result<()> {
        let mut running = self.start(cmd, false)?;
        let process = running.process();
        let (ended, end) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let guard = scope.spawn(move || {
                let mut full = 0;
                while end.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                    full = if is_full(folder) { full + 1 } else { 0 };
                    if full == FULL_LIMIT_S {
                        // It may have ended just now, and then there is nobody to end.
                        process.kill();
                        return true;
                    }
                }
                false
            });
            let line = running.line().to_owned();
            let heard = running.listen(None, &mut |_| ());
            drop(ended);
            // First: nobody has waited for the program yet, so its number is still its own.
            let was_full = guard.join().unwrap_or(false);
            let result = heard.and_then(|_| running.end());
            if !was_full {
                return result;
            }
            Err(std::io::Error::from(rustix::io::Errno::NOSPC))
                .with_context(|| format!("`{line}` got stuck: the disk of `{}` is full", folder.display()))
        })
    }

    /// Starts `cmd`, which is going to be asked.
    pub fn converse(&self, cmd: Cmd<'_>) -> anyhow::Result<Dialogue> {
        Dialogue::of(self.start(cmd, true)?)
    }

    fn drive(
        &self,
        cmd: Cmd<'_>,
        input: Option<Feed<'_>>,
        on_line: &mut dyn FnMut(&str),
    ) -> anyhow::Result<()> {
        let mut running = self.start(cmd, input.is_some())?;
        let (pipe, line) = (running.take_stdin(), running.line().to_owned());
        std::thread::scope(|scope| {
            let fed = input.zip(pipe).map(|(write, mut pipe)| scope.spawn(move || write(&mut pipe)));
            running.listen(None, on_line)?;
            // Of a program that failed its own words tell more than the broken pipe.
            running.end()?;
            match fed.map(std::thread::ScopedJoinHandle::join) {
                Some(Ok(result)) => result.with_context(|| format!("feeding `{line}`")),
                Some(Err(_)) => anyhow::bail!("feeding `{line}` panicked"),
                None => Ok(()),
            }
        })
    }

    fn start(&self, cmd: Cmd<'_>, is_fed: bool) -> anyhow::Result<Running> {
        let command = clean(cmd);
        let line = quoted(&command);
        let log = self.log_file(&command)?;
        Running::start(command, line, log, is_fed)
    }

    /// Runs `cmd` and returns what it printed on standard output.
    pub fn read(&self, cmd: Cmd<'_>) -> anyhow::Result<String> {
        let mut command = clean(cmd);
        let line = quoted(&command);
        let (log, mut file) = self.log_file(&command)?;
        let out = command.stdin(Stdio::null()).output().with_context(|| format!("starting `{line}`"))?;
        write!(file, "$ {line}\n{}", String::from_utf8_lossy(&out.stderr)).context("writing a log")?;
        if out.status.success() {
            return String::from_utf8(out.stdout).with_context(|| format!("reading what `{line}` printed"));
        }
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        Err(ProgramFailed { line, status: out.status, tail, log }.into())
    }

    fn log_file(&self, command: &Command) -> anyhow::Result<(PathBuf, File)> {
        let name = command
            .get_args()
            .skip_while(|arg| *arg != "--")
            .nth(1)
            .unwrap_or(command.get_program())
            .to_string_lossy()
            .into_owned();
        let name =
            Path::new(&name).file_name().map_or_else(String::new, |it| it.to_string_lossy().into_owned());
        let (file, path) = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .suffix(".log")
            .tempfile_in(&self.logs)
            .and_then(|it| it.keep().map_err(|err| err.error))
            .with_context(|| format!("making a log in `{}`", self.logs.display()))?;
        Ok((path, file))
    }
}

/// Whether nothing more can be written there.
fn is_full(folder: &Path) -> bool {
    nix::sys::statvfs::statvfs(folder).is_ok_and(|it| it.blocks_available() * it.fragment_size() < FULL_BYTES)
}

/// The command with an environment made from nothing, so that nothing of the caller's leaks
/// into what is built; only the proxy settings of the network pass.
fn clean(cmd: Cmd<'_>) -> Command {
    let mut command = Command::from(cmd);
    let own: Vec<_> =
        command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
    command.env_clear();
    for key in ["http_proxy", "https_proxy", "no_proxy"] {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    command
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("PYTHONHASHSEED", "0")
        .envs(own);
    command
}

fn quoted(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// `word` as a POSIX shell takes it literally.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A guess at what went wrong, for the failures that builds meet most often.
fn likely_cause(tail: &str) -> Option<&'static str> {
    const CAUSES: [(&str, &str); 17] = [
        (
            "No space left on device",
            "the disk or the memory is full; free some space, or choose another --cache",
        ),
        ("Could not resolve", "no network, or no name service; check the connection or use --mirror"),
        (
            "Temporary failure resolving",
            "no network, or no name service; check the connection or use --mirror",
        ),
        (
            "NO_PUBKEY",
            "the archive is signed by a key that is not known here; update `debian-archive-keyring`, or name its \
             keyring in the profile (`archive: { keyring: … }`)",
        ),
        ("BADSIG", "the mirror altered what was signed; use another one"),
        ("is not valid yet", "this machine's clock is behind the archive's; set the clock"),
        ("is expired", "the mirror is out of date, or this machine's clock runs ahead; use another mirror"),
        (
            "Hash Sum mismatch",
            "the mirror or a proxy gives damaged files; try again later, or use another mirror",
        ),
        ("unexpected size", "the mirror is being updated; try again later, or use another one"),
        ("Could not connect", "the mirror is down or out of reach; try again later, or use another one"),
        (
            "Connection timed out",
            "the mirror is too slow or out of reach; try again later, or use another one",
        ),
        ("Failed to fetch", "the mirror has failed or broke off; try again later, or use another one"),
        (" a Release file.", "there is no such archive at this address; use another mirror"),
        (" signed.", "the mirror has no signature of the archive; use another one"),
        (
            "Operation not permitted",
            "user namespaces are not allowed here; `nuvol doctor` tells how to allow them",
        ),
        ("has no installation candidate", "a package left the archive; `nuvol check` names it"),
        ("Cannot allocate memory", "the machine is out of memory"),
    ];
    CAUSES.into_iter().find(|(sign, _)| tail.contains(sign)).map(|(_, cause)| cause)
}

#[cfg(test)]
mod tests {
    use super::{Host, likely_cause, quote};
    use xshell::cmd;

    #[test]
    fn a_command_line_can_be_pasted() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote("--out=/tmp/x"), "--out=/tmp/x");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn a_failure_tells_the_end_of_the_output_and_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::new(dir.path().to_owned()).unwrap();
        let err = host.run(cmd!(host.shell(), "sh -c 'seq 1 100; echo No space left on device >&2; exit 3'"));
        let text = err.unwrap_err().to_string();
        assert!(text.contains("ended with exit status: 3"), "{text}");
        assert!(!text.contains("\n60\n") && text.contains("\n99\n"), "{text}");
        assert!(text.contains("likely cause: the disk"), "{text}");
    }

    #[test]
    fn programs_see_nothing_of_our_environment() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::new(dir.path().to_owned()).unwrap();
        let text = host.read(cmd!(host.shell(), "env").env("MINE", "1")).unwrap();
        assert!(
            text.contains("MINE=1") && text.contains("LC_ALL=C.UTF-8") && !text.contains("CARGO"),
            "{text}"
        );
    }

    #[test]
    fn a_program_with_room_goes_on_and_fails_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(folder.path().to_owned()).unwrap();
        let shell = host.shell();
        host.run_with_room(cmd!(shell, "sleep 1.2"), folder.path()).unwrap();
        let error = host.run_with_room(cmd!(shell, "false"), folder.path()).unwrap_err();
        assert!(error.downcast_ref::<super::ProgramFailed>().is_some(), "{error:#}");
    }

    #[test]
    fn an_unknown_failure_has_no_guess() {
        assert_eq!(likely_cause("something else"), None);
    }
}
