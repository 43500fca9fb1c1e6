//! One run of mmdebstrap over packages that are on the shelf: no network, no other source.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::install::Deb;
use super::resolve::Package;
use crate::report::Unit;
use crate::store::hex;
use crate::workshop::Workshop;

/// What a run needs besides the packages.
pub struct Bootstrap<'a> {
    /// The tree whose mmdebstrap runs.
    pub tools: &'a Path,
    /// The Debian release by code name.
    pub suite: &'a str,
    /// The machine that the result is for.
    pub architecture: &'a str,
    /// Seconds since 1970: the time of everything in the result.
    pub epoch: u64,
    /// Every package of the result, in exact versions.
    pub packages: &'a [&'a Package],
    /// Packages of our own.
    pub own: &'a [PathBuf],
    /// Those that are asked for by name; the others are marked as automatically installed.
    pub wanted: Vec<&'a str>,
    /// Further words for mmdebstrap, and files that they name.
    pub options: Vec<String>,
    /// Files that `options` names.
    pub lend: Vec<PathBuf>,
}

impl Bootstrap<'_> {
    /// Writes the tree as `dir/base.tar`.
    pub fn run(&self, shop: &Workshop, dir: &Path) -> anyhow::Result<PathBuf> {
        let repository = dir.join("repository");
        self.offer(shop, &repository).context("offering the packages to apt")?;
        let tar = dir.join("base.tar");
        let source = format!("deb [trusted=yes] copy:{} ./", repository.display());
        let mut args: Vec<String> =
            ["--mode=root", "--variant=apt", "--format=tar", "--verbose"].map(Into::into).into();
        args.push(format!("--architectures={}", self.architecture));
        args.push(format!("--include={}", self.wanted.join(",")));
        args.extend(self.options.iter().cloned());
        args.extend([self.suite.to_owned(), tar.display().to_string(), source]);

        let mut sandbox = shop.sandbox(self.tools);
        for path in &self.lend {
            sandbox = sandbox.read(path);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let command = shop.command(&sandbox.write(dir), "mmdebstrap", &args)?;
        // dpkg says a line when it unpacks and one when it configures a package.
        let bar = shop.report.bar("install", 2 * self.packages.len() as u64, Unit::Steps);
        let mut on_line = |line: &str| {
            if line.starts_with("Unpacking ") || line.starts_with("Setting up ") {
                bar.inc(1);
            }
        };
        let result = shop.host.watch(
            command.env("SOURCE_DATE_EPOCH", self.epoch.to_string()).env("TMPDIR", "/tmp"),
            &mut on_line,
        );
        bar.finish_and_clear();
        result?;
        fs::remove_dir_all(&repository).context("removing the repository")?;
        Ok(tar)
    }

    /// A flat repository of links to the packages on the shelf. What it holds was verified when
    /// it came to the shelf, along the chain from the archive's signature.
    fn offer(&self, shop: &Workshop, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir(folder)?;
        let mut index = String::new();
        for package in self.packages {
            let shelved = shop.store.package(&package.sha256);
            let shelved = shelved.with_context(|| format!("`{}` is not on the shelf", package.name))?;
            index += &offer_one(&shelved, &package.sha256, folder)?;
        }
        for path in self.own {
            index += &offer_one(path, &crate::store::sha256_file(path)?, folder)?;
        }
        fs::write(folder.join("Packages"), &index)?;
        let digest = hex(&Sha256::digest(index.as_bytes()));
        let release = format!(
            "Suite: {suite}\nCodename: {suite}\nSHA256:\n {digest} {size} Packages\n",
            suite = self.suite,
            size = index.len()
        );
        Ok(fs::write(folder.join("Release"), release)?)
    }
}

/// Links a package into `folder`, or copies it there, and returns its paragraph of the index.
fn offer_one(path: &Path, sha256: &str, folder: &Path) -> anyhow::Result<String> {
    let deb = Deb::verified(path, sha256)?;
    let file = format!("{sha256}.deb");
    let to = folder.join(&file);
    if fs::hard_link(path, &to).is_err() {
        fs::copy(path, &to).with_context(|| format!("copying `{}`", path.display()))?;
    }
    let mut text = String::new();
    deb.control.fields().for_each(|(field, value)| text += &format!("{field}: {value}\n"));
    Ok(text + &format!("Filename: ./{file}\nSize: {}\nSHA256: {sha256}\n\n", deb.size))
}
