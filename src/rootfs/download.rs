//! One file from a mirror as a reader: what breaks off goes on where it stopped.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use super::http::Patience;

/// A file of known size. Reading fails only when the mirror has failed for good.
pub struct Download<'a> {
    agent: &'a ureq::Agent,
    address: &'a str,
    size: u64,
    patience: Patience,
    /// Whether caches on the way are passed by.
    fresh: bool,
    body: Option<Box<dyn Read>>,
    /// Bytes that were read.
    at: u64,
    /// Tries since the last of them.
    tries: u32,
    failed: bool,
}

/// Why a mirror did not give a file.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the mirror does not have it (HTTP {0})")]
    Refused(u16),
    #[error("the mirror broke off after {at} of {size} bytes ({why})")]
    Broken { at: u64, size: u64, why: String },
}

impl<'a> Download<'a> {
    /// `size` bytes at `address`.
    pub fn new(agent: &'a ureq::Agent, address: &'a str, size: u64, patience: Patience) -> Self {
        Self { agent, address, size, patience, fresh: false, body: None, at: 0, tries: 0, failed: false }
    }

    /// The same, not from a cache on the way, which may hold damaged bytes.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Bytes that were read so far.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Whether it was the mirror that failed.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Asks for what is still to come.
    fn open(&self) -> Result<Box<dyn Read>, Fault> {
        if let Some(path) = self.address.strip_prefix("file:") {
            let path = format!("/{}", path.trim_start_matches('/'));
            let file =
                File::open(path).and_then(|file| skip(file, self.at)).map_err(|err| self.broken(err))?;
            return Ok(Box::new(file));
        }
        // The bytes themselves: a range of compressed ones would be another one.
        let mut request = self.agent.get(self.address).header("Accept-Encoding", "identity");
        if self.at > 0 {
            request = request.header("Range", format!("bytes={}-", self.at));
        }
        if self.fresh {
            request = request.header("Cache-Control", "no-cache");
        }
        let answer = request.call().map_err(|err| match err {
            ureq::Error::StatusCode(code) if (400..500).contains(&code) && ![408, 429].contains(&code) => {
                Fault::Refused(code)
            }
            err => self.broken(err),
        })?;
        let is_rest = answer.status() == 206;
        let range = answer.headers().get("Content-Range").and_then(|it| it.to_str().ok());
        if is_rest && !range.is_some_and(|it| it.starts_with(&format!("bytes {}-", self.at))) {
            return Err(self.broken("it went on at another byte"));
        }
        let body = answer.into_body().into_reader();
        let body = skip(body, if is_rest { 0 } else { self.at }).map_err(|err| self.broken(err))?;
        Ok(Box::new(body))
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        if self.body.is_none() {
            self.body = Some(self.open()?);
        }
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX).min(buffer.len());
        match self.body.as_mut().map_or(Ok(0), |body| body.read(&mut buffer[..left])) {
            Ok(0) => Err(self.broken("the end came early")),
            result => result.map_err(|err| self.broken(err)),
        }
    }

    fn broken(&self, why: impl ToString) -> Fault {
        Fault::Broken { at: self.at, size: self.size, why: why.to_string() }
    }
}

/// `body` without the bytes that were read before.
fn skip<R: Read>(mut body: R, count: u64) -> io::Result<R> {
    let passed = io::copy(&mut body.by_ref().take(count), &mut io::sink())?;
    if passed < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(body) }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.size || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.step(buffer) {
                Ok(count) => {
                    self.at += count as u64;
                    self.tries = 0;
                    return Ok(count);
                }
                Err(fault) => {
                    self.body = None;
                    self.tries += 1;
                    if matches!(fault, Fault::Refused(_)) || self.tries >= self.patience.tries {
                        self.failed = true;
                        return Err(io::Error::other(fault));
                    }
                    std::thread::sleep(self.pause());
                }
            }
        }
    }
}

impl Download<'_> {
    fn pause(&self) -> Duration {
        self.patience.pause * 2u32.pow(self.tries - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::Download;
    use crate::rootfs::http::{Patience, agent};

    const BYTES: &[u8] = b"0123456789";
    const PATIENCE: Patience = Patience {
        connect: Duration::from_secs(5),
        stall: Duration::from_millis(300),
        pause: Duration::from_millis(1),
        tries: 3,
    };

    /// What a mirror does with one request.
    #[derive(Clone, Copy)]
    enum Does {
        /// Gives what was asked for, but only so many bytes of it.
        Gives(usize),
        /// The same, from the beginning whatever was asked for.
        GivesAll(usize),
        /// The same, and then holds the line without a word.
        Stalls(usize),
        /// Says no.
        Refuses(u16),
    }

    /// A mirror that answers each request with the next of `does` and tells the range it was asked for.
    fn mirror(does: &'static [Does]) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/a.deb", listener.local_addr().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for does in does {
                let (stream, _) = listener.accept().unwrap();
                tell.send(answer(&stream, *does)).unwrap();
                if matches!(does, Does::Stalls(_)) {
                    held.push(stream);
                }
            }
        });
        (address, told)
    }

    fn answer(mut stream: &TcpStream, does: Does) -> String {
        let lines: Vec<String> =
            BufReader::new(stream).lines().map(Result::unwrap).take_while(|it| !it.is_empty()).collect();
        let range = lines.iter().find_map(|it| it.to_lowercase().strip_prefix("range: ").map(str::to_owned));
        let from: usize = match (&range, does) {
            (Some(range), Does::Gives(_) | Does::Stalls(_)) => {
                range.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
            }
            _ => 0,
        };
        let (code, count) = match does {
            Does::Refuses(code) => (code, 0),
            Does::Gives(count) | Does::GivesAll(count) | Does::Stalls(count) => {
                (if from > 0 { 206 } else { 200 }, count)
            }
        };
        let body = &BYTES[from..];
        let head = format!(
            "HTTP/1.1 {code} x\r\nContent-Length: {}\r\nContent-Range: bytes {from}-9/10\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body[..count.min(body.len())]).unwrap();
        range.unwrap_or_default()
    }

    /// What was read, or why it was not, and the ranges that were asked for.
    fn read(does: &'static [Does]) -> (Result<Vec<u8>, String>, Vec<String>) {
        let (address, asked) = mirror(does);
        let agent = agent(PATIENCE);
        let mut download = Download::new(&agent, &address, 10, PATIENCE);
        let mut bytes = Vec::new();
        let result = download.read_to_end(&mut bytes);
        assert_eq!(result.is_err(), download.failed());
        (result.map(|_| bytes).map_err(|err| err.to_string()), asked.try_iter().collect())
    }

    #[test]
    fn what_breaks_off_goes_on_where_it_stopped() {
        let (bytes, asked) = read(&[Does::Gives(4), Does::Gives(3), Does::Gives(9)]);
        assert_eq!(bytes.unwrap(), BYTES);
        assert_eq!(asked, ["", "bytes=4-", "bytes=7-"]);
    }

    #[test]
    fn a_mirror_that_always_begins_anew_is_read_on_all_the_same() {
        let (bytes, _) = read(&[Does::GivesAll(4), Does::GivesAll(10)]);
        assert_eq!(bytes.unwrap(), BYTES);
    }

    #[test]
    fn a_mirror_that_falls_silent_is_asked_again() {
        let (bytes, asked) = read(&[Does::Stalls(4), Does::Stalls(0), Does::Gives(10)]);
        assert_eq!(bytes.unwrap(), BYTES);
        assert_eq!(asked, ["", "bytes=4-", "bytes=4-"]);
    }

    #[test]
    fn a_mirror_that_stays_short_is_given_up() {
        let (bytes, asked) = read(&[Does::GivesAll(4), Does::GivesAll(4), Does::GivesAll(4)]);
        assert!(bytes.is_err());
        assert_eq!(asked, ["", "bytes=4-", "bytes=4-"]);
    }

    #[test]
    fn a_bad_minute_is_waited_out_but_no_is_no() {
        assert_eq!(read(&[Does::Refuses(503), Does::Refuses(429), Does::Gives(10)]).0.unwrap(), BYTES);
        assert_eq!(read(&[Does::Refuses(404)]).0.unwrap_err(), "the mirror does not have it (HTTP 404)");
    }

    #[test]
    fn a_dead_mirror_is_told_of() {
        let address = format!("http://{}/a", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
        let agent = agent(PATIENCE);
        let mut download = Download::new(&agent, &address, 10, PATIENCE);
        assert!(download.read(&mut [0; 4]).unwrap_err().to_string().contains("refused"));
    }
}
