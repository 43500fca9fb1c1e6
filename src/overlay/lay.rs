//! Overlays laid over each other: who writes which path, and what may not be.

use std::collections::{BTreeMap, BTreeSet};

use crate::overlay::render::{Variables, check_template, template, variables_of};
use crate::overlay::sources::{EntrySpec, Part, SourceFile, Sources, default_mode, sources};
use crate::overlay::{Content, Entry, Layer, generated};
use crate::plan::{self, Plan};
use crate::spec::{self, Document, OverlayName, Place, Problem, Problems, Tree};

/// In Debian these are symbolic links; a file laid there would make them folders and break the image.
const LINKS: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// Suffixes of units that can be enabled.
const UNIT_SUFFIXES: [&str; 6] = [".service", ".socket", ".timer", ".path", ".mount", ".target"];

/// The install part and the files part of a plan.
pub(super) fn parts(plan: &Plan, tree: &Tree) -> Result<(Layer, Layer), Problems> {
    let mut problems = Problems::default();
    let variables = generated::variables(plan);
    let mut stack = Stack::default();
    match generated::files(plan) {
        Ok(files) => stack.generated(generated::install(plan), files),
        Err(error) => problems.push(Problem::anywhere(format!("{error:#}"))),
    }
    for name in &plan.overlays {
        let Some(folder) = tree.overlays().get(name) else {
            problems.push(Problem::anywhere(format!("unknown overlay `{name}`")));
            continue;
        };
        let sources = sources(name, folder, &mut problems);
        stack.replace(&sources, &mut problems);
        for file in &sources.files {
            // A file that cannot be rendered still takes its path.
            let content = content(file, &variables, &mut problems);
            stack.add(name, file, content.unwrap_or(Content::File(Vec::new())), &mut problems);
        }
        stack.exceptions(name, &sources, &mut problems);
    }
    stack.check_folders(&mut problems);
    problems.or((stack.install, stack.files))
}

/// What is wrong with overlays whether a profile uses them or not, and variables of profiles that no
/// template of any overlay names: a setting must not be ignored silently.
pub fn check(tree: &Tree) -> Problems {
    let mut problems = Problems::default();
    let mut used = BTreeSet::new();
    for (name, folder) in tree.overlays() {
        for file in sources(name, folder, &mut problems).files.iter().filter(|file| file.template) {
            if let Ok(source) = file.file.source() {
                check_template(&source, &mut problems);
                used.extend(variables_of(&source));
            }
        }
    }
    for name in tree.own_profiles() {
        let Some(profile) = tree.profiles().get(name) else { continue };
        for variable in profile.document.value.variables.keys() {
            let text = variable.value.as_str();
            if !used.contains(text) && !plan::is_reserved(text) {
                let place = profile.document.place(variable.span);
                let problem = Problem::at(place, format!("no template names the variable `{text}`"));
                problems.push(problem.remedy("take it out").nearest(text, used.iter().map(String::as_str)));
            }
        }
    }
    problems
}

/// What a file holds after rendering.
fn content(file: &SourceFile<'_>, variables: &Variables, problems: &mut Problems) -> Option<Content> {
    if let Some(first) = file.path.split('/').next().filter(|first| LINKS.contains(first)) {
        let words = format!("`/{first}` is a symbolic link in the image, nothing can lie in it");
        problems.push(Problem::at(file.place(), words).remedy(format!("put the file under `usr/{first}`")));
        return None;
    }
    let bytes = match &file.file.content {
        spec::Content::Link(_) if file.template => {
            problems.push(Problem::at(file.place(), "a template cannot be a symbolic link"));
            return None;
        }
        spec::Content::Link(target) => return Some(Content::Link(target.clone())),
        spec::Content::File { bytes, .. } if !file.template => bytes.clone(),
        spec::Content::File { .. } => match file.file.source() {
            Ok(source) => template(&source, variables, problems)?.into_bytes(),
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        },
    };
    check_unit(file, &bytes, problems);
    Some(Content::File(bytes))
}

/// Presets are applied when packages are configured: a unit that can be enabled must be there by then.
fn check_unit(file: &SourceFile<'_>, bytes: &[u8], problems: &mut Problems) {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_unit = matches!(folder, "etc/systemd/system" | "usr/lib/systemd/system")
        && UNIT_SUFFIXES.iter().any(|suffix| file.path.ends_with(suffix));
    let has_install = || bytes.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == b"[Install]");
    if file.part == Part::Files && is_unit && has_install() {
        let place = match file.file.source() {
            Ok(source) => {
                let line = source.text.lines().position(|line| line.trim() == "[Install]").unwrap_or(0);
                let length = "[Install]".len() as u32;
                Place { source, span: spec::Span { line: line as u32 + 1, column: 1, length } }
            }
            Err(_) => file.place(),
        };
        let words =
            "a unit with an `[Install]` section is in `files/`, where it comes too late to be enabled";
        problems.push(Problem::at(place, words).remedy("move it to `install/`"));
    }
}

/// Layers being filled, with the writer of each path.
#[derive(Default)]
struct Stack {
    install: Layer,
    files: Layer,
    writers: BTreeMap<String, Writer>,
}

/// Who writes a path.
#[derive(Clone)]
struct Writer {
    /// The overlay; `None` is `nuvol` itself.
    overlay: Option<OverlayName>,
    place: Option<Place>,
    template: bool,
}

impl Stack {
    fn generated(&mut self, install: Layer, files: Layer) {
        for path in install.keys().chain(files.keys()) {
            self.writers.insert(path.clone(), Writer { overlay: None, place: None, template: false });
        }
        (self.install, self.files) = (install, files);
    }

    /// Takes away what the overlay says that it replaces.
    fn replace(&mut self, sources: &Sources<'_>, problems: &mut Problems) {
        let document = &sources.spec;
        for replaced in &document.value.replaces {
            let path = replaced.value.as_str().trim_start_matches('/');
            let place = document.place(replaced.span);
            let by_overlay = self.writers.get(path).is_some_and(|writer| writer.overlay.is_some());
            if !by_overlay {
                let words = format!("`replaces` names `/{path}`, which no earlier overlay writes");
                let known: Vec<String> = self.writers.keys().map(|path| format!("/{path}")).collect();
                let problem = Problem::at(place, words).remedy("take it out of `replaces`");
                problems.push(problem.nearest(replaced.value.as_str(), known.iter().map(String::as_str)));
                continue;
            }
            if !sources.files.iter().any(|file| file.path == path)
                && !document.value.entries.keys().any(|key| key.value == replaced.value)
            {
                let words = format!("`replaces` names `/{path}`, which this overlay does not write");
                problems.push(Problem::at(place, words).remedy("write it, or take it out of `replaces`"));
                continue;
            }
            self.writers.remove(path);
            self.install.remove(path);
            self.files.remove(path);
        }
    }

    fn add(&mut self, name: &OverlayName, file: &SourceFile<'_>, content: Content, problems: &mut Problems) {
        let writer =
            Writer { overlay: Some(name.clone()), place: Some(file.place()), template: file.template };
        let same_part = match file.part {
            Part::Install => self.install.contains_key(&file.path),
            Part::Files => self.files.contains_key(&file.path),
        };
        match self.writers.get(&file.path) {
            // One overlay may well write a path in both parts: one while packages install, one to stay.
            Some(first) if first.overlay.as_ref() != Some(name) || same_part => {
                problems.push(clash(file, first));
                return;
            }
            _ => {}
        }
        let entry = Entry { mode: default_mode(&file.file.content), ..Entry::of(content) };
        self.writers.insert(file.path.clone(), writer);
        match file.part {
            Part::Install => self.install.insert(file.path.clone(), entry),
            Part::Files => self.files.insert(file.path.clone(), entry),
        };
    }

    /// Modes, owners and folders.
    fn exceptions(&mut self, name: &OverlayName, sources: &Sources<'_>, problems: &mut Problems) {
        let document = &sources.spec;
        for (key, spec) in &document.value.entries {
            let path = key.value.as_str().trim_start_matches('/');
            if spec.value.directory {
                self.folder(name, document, path, spec.span, &spec.value, problems);
                continue;
            }
            let mut found = false;
            let own = sources.files.iter().any(|file| file.path == path);
            for layer in [&mut self.install, &mut self.files] {
                if let Some(entry) = layer.get_mut(path).filter(|_| own) {
                    entry.except(&spec.value);
                    found = true;
                }
            }
            if !found && !own {
                let words = format!("`entries` names `/{path}`, which this overlay does not hold");
                let known: Vec<String> = sources.files.iter().map(|file| format!("/{}", file.path)).collect();
                let problem = Problem::at(document.place(key.span), words)
                    .remedy("add the file, or write `directory: true` for a folder");
                problems.push(problem.nearest(key.value.as_str(), known.iter().map(String::as_str)));
            }
        }
    }

    fn folder(
        &mut self,
        name: &OverlayName,
        document: &Document<super::OverlaySpec>,
        path: &str,
        span: spec::Span,
        spec: &EntrySpec,
        problems: &mut Problems,
    ) {
        let mut entry = Entry { mode: 0o755, ..Entry::of(Content::Directory) };
        entry.except(spec);
        let place = document.place(span);
        if let Some(first) = self.writers.get(path) {
            let same = self.files.get(path) == Some(&entry);
            if !same {
                let problem = Problem::at(place, format!("`/{path}` is written twice, in different ways"));
                problems.push(first.near(problem).remedy("keep one of the two"));
            }
            return;
        }
        let writer = Writer { overlay: Some(name.clone()), place: Some(place), template: false };
        self.writers.insert(path.to_owned(), writer);
        // A folder that holds files of the install part must have its mode from the start.
        let below = format!("{path}/");
        if self.install.keys().any(|path| path.starts_with(&below)) {
            self.install.insert(path.to_owned(), entry.clone());
        }
        self.files.insert(path.to_owned(), entry);
    }

    /// Nothing can lie below a file or a link.
    fn check_folders(&self, problems: &mut Problems) {
        let folder = |path: &str| {
            [&self.install, &self.files]
                .iter()
                .all(|layer| layer.get(path).is_none_or(|entry| entry.content == Content::Directory))
        };
        for (path, writer) in &self.writers {
            let mut above = path.as_str();
            while let Some((parent, _)) = above.rsplit_once('/') {
                if let (false, Some(place)) = (folder(parent), &writer.place) {
                    let words = format!("`/{path}` lies below `/{parent}`, which is no folder");
                    let problem = Problem::at(place.clone(), words);
                    let problem = match self.writers.get(parent) {
                        Some(first) => first.near(problem),
                        None => problem,
                    };
                    problems.push(problem.remedy("keep one of the two"));
                }
                above = parent;
            }
        }
    }
}

impl Writer {
    fn near(&self, problem: Problem) -> Problem {
        match &self.place {
            Some(place) => problem.related(place.clone(), "first here"),
            None => problem,
        }
    }
}

fn clash(file: &SourceFile<'_>, first: &Writer) -> Problem {
    let path = &file.path;
    let Some(overlay) = &first.overlay else {
        let words = format!("`/{path}` is written by `nuvol` itself");
        return Problem::at(file.place(), words).remedy("take the file out");
    };
    let remedy = if first.template == file.template {
        format!("keep one, or write `replaces: [/{path}]` in the `overlay.yaml` of the later one")
    } else {
        "keep one of the two".to_owned()
    };
    let problem = Problem::at(file.place(), format!("`/{path}` is written by overlay `{overlay}` already"));
    first.near(problem).remedy(remedy)
}

impl Entry {
    fn of(content: Content) -> Self {
        Self { content, mode: 0, owner: "root".to_owned(), group: "root".to_owned() }
    }

    fn except(&mut self, spec: &EntrySpec) {
        if let Some(mode) = spec.mode {
            self.mode = mode.0;
        }
        if let Some(owner) = &spec.owner {
            self.owner.clone_from(&owner.0);
        }
        if let Some(group) = &spec.group {
            self.group.clone_from(&group.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::overlay::{self, Content, Layer, Overlay};
    use crate::plan;
    use crate::spec::{Architecture, Problems, Tree};

    const PROFILE: &str =
        "summary: S\nversion: 1.0\nformats: [raw]\noverlays: [one, two]\nvariables: { name: Example }\n";

    fn overlay_of(files: &[(&str, &str)]) -> Result<Overlay, Problems> {
        let mut texts = vec![
            ("profiles/node.yaml", PROFILE),
            ("overlays/one/files/etc/one", ""),
            ("overlays/two/files/etc/two", ""),
        ];
        texts.extend(files);
        let tree = Tree::of_texts(&texts);
        let plan = plan::resolve(&tree, &"node".parse().unwrap(), Architecture::Amd64, None)?.plan;
        overlay::render(&plan, &tree)
    }

    /// A path, as `ls` would show it.
    fn show(layer: &Layer, path: &str) -> String {
        layer.get(path).map_or_else(
            || "absent".to_owned(),
            |entry| {
                let content = match &entry.content {
                    Content::File(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Content::Link(target) => format!("-> {target}"),
                    Content::Directory => "/".to_owned(),
                };
                format!("{:04o} {}:{} {content}", entry.mode, entry.owner, entry.group)
            },
        )
    }

    #[test]
    fn a_template_is_text_with_the_values_of_the_plan() {
        let template = "{{ name }} {{ profile }} {{ version }} {{ hostname }} {% for path in data %}{{ path }} {% endfor %}<&>";
        let overlay = overlay_of(&[("overlays/one/files/etc/motd.tera", template)]).unwrap();
        assert_eq!(
            show(&overlay.files, "etc/motd"),
            "0644 root:root Example node 1.0 nuvol-{id} /etc/nuvol /home /var/lib/nuvol-agent \
             /var/lib/nuvol-helper <&>"
        );
    }

    #[test]
    fn a_later_overlay_writes_instead_of_an_earlier_one_only_where_it_says_so() {
        let files = [("overlays/one/install/etc/motd", "one"), ("overlays/two/files/etc/motd", "two")];
        assert_eq!(
            overlay_of(&files).unwrap_err().to_string(),
            "overlays/two/files/etc/motd:1:1: `/etc/motd` is written by overlay `one` already; keep one, or write \
             `replaces: [/etc/motd]` in the `overlay.yaml` of the later one"
        );
        let said = ("overlays/two/overlay.yaml", "replaces: [/etc/motd]\n");
        let overlay = overlay_of(&[files[0], files[1], said]).unwrap();
        assert_eq!(show(&overlay.install, "etc/motd"), "absent");
        assert_eq!(show(&overlay.files, "etc/motd"), "0644 root:root two");
    }

    #[test]
    fn one_overlay_may_write_a_path_for_the_install_and_for_good() {
        let files = [("overlays/one/install/etc/motd", "during"), ("overlays/one/files/etc/motd", "after")];
        let overlay = overlay_of(&files).unwrap();
        assert_eq!(show(&overlay.install, "etc/motd"), "0644 root:root during");
        assert_eq!(show(&overlay.files, "etc/motd"), "0644 root:root after");
    }

    #[test]
    fn modes_owners_and_folders_are_as_overlay_yaml_says() {
        let spec =
            "entries:\n  /etc/one: { mode: 0640, group: adm }\n  /srv/x: { directory: true, mode: 2775 }\n";
        let overlay = overlay_of(&[("overlays/one/overlay.yaml", spec)]).unwrap();
        assert_eq!(show(&overlay.files, "etc/one"), "0640 root:adm ");
        assert_eq!(show(&overlay.files, "srv/x"), "2775 root:root /");
    }

    #[test]
    fn nothing_lies_below_a_file() {
        let files = [("overlays/one/files/etc/motd", ""), ("overlays/two/files/etc/motd/more", "")];
        assert_eq!(
            overlay_of(&files).unwrap_err().to_string(),
            "overlays/two/files/etc/motd/more:1:1: `/etc/motd/more` lies below `/etc/motd`, which is no folder; keep \
             one of the two"
        );
    }
}
