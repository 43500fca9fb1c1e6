//! The bytes of an entry as one stream: its files one after the other in the order of its seal, compressed with
//! zstd. The seal has everything else, so that the same entry always gives the same pack.

use std::fs::{self, File, Permissions};
use std::io::{Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::store::{Seal, What, hex, spans};

const LEVEL: i32 = 3;
const BLOCK: usize = 64 << 10;

/// Writes the files of `folder` that `seal` names to `out`.
pub fn pack(seal: &Seal, folder: &Path, out: &mut File) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, |it| u32::try_from(it.get()).unwrap_or(1));
    let mut packed = zstd::Encoder::new(out, LEVEL).context("packing an entry")?;
    packed.multithread(threads).context("packing an entry")?;
    for mark in &seal.0 {
        if let What::File { size, .. } = mark.what {
            let path = folder.join(&mark.path);
            copy(&path, size, &mut packed).with_context(|| format!("packing `{}`", path.display()))?;
        }
    }
    packed.finish().context("packing an entry")?;
    Ok(())
}

/// Copies the file `path` of `size` bytes; holes are not read.
fn copy(path: &Path, size: u64, out: &mut impl Write) -> anyhow::Result<()> {
    let mut file = File::open(path)?;
    let mut at = 0;
    for (from, to) in spans(&file, 0, size)? {
        std::io::copy(&mut std::io::repeat(0).take(from - at), out)?;
        file.seek(SeekFrom::Start(from))?;
        at = from + std::io::copy(&mut (&file).take(to - from), out)?;
        anyhow::ensure!(at == to, "it is shorter than its seal says");
    }
    std::io::copy(&mut std::io::repeat(0).take(size - at), out)?;
    Ok(())
}

/// Lays all that `seal` says into the empty folder `folder`, with the bytes of `pack`. Fails on the first file whose
/// bytes are others.
pub fn unpack(seal: &Seal, pack: impl Read, folder: &Path) -> anyhow::Result<()> {
    let mut plain = zstd::Decoder::new(pack).context("unpacking")?;
    for mark in &seal.0 {
        let at = folder.join(&mark.path);
        let what = || format!("`{}`", mark.path);
        match &mark.what {
            // Its rights come last: files are to be laid into it.
            What::Folder { .. } => fs::create_dir(&at).with_context(what)?,
            What::Link { target } => symlink(target, &at).with_context(what)?,
            What::File { size, sha256, mode, .. } => {
                let file = File::create_new(&at).with_context(what)?;
                let found = receive(&mut plain, *size, &file).with_context(what)?;
                anyhow::ensure!(found == *sha256, "`{}` has other bytes than its seal says", mark.path);
                file.set_permissions(Permissions::from_mode(*mode)).with_context(what)?;
            }
        }
    }
    for mark in seal.0.iter().rev() {
        if let What::Folder { mode } = mark.what {
            let rights = Permissions::from_mode(mode);
            fs::set_permissions(folder.join(&mark.path), rights)
                .with_context(|| format!("`{}`", mark.path))?;
        }
    }
    Ok(())
}

/// Writes `size` bytes of `from` to `file`, with holes for zeros, and returns their sha256.
fn receive(from: &mut impl Read, size: u64, file: &File) -> anyhow::Result<String> {
    file.set_len(size)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BLOCK];
    let mut at = 0;
    while at < size {
        let part = usize::try_from(size - at).map_or(BLOCK, |it| it.min(BLOCK));
        from.read_exact(&mut buffer[..part])?;
        hasher.update(&buffer[..part]);
        if buffer[..part].iter().any(|byte| *byte != 0) {
            file.write_all_at(&buffer[..part], at)?;
        }
        at += part as u64;
    }
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Seek as _;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
    use std::path::Path;

    use super::{pack, unpack};
    use crate::store::{Hashed, Seal};

    fn packed(folder: &Path) -> (Seal, Vec<u8>) {
        let seal = Seal::take(folder, &Hashed::default()).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        pack(&seal, folder, &mut file).unwrap();
        file.rewind().unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        (seal.timeless(), bytes)
    }

    fn entry() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/bin")).unwrap();
        fs::write(dir.path().join("root/bin/sh"), "#!").unwrap();
        symlink("bin/sh", dir.path().join("root/link")).unwrap();
        let disk = File::create(dir.path().join("disk")).unwrap();
        disk.set_len(5_000_001).unwrap();
        disk.write_all_at(b"data", 3 << 20).unwrap();
        dir
    }

    #[test]
    fn an_entry_comes_out_as_it_went_in() {
        let (dir, out) = (entry(), tempfile::tempdir().unwrap());
        let (seal, bytes) = packed(dir.path());
        assert!(bytes.len() < 10_000);
        unpack(&seal, bytes.as_slice(), out.path()).unwrap();
        let (again, same) = packed(out.path());
        assert_eq!((seal, bytes), (again, same));
        let disk = fs::metadata(out.path().join("disk")).unwrap();
        assert!(disk.blocks() * 512 < 1 << 20, "holes became zeros");
    }

    #[test]
    fn other_bytes_are_refused() {
        let (dir, out) = (entry(), tempfile::tempdir().unwrap());
        let (seal, _) = packed(dir.path());
        fs::write(dir.path().join("root/bin/sh"), "!#").unwrap();
        let (_, other) = packed(dir.path());
        let wrong = unpack(&seal, other.as_slice(), out.path()).unwrap_err().to_string();
        assert_eq!(wrong, "`root/bin/sh` has other bytes than its seal says");
        let out = tempfile::tempdir().unwrap();
        assert!(unpack(&seal, &other[..other.len() / 2], out.path()).is_err());
    }
}
