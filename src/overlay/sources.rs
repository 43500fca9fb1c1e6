//! The files of one overlay: which part each belongs to, what `overlay.yaml` says of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::{
    At, Content, Document, File, ImagePath, OverlayFolder, OverlayName, Place, Problem, Problems, Source,
    Span, read,
};

/// What `overlay.yaml` says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OverlaySpec {
    /// Entries that are not `root`'s, have a mode of their own, or are folders to be made.
    pub entries: BTreeMap<At<ImagePath>, At<EntrySpec>>,
    /// Paths of earlier overlays that this one writes instead.
    pub replaces: Vec<At<ImagePath>>,
}

/// What `overlay.yaml` says of one path.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EntrySpec {
    /// Permission bits in octal, as in `"0640"`.
    pub mode: Option<Mode>,
    /// Owner by name.
    pub owner: Option<UserName>,
    /// Group by name.
    pub group: Option<UserName>,
    /// Whether this is a folder, made even if nothing lies in it.
    pub directory: bool,
}

/// Permission bits, written in octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Mode(pub u32);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if octal => Ok(Self(mode)),
            _ => Err(format!("`{text}` is not a mode (three or four octal digits, as in \"0640\")")),
        }
    }
}

/// The name of a user or group in the image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct UserName(pub String);

impl TryFrom<String> for UserName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let rest = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c));
        if first && rest && text.len() <= 32 {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is not a user or group name (lower-case letters, digits, `-` and `_`)"))
        }
    }
}

/// When a file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// While packages install.
    Install,
    /// Laid over at the end.
    Files,
}

/// One file of an overlay.
#[derive(Debug)]
pub(super) struct SourceFile<'t> {
    pub(super) part: Part,
    /// Path in the image, without a leading `/`, without `.tera`.
    pub(super) path: String,
    pub(super) template: bool,
    pub(super) file: &'t File,
}

impl SourceFile<'_> {
    /// The start of the file.
    pub(super) fn place(&self) -> Place {
        place(&self.file.name)
    }
}

/// An overlay, sorted into its parts.
#[derive(Debug)]
pub(super) struct Sources<'t> {
    pub(super) files: Vec<SourceFile<'t>>,
    pub(super) spec: Document<OverlaySpec>,
}

/// Sorts an overlay's files.
pub(super) fn sources<'t>(
    name: &OverlayName,
    folder: &'t OverlayFolder,
    problems: &mut Problems,
) -> Sources<'t> {
    let mut files = Vec::new();
    let mut spec = None;
    for (path, file) in &folder.files {
        let (part, rest) = match path.split_once('/') {
            Some(("install", rest)) => (Part::Install, rest),
            Some(("files", rest)) => (Part::Files, rest),
            None if path == "overlay.yaml" => {
                spec = Some(read_spec(file, problems));
                continue;
            }
            None if path == "README.md" => continue,
            _ => {
                let first = path.split('/').next().unwrap_or(path);
                let words = format!("`{first}` is no part of an overlay");
                let known = ["install", "files", "overlay.yaml", "README.md"];
                problems.push(Problem::at(place(&file.name), words).nearest(first, known));
                continue;
            }
        };
        let (path, template) = match rest.strip_suffix(".tera") {
            Some(path) => (path, true),
            None => (rest, false),
        };
        files.push(SourceFile { part, path: path.to_owned(), template, file });
    }
    let empty =
        || read(&Arc::new(Source { name: format!("overlays/{name}/overlay.yaml"), text: String::new() })).0;
    Sources { files, spec: spec.unwrap_or_else(empty) }
}

fn read_spec(file: &File, problems: &mut Problems) -> Document<OverlaySpec> {
    match file.source() {
        Ok(source) => {
            let (document, wrong) = read(&source);
            problems.extend(wrong);
            document
        }
        Err(problem) => {
            problems.push(problem);
            let source = Arc::new(Source { name: file.name.clone(), text: String::new() });
            Document { source, value: OverlaySpec::default(), damaged: crate::spec::Damaged::wholly() }
        }
    }
}

fn place(name: &str) -> Place {
    Place { source: Arc::new(Source { name: name.to_owned(), text: String::new() }), span: Span::START }
}

/// The mode of a file without one of its own.
pub(super) fn default_mode(content: &Content) -> u32 {
    match content {
        Content::File { executable: true, .. } => 0o755,
        Content::File { executable: false, .. } => 0o644,
        Content::Link(_) => 0o777,
    }
}
