//! A console: lines in, text out. A screen with a keyboard, a serial line, or a pair of pipes.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::termios::{InputModes, LocalModes, OptionalActions, OutputModes};

/// More than anybody types.
const LONGEST: u64 = 1024;

/// Both directions.
pub struct Console<'c> {
    input: Box<dyn BufRead + Send + 'c>,
    /// Where text goes.
    pub output: Box<dyn Write + Send + 'c>,
}

impl<'c> Console<'c> {
    /// One of what is read and what is written.
    pub fn new(input: impl Read + Send + 'c, output: impl Write + Send + 'c) -> Self {
        Self { input: Box::new(BufReader::new(input)), output: Box::new(output) }
    }

    /// The terminal at `path`, set to how people type: whole lines, which they see.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("opening `{}`", path.display());
        let mut options = File::options();
        // It must not become ours: Ctrl-C would end a program that writes to a disk.
        options.read(true).write(true).custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed());
        let output = options.open(path).with_context(what)?;
        let mut modes = rustix::termios::tcgetattr(&output).with_context(what)?;
        modes.input_modes |= InputModes::ICRNL;
        modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        modes.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE;
        modes.local_modes -= LocalModes::ISIG;
        rustix::termios::tcsetattr(&output, OptionalActions::Now, &modes).with_context(what)?;
        let input = output.try_clone().with_context(what)?;
        Ok(Self::new(input, output))
    }

    /// Says something.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.output
            .write_all(text.as_bytes())
            .and_then(|()| self.output.flush())
            .context("writing to the console")
    }

    /// Asks, and waits for a line. `None` where nobody will ever answer.
    pub fn ask(&mut self, question: &str) -> anyhow::Result<Option<String>> {
        self.say(question)?;
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(LONGEST).read_until(b'\n', &mut bytes);
        if read.context("reading from the console")? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes);
        Ok(Some(text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()))
    }
}

/// The terminals that the kernel uses as consoles, below `root`: the screen, and what else its line names.
pub fn consoles(root: &Path) -> Vec<PathBuf> {
    let active = fs::read_to_string(root.join("sys/class/tty/console/active")).unwrap_or_default();
    // `tty0` is whichever screen is in front.
    let name = |word: &str| if word == "tty0" { "tty1".to_owned() } else { word.to_owned() };
    active.split_whitespace().map(|word| root.join("dev").join(name(word))).collect()
}

/// Text to every console, and to the journal. One that is gone stops nobody.
pub struct Everywhere(Vec<Box<dyn Write + Send>>);

impl Everywhere {
    /// The terminals at `paths` that can be opened.
    pub fn open(paths: &[PathBuf]) -> Self {
        let mut all: Vec<Box<dyn Write + Send>> = vec![Box::new(io::stderr())];
        for path in paths {
            if let Ok(console) = Console::open(path) {
                all.push(console.output);
            }
        }
        Self(all)
    }
}

impl Write for Everywhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for one in &mut self.0 {
            one.write_all(bytes).ok();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        for one in &mut self.0 {
            one.flush().ok();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Console, consoles};

    #[test]
    fn lines_are_read_as_they_were_meant() {
        let mut console = Console::new(&b" 1 \r\nab\x1b[Ac\n"[..], std::io::sink());
        assert_eq!(console.ask("").unwrap().as_deref(), Some("1"));
        assert_eq!(console.ask("").unwrap().as_deref(), Some("ab[Ac"));
        assert_eq!(console.ask("").unwrap(), None);
    }

    #[test]
    fn the_consoles_are_the_kernels() {
        let root = tempfile::tempdir().unwrap();
        assert!(consoles(root.path()).is_empty());
        let folder = root.path().join("sys/class/tty/console");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("active"), "tty0 ttyS0\n").unwrap();
        assert_eq!(consoles(root.path()), [root.path().join("dev/tty1"), root.path().join("dev/ttyS0")]);
    }
}
