//! What is asked of the installer before anybody is at a keyboard: by the kernel line, or by `[install]` in the
//! medium's `nuvol.toml`. Pure.

use anyhow::Context as _;
use nuvol_seed::Install;

/// The word of the kernel line.
const WORD: &str = "nuvol.install";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: this is a live system.
    Nothing,
    /// Ask a person.
    Wizard,
    /// Install without asking.
    Unattended(Install),
}

/// What the kernel line `line` and the configuration `config` of the medium ask for. Words of the kernel line that
/// describe a disk go before all of the file's table: a disk is not described by halves of two.
pub fn asked(line: &str, config: Option<&str>) -> anyhow::Result<Asked> {
    let words = words(line);
    let filters: Vec<(String, String)> = words
        .iter()
        .filter_map(|(key, value)| {
            Some((key.strip_prefix(WORD)?.strip_prefix('.')?.to_owned(), value.clone()))
        })
        .collect();
    if !filters.is_empty() {
        let install = Install::of_words(&filters);
        return Ok(Asked::Unattended(install.map_err(|wrong| anyhow::anyhow!("{}", wrong.join("\n")))?));
    }
    let word = words.iter().rev().find(|(key, _)| key == WORD).map(|(_, value)| value.as_str());
    match (word, config.map(nuvol_seed::read)) {
        (Some("auto"), read) => {
            let told = read.iter().flat_map(|it| &it.problems).map(|it| format!("\nnuvol.toml:{it}"));
            let told: String = told.collect();
            let install = read.as_ref().and_then(|it| it.config.install.clone());
            install.map(Asked::Unattended).with_context(|| {
                format!("nothing says which disk it is: add `nuvol.install.serial=…`, or `[install]` to nuvol.toml{told}")
            })
        }
        (Some(_), _) => Ok(Asked::Wizard),
        (None, Some(read)) => Ok(read.config.install.map_or(Asked::Nothing, Asked::Unattended)),
        (None, None) => Ok(Asked::Nothing),
    }
}

/// Words of a kernel line with their values. Quotes hold blanks together, around a value or the whole word, as the
/// kernel reads them (`next_arg` in its lib/cmdline.c).
fn words(line: &str) -> Vec<(String, String)> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => found.push(String::new()),
            c => found.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    let parted = |word: &String| {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        // The kernel takes both signs for one.
        (key.to_owned(), value.to_owned())
    };
    found.iter().filter(|word| !word.is_empty()).map(parted).collect()
}

#[cfg(test)]
mod tests {
    use super::{Asked, asked};

    const CONFIG: &str = "version = 1\nname = \"ana\"\n[install]\nserial = \"x\"\n";

    #[test]
    fn without_a_word_it_is_a_live_system() {
        assert_eq!(asked("boot=nuvol nuvol.installer=1 quiet\n", None).unwrap(), Asked::Nothing);
        assert_eq!(asked("boot=nuvol", Some("version = 1\n")).unwrap(), Asked::Nothing);
        assert_eq!(asked("boot=nuvol nuvol.install", None).unwrap(), Asked::Wizard);
        assert_eq!(asked("boot=nuvol nuvol.install", Some(CONFIG)).unwrap(), Asked::Wizard);
    }

    #[test]
    fn the_file_or_the_kernel_line_describe_a_disk() {
        let Asked::Unattended(install) = asked("boot=nuvol", Some(CONFIG)).unwrap() else {
            panic!("not asked")
        };
        assert_eq!(install.serial.as_deref(), Some("x"));
        let line = "a nuvol.install=auto nuvol.install.vendor=\"WD Green\" \"nuvol.install.model=A B\" b";
        let Asked::Unattended(install) = asked(line, Some(CONFIG)).unwrap() else { panic!("not asked") };
        assert_eq!((install.vendor.as_deref(), install.model.as_deref()), (Some("WD Green"), Some("A B")));
        assert_eq!(install.serial, None, "the file does not count beside it");
    }

    #[test]
    fn a_disk_that_nobody_described_is_not_guessed() {
        let wrong = asked("nuvol.install=auto", None).unwrap_err().to_string();
        assert!(wrong.contains("nothing says which disk it is"), "{wrong}");
        let wrong =
            asked("nuvol.install=auto", Some("version = 1\n[install]\nserail = \"x\"\n")).unwrap_err();
        assert!(wrong.to_string().contains("nuvol.toml:3:1: nobody knows the key `serail`"), "{wrong}");
        let wrong = asked("nuvol.install.disk=first nuvol.install.then=x", None).unwrap_err().to_string();
        assert_eq!(wrong.lines().count(), 3, "{wrong}");
        // A table with a mistake is no reason to erase anything.
        assert_eq!(asked("", Some("version = 1\n[install]\nserial = 3\n")).unwrap(), Asked::Nothing);
    }
}
