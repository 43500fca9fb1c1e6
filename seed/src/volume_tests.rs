use std::cell::RefCell;
use std::io::{self, Cursor};

use fatfs::{FatType, FormatVolumeOptions};

use super::{ASIDE, Volume, is_ours};
use crate::disk::Disk;
use crate::place::Extent;

/// A disk whose power fails after so many sectors were written.
struct Failing {
    bytes: RefCell<Vec<u8>>,
    left: RefCell<usize>,
}

const SECTOR: usize = 512;

impl Failing {
    fn new(bytes: Vec<u8>, left: usize) -> Self {
        Self { bytes: RefCell::new(bytes), left: RefCell::new(left) }
    }
}

impl Disk for Failing {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.borrow().len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        let (bytes, at) = (self.bytes.borrow(), offset as usize);
        let found = bytes.get(at..at + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        for (number, piece) in bytes.chunks(SECTOR).enumerate() {
            let mut left = self.left.borrow_mut();
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("the power failed"))?;
            let at = offset as usize + number * SECTOR;
            self.bytes.borrow_mut()[at..at + piece.len()].copy_from_slice(piece);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn formatted(kind: FatType, size: usize) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; size]);
    let options = FormatVolumeOptions::new().fat_type(kind).volume_label(*b"NUVOL-CFG  ");
    fatfs::format_volume(&mut disk, options).unwrap();
    disk.into_inner()
}

fn whole(disk: &Failing) -> Extent {
    Extent { offset: 0, size: disk.size().unwrap() }
}

const KINDS: [(FatType, usize); 3] =
    [(FatType::Fat12, 4 << 20), (FatType::Fat16, 16 << 20), (FatType::Fat32, 48 << 20)];

#[test]
fn a_file_is_replaced_and_read_back() {
    for (kind, size) in KINDS {
        let disk = Failing::new(formatted(kind, size), usize::MAX);
        assert!(is_ours(&disk, whole(&disk)));
        let volume = Volume::open(&disk, whole(&disk)).unwrap();
        assert_eq!(volume.read("nuvol.toml").unwrap(), None);
        for text in [&b"version = 1\n"[..], &[b'#'; 40_000], b""] {
            volume.write("nuvol.toml", text).unwrap();
            volume.write("nuvol-result.json", b"{}").unwrap();
            assert_eq!(volume.read("NUVOL.TOML").unwrap().unwrap(), text);
        }
        assert_eq!(volume.read(ASIDE).unwrap(), None);
        assert!(volume.write("nuvol.toml", &[0; 70_000]).unwrap_err().to_string().contains("64 KiB"));
    }
}

#[test]
fn whenever_the_power_fails_there_is_the_old_file_or_the_new_one() {
    for (kind, size) in KINDS {
        let begun = Failing::new(formatted(kind, size), usize::MAX);
        let (old, new) = (vec![b'o'; 5000], vec![b'n'; 9000]);
        Volume::open(&begun, whole(&begun)).unwrap().write("nuvol.toml", &old).unwrap();
        let begun = begun.bytes.into_inner();
        let mut seen = (0, 0);
        for sectors in 0.. {
            let disk = Failing::new(begun.clone(), sectors);
            let volume = Volume::open(&disk, whole(&disk)).unwrap();
            let done = volume.write("nuvol.toml", &new);
            // With power again, it is read and can be written as ever.
            *disk.left.borrow_mut() = usize::MAX;
            let found = volume.read("nuvol.toml").unwrap().unwrap();
            assert!(found == old || found == new, "{kind:?}: neither, after {sectors} sectors");
            seen = if found == old { (seen.0 + 1, seen.1) } else { (seen.0, seen.1 + 1) };
            volume.write("nuvol.toml", b"after").unwrap();
            assert_eq!(volume.read("nuvol.toml").unwrap().unwrap(), b"after");
            if done.is_ok() {
                break;
            }
        }
        assert!(seen.0 > 10 && seen.1 > 1, "{kind:?}: {seen:?}");
    }
}

#[test]
fn nothing_is_taken_for_a_file_system_that_is_none() {
    let disk = Failing::new(vec![0; 4096], 0);
    assert!(Volume::open(&disk, whole(&disk)).is_err());
    // Whatever byte of the head is wrong, it ends with an answer.
    let good = formatted(FatType::Fat16, 16 << 20);
    for at in 0..90 {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            let disk = Failing::new(bytes, 0);
            if let Ok(volume) = Volume::open(&disk, whole(&disk)) {
                volume.read("nuvol.toml").ok();
                is_ours(&disk, whole(&disk));
            }
        }
    }
}

#[test]
fn a_full_one_keeps_what_it_has() {
    let disk = Failing::new(formatted(FatType::Fat12, 64 << 10), usize::MAX);
    let volume = Volume::open(&disk, whole(&disk)).unwrap();
    volume.write("nuvol.toml", &[b'o'; 30_000]).unwrap();
    assert!(volume.write("nuvol.toml", &[b'n'; 40_000]).is_err());
    assert_eq!(volume.read("nuvol.toml").unwrap().unwrap(), [b'o'; 30_000]);
    volume.write("nuvol-result.json", b"{}").unwrap();
}
