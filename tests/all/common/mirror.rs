//! A mirror on loopback that serves a folder, and does it badly where it is told to.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong with each file whose path has these words in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Absent,
    /// The line is cut in its middle, every time.
    Cut,
    /// The line is cut in its middle, the first time.
    CutOnce,
    /// One of its bytes is another.
    Altered,
    /// It comes in small pieces, with pauses between them.
    Slow,
    /// The server itself has failed.
    Broken,
}

/// A mirror that runs until the test ends.
pub struct Mirror {
    /// Its address.
    pub url: String,
    faults: Arc<Mutex<Vec<(String, Fault)>>>,
}

impl Mirror {
    /// Serves `folder`.
    pub fn of(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let faults: Arc<Mutex<Vec<(String, Fault)>>> = Arc::default();
        let (folder, theirs) = (folder.to_owned(), Arc::clone(&faults));
        std::thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                let (folder, faults) = (folder.clone(), Arc::clone(&theirs));
                // A client that hangs up ends its thread.
                std::thread::spawn(move || serve(&stream, folder, &faults).ok());
            }
        });
        Self { url, faults }
    }

    /// Lets every file whose path has `words` in it go wrong, and no other.
    pub fn fault(&self, words: &str, fault: Fault) {
        *self.faults.lock().unwrap() = vec![(words.to_owned(), fault)];
    }

    /// Lets all go well.
    pub fn mend(&self) {
        self.faults.lock().unwrap().clear();
    }
}

fn serve(
    mut stream: &TcpStream,
    mut file: PathBuf,
    faults: &Mutex<Vec<(String, Fault)>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut from = 0;
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    file.push(path.trim_start_matches('/').replace("%2b", "+").replace("%7e", "~"));
    let fault = {
        let mut faults = faults.lock().unwrap();
        let place = faults.iter().position(|(words, _)| path.contains(words));
        let fault = place.map(|place| faults[place].1);
        if let Some(place) = place.filter(|_| fault == Some(Fault::CutOnce)) {
            faults.remove(place);
        }
        fault
    };
    let bytes = fs::read(file).ok().filter(|_| fault != Some(Fault::Absent));
    let Some(mut bytes) = bytes.filter(|_| fault != Some(Fault::Broken)) else {
        let code = if fault == Some(Fault::Broken) { 503 } else { 404 };
        return write!(stream, "HTTP/1.1 {code} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    if fault == Some(Fault::Altered) {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    }
    let (code, body) = if from > 0 && from < bytes.len() { (206, &bytes[from..]) } else { (200, &bytes[..]) };
    let from = bytes.len() - body.len();
    write!(
        stream,
        "HTTP/1.1 {code} x\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\nConnection: close\r\n\r\n",
        body.len(),
        bytes.len().saturating_sub(1),
        bytes.len()
    )?;
    let end = match fault {
        Some(Fault::Cut | Fault::CutOnce) => body.len() / 2,
        _ => body.len(),
    };
    if fault == Some(Fault::Slow) {
        for piece in body.chunks(body.len() / 20 + 1) {
            stream.write_all(piece)?;
            std::thread::sleep(Duration::from_millis(100));
        }
        return Ok(());
    }
    stream.write_all(&body[..end])
}
