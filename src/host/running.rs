//! A program while it runs: its log, its last words, and the questions that it is asked.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use super::{ProgramFailed, TAIL_LINES};

/// The most that an ordinary user may ask for (`fs.pipe-max-size`).
const PIPE_BYTES: usize = 1 << 20;

/// A program that was started.
pub(super) struct Running {
    child: Child,
    output: BufReader<PipeReader>,
    log: (PathBuf, File),
    line: String,
    since: Instant,
    tail: VecDeque<String>,
}

impl Running {
    /// Starts `command`, which people know as `line`; what it prints goes to `log`.
    pub fn start(
        mut command: Command,
        line: String,
        mut log: (PathBuf, File),
        is_fed: bool,
    ) -> anyhow::Result<Self> {
        writeln!(log.1, "$ {line}").context("writing a log")?;
        let (reader, writer) = std::io::pipe().context("making a pipe")?;
        let stdin = if is_fed { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(writer.try_clone().context("making a pipe")?).stderr(writer);
        let child = command.spawn().with_context(|| format!("starting `{line}`"))?;
        if let Some(pipe) = &child.stdin {
            // Fewer changes between the two programs; the default of 64 KiB works as well, only slower.
            rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES).ok();
        }
        let output = BufReader::new(reader);
        Ok(Self { child, output, log, line, since: Instant::now(), tail: VecDeque::new() })
    }

    /// Its standard input, which ends when this is dropped.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// What can end it from another thread.
    pub fn process(&self) -> Process {
        Process(Pid::from_child(&self.child))
    }

    /// The command, as it can be pasted.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Writes what it prints to its log and shows each line to `on_line`, until it prints `end` or nothing more.
    /// Returns whether `end` came.
    pub fn listen(&mut self, end: Option<&str>, on_line: &mut dyn FnMut(&str)) -> anyhow::Result<bool> {
        let mut bytes = Vec::new();
        while self.output.read_until(b'\n', &mut bytes).context("reading from a program")? > 0 {
            let text = String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
            bytes.clear();
            if Some(text.as_str()) == end {
                return Ok(true);
            }
            self.note(&text)?;
            on_line(&text);
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(text);
        }
        Ok(false)
    }

    /// Waits for its end, which should be a good one.
    pub fn end(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().with_context(|| format!("waiting for `{}`", self.line))?;
        self.note(&format!("ended with {status}"))?;
        if status.success() {
            return Ok(());
        }
        let tail = Vec::from(self.tail).join("\n");
        Err(ProgramFailed { line: self.line, status, tail, log: self.log.0 }.into())
    }

    /// With seconds since the start: a log also tells what took long.
    fn note(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.log.1, "{:8.2}  {text}", self.since.elapsed().as_secs_f64()).context("writing a log")
    }
}

/// A program, for another thread than the one that listens to it.
#[derive(Clone, Copy)]
pub(super) struct Process(Pid);

impl Process {
    /// Ends it. Only while it is listened to: nobody has waited for it then, so its number is its own.
    pub fn kill(self) {
        kill_process(self.0, Signal::KILL).ok();
    }
}

/// A program that does one thing after the other: it reads a line that says what, and prints one when that is done.
/// It ends when nobody asks any more.
pub struct Dialogue {
    /// There until this is dropped.
    running: Option<(Running, ChildStdin)>,
}

impl Dialogue {
    pub(super) fn of(mut running: Running) -> anyhow::Result<Self> {
        let stdin = running.take_stdin().context("the program has no standard input")?;
        Ok(Self { running: Some((running, stdin)) })
    }

    /// Asks for `what`, one line, and shows each line that comes before `done` to `on_line`. If the program ends
    /// instead, so does the dialogue.
    pub fn ask(mut self, what: &str, done: &str, on_line: &mut dyn FnMut(&str)) -> anyhow::Result<Self> {
        let (mut running, mut stdin) = self.running.take().context("nobody is there to be asked")?;
        let asked = stdin.write_all(format!("{what}\n").as_bytes());
        if asked.is_ok() && running.listen(Some(done), on_line)? {
            self.running = Some((running, stdin));
            return Ok(self);
        }
        drop(stdin);
        running.listen(None, on_line)?;
        let line = running.line().to_owned();
        running.end()?;
        anyhow::bail!("`{line}` ended before it was done")
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        if let Some((running, stdin)) = self.running.take() {
            drop(stdin);
            // What it still has to tidy up, nobody waits for.
            std::thread::spawn(move || running.end());
        }
    }
}
