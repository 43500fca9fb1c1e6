//! What owners may set: what is wrong with an entry of the catalogue, and what it means in a plan.

use serde::Serialize;

use crate::spec::{
    At, Catalog, ChoiceSpec, Document, Problem, Problems, Scalar, ServiceName, ServiceSpec, SettingKind,
    SettingSpec, Span,
};

/// The most characters of a text, where the catalogue does not say.
const USUAL_LENGTH: u16 = 80;
/// More than fits a page, and than the helper takes in.
const GREATEST_LENGTH: u16 = 1000;

/// Something that the owner may set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setting {
    /// Its name within the service.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What to know before setting it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What it holds.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What a setting holds, and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Kind {
    /// A line of text.
    Text {
        /// Until somebody sets it.
        default: String,
        /// The most characters.
        max_length: u16,
        /// Nobody but the owner should read it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        secret: bool,
    },
    /// A whole number.
    Number {
        /// Until somebody sets it.
        default: i64,
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// What is counted.
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    /// Yes or no.
    Switch {
        /// Until somebody sets it.
        default: bool,
    },
    /// One of several words.
    Choice {
        /// Until somebody sets it.
        default: String,
        /// What there is to choose from.
        choices: Vec<Choice>,
    },
}

/// One of the words of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The word.
    pub name: String,
    /// Name for people.
    pub title: String,
}

/// Something that a service drew for itself and its owner needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its name within the service.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// The file it stands in.
    pub file: String,
    /// What stands before the `=`.
    pub key: String,
}

impl Setting {
    /// The name of the variable that the service's scripts find it in.
    pub fn variable(&self) -> String {
        self.name.to_uppercase().replace('-', "_")
    }

    /// What the variable holds until somebody sets it.
    pub fn default(&self) -> String {
        match &self.kind {
            Kind::Text { default, .. } | Kind::Choice { default, .. } => default.clone(),
            Kind::Number { default, .. } => default.to_string(),
            Kind::Switch { default } => if *default { "yes" } else { "no" }.to_owned(),
        }
    }
}

/// A wrong thing, where it stands, and what would be right.
type Fault = (Span, String, &'static str);

/// What is wrong with the settings of a service.
pub(super) fn check(
    document: &Document<Catalog>,
    service: &ServiceName,
    spec: &ServiceSpec,
    problems: &mut Problems,
) {
    let names = spec.settings.iter().map(|it| &it.name).chain(spec.shown.iter().map(|it| &it.name));
    let names: Vec<_> = names.collect();
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().find(|first| first.value == name.value) {
            let words = format!("two settings of service `{service}` are named `{}`", name.value);
            let problem = Problem::at(document.place(name.span), words).remedy("rename one of the two");
            problems.push(problem.related(document.place(first.span), "first here"));
        }
    }
    for setting in &spec.settings {
        let faults = foreign_keys(setting).into_iter().chain(kind_of(setting).err());
        for (span, words, remedy) in faults {
            let words = format!("setting `{}` of service `{service}`: {words}", setting.name.value);
            problems.push(Problem::at(document.place(span), words).remedy(remedy));
        }
    }
    for shown in &spec.shown {
        let file = shown.file.value.to_string();
        if !spec.data.iter().any(|path| file.starts_with(&format!("{}/", path.value))) {
            let words = format!("`{file}` lies in none of the data paths of service `{service}`");
            let problem = Problem::at(document.place(shown.file.span), words);
            problems.push(problem.remedy("name a file of its `data`"));
        }
    }
    for shown in spec.announce.iter().flat_map(|it| it.txt.values()) {
        let known: Vec<&str> = spec.shown.iter().map(|it| it.name.value.as_str()).collect();
        if !known.contains(&shown.value.as_str()) {
            let words = format!(
                "`announce.txt` of service `{service}` names `{}`, which is nothing that it shows",
                shown.value
            );
            let problem = Problem::at(document.place(shown.span), words).remedy("name it in `shown`");
            problems.push(problem.nearest(shown.value.as_str(), known));
        }
    }
}

/// Keys that belong to another kind of setting.
fn foreign_keys(setting: &SettingSpec) -> Vec<Fault> {
    let keys = [
        ("max-length", setting.max_length.as_ref().map(|it| it.span), SettingKind::Text),
        ("secret", setting.secret.as_ref().map(|it| it.span), SettingKind::Text),
        ("min", setting.min.as_ref().map(|it| it.span), SettingKind::Number),
        ("max", setting.max.as_ref().map(|it| it.span), SettingKind::Number),
        ("unit", setting.unit.as_ref().map(|it| it.span), SettingKind::Number),
        ("choices", setting.choices.as_ref().map(|it| it.span), SettingKind::Choice),
    ];
    let foreign = keys.into_iter().filter(|(_, _, kind)| *kind != setting.kind);
    foreign
        .filter_map(|(key, span, _)| Some((span?, format!("this kind has no `{key}`"), "take it out")))
        .collect()
}

/// What a setting holds, or why it cannot.
fn kind_of(setting: &SettingSpec) -> Result<Kind, Fault> {
    match setting.kind {
        SettingKind::Text => text(setting),
        SettingKind::Number => number(setting),
        SettingKind::Switch => match setting.default.value {
            Scalar::Flag(default) => Ok(Kind::Switch { default }),
            _ => Err((setting.default.span, "its default is no flag".into(), "write `true` or `false`")),
        },
        SettingKind::Choice => choice(setting),
    }
}

fn text(setting: &SettingSpec) -> Result<Kind, Fault> {
    let max_length = setting.max_length.as_ref().map_or(USUAL_LENGTH, |it| it.value);
    if !(1..=GREATEST_LENGTH).contains(&max_length) {
        let span = setting.max_length.as_ref().map_or(setting.name.span, |it| it.span);
        return Err((span, format!("`max-length` is {max_length}"), "write 1 to 1000"));
    }
    let Scalar::Text(default) = &setting.default.value else {
        return Err((setting.default.span, "its default is no text".into(), "put it in quotes"));
    };
    let length = default.chars().count();
    if length > usize::from(max_length) {
        let words = format!("its default has {length} characters and may have {max_length}");
        return Err((setting.default.span, words, "shorten it, or raise `max-length`"));
    }
    if default.chars().any(char::is_control) {
        return Err((setting.default.span, "its default is more than one line".into(), "write one line"));
    }
    let secret = setting.secret.as_ref().is_some_and(|it| it.value);
    Ok(Kind::Text { default: default.clone(), max_length, secret })
}

fn number(setting: &SettingSpec) -> Result<Kind, Fault> {
    let (Some(min), Some(max)) = (&setting.min, &setting.max) else {
        return Err((setting.name.span, "a number needs limits".into(), "add `min` and `max`"));
    };
    let (least, most) = (min.value, max.value);
    if least > most {
        let words = format!("`min` is {least} and `max` only {most}");
        return Err((min.span, words, "make `max` the larger one"));
    }
    let Scalar::Number(default) = setting.default.value else {
        return Err((setting.default.span, "its default is no whole number".into(), "write one"));
    };
    if !(least..=most).contains(&default) {
        let words = format!("its default is {default}, which is not from {least} to {most}");
        return Err((setting.default.span, words, "choose one within `min` and `max`"));
    }
    Ok(Kind::Number {
        default,
        min: least,
        max: most,
        unit: setting.unit.as_ref().map(|it| it.value.clone()),
    })
}

fn choice(setting: &SettingSpec) -> Result<Kind, Fault> {
    let none = At { value: Vec::new(), span: setting.name.span };
    let given = setting.choices.as_ref().unwrap_or(&none);
    if given.value.len() < 2 {
        return Err((given.span, "there is nothing to choose from".into(), "name two `choices` at least"));
    }
    for (index, choice) in given.value.iter().enumerate() {
        if given.value[..index].iter().any(|first| first.name == choice.name) {
            let words = format!("two choices are named `{}`", choice.name.value);
            return Err((choice.name.span, words, "rename one of the two"));
        }
    }
    let named = |choice: &&ChoiceSpec| setting.default.value == Scalar::Text(choice.name.value.to_string());
    let Some(default) = given.value.iter().find(named) else {
        let words = format!("its default `{}` is none of its choices", setting.default.value);
        return Err((setting.default.span, words, "name one of `choices`"));
    };
    let plain =
        |choice: &ChoiceSpec| Choice { name: choice.name.value.to_string(), title: choice.title.clone() };
    Ok(Kind::Choice {
        default: default.name.value.to_string(),
        choices: given.value.iter().map(plain).collect(),
    })
}

/// The settings of a service; those that `check` finds fault with are not among them.
pub(super) fn planned(spec: &ServiceSpec) -> Vec<Setting> {
    let setting = |it: &SettingSpec| {
        let kind = kind_of(it).ok()?;
        Some(Setting {
            name: it.name.value.to_string(),
            title: it.title.value.clone(),
            hint: it.hint.clone(),
            kind,
        })
    };
    spec.settings.iter().filter_map(setting).collect()
}

/// What a service shows of itself.
pub(super) fn planned_shown(spec: &ServiceSpec) -> Vec<Shown> {
    let shown = |it: &crate::spec::ShownSpec| Shown {
        name: it.name.value.to_string(),
        title: it.title.clone(),
        file: it.file.value.to_string(),
        key: it.key.to_string(),
    };
    spec.shown.iter().map(shown).collect()
}
