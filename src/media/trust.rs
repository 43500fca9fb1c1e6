//! Whether an image is what its maker says: checksums beside it, and a signature by minisign over them.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use minisign_verify::{PublicKey, Signature};
use nuvol_media::Untrusted;

use crate::store::{SIGNATURE, SUMS, Sums, sha256_file};

/// What is asked of an image before its first byte is written.
#[derive(Debug, Clone, Default)]
pub struct Demands {
    /// The maker's public key.
    pub key: Option<Key>,
    /// Whether it will do that nobody vouches for it. What somebody vouches for wrongly never does.
    pub allow_unsigned: bool,
}

/// A public key of minisign.
#[derive(Debug, Clone)]
pub struct Key(PublicKey);

/// How far an image was found to be what its maker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Its checksum is right, and signed by the key.
    Signed,
    /// Its checksum is right; whose it is was not looked at.
    Checksum,
    /// There is nothing that vouches for it.
    Nothing,
}

impl Key {
    /// The key as one line of base64.
    pub fn of_text(text: &str) -> Result<Self, String> {
        PublicKey::from_base64(text.trim())
            .map(Self)
            .map_err(|err| format!("this is no public key of minisign: {err}"))
    }

    /// The key in a file that `minisign -G` wrote.
    pub fn of_file(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("reading the public key `{}`", path.display());
        let text = fs::read_to_string(path).with_context(what)?;
        PublicKey::decode(&text).map(Self).map_err(|err| anyhow::anyhow!("{err}")).with_context(what)
    }

    /// Whether `sums`, the text of the checksums in `folder`, is signed by it; `false` where there is no signature.
    pub fn has_signed(&self, sums: &[u8], folder: &Path) -> anyhow::Result<bool> {
        let path = folder.join(SIGNATURE);
        let Some(text) = read(&path)? else { return Ok(false) };
        let text = String::from_utf8_lossy(&text);
        match Signature::decode(&text).and_then(|signature| self.0.verify(sums, &signature, false)) {
            Ok(()) => Ok(true),
            Err(err) => Err(Untrusted(format!("the signature `{}` is bad: {err}", path.display())).into()),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some).with_context(|| format!("reading `{}`", path.display())),
    }
}

/// Whether `image` and the files that were used `beside` it are what `SHA256SUMS` in their folder says, and whether
/// that is signed.
pub fn check(image: &Path, beside: &[&Path], demands: &Demands) -> anyhow::Result<Trust> {
    let folder = image.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let path = folder.join(SUMS);
    let text = read(&path)?;
    let signed = match (&demands.key, &text) {
        (Some(key), Some(text)) => key.has_signed(text, folder)?,
        _ => false,
    };
    if !signed && !demands.allow_unsigned {
        let missing = if demands.key.is_none() {
            "there is no key to check the signature with; give the maker's with `--key FILE`".to_owned()
        } else {
            format!("there is no signature `{}`", folder.join(SIGNATURE).display())
        };
        let text = format!("{missing}, or take the image as it is with `--allow-unsigned`");
        return Err(Untrusted(text).into());
    }
    let Some(text) = text else { return Ok(Trust::Nothing) };
    let sums = Sums::parse(&String::from_utf8_lossy(&text));
    for file in std::iter::once(image).chain(beside.iter().copied()) {
        match listed(&sums, file) {
            Some(digest) if sha256_file(file)? == *digest => {}
            Some(_) => {
                let text =
                    format!("`{}` is not what `{}` says; fetch it again", file.display(), path.display());
                return Err(Untrusted(text).into());
            }
            // Among downloads there may be the checksums of something else.
            None if !signed && file == image => return Ok(Trust::Nothing),
            None => {
                let text = format!("`{}` does not name `{}`", path.display(), file.display());
                return Err(Untrusted(text).into());
            }
        }
    }
    Ok(if signed { Trust::Signed } else { Trust::Checksum })
}

fn listed<'a>(sums: &'a Sums, file: &Path) -> Option<&'a String> {
    sums.digests.get(file.file_name()?.to_str()?)
}
