//! What an owner may set of a service. Which settings there are says the image; here is what they accept.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::service::{Name, Text};

/// Something that the owner may set. Its default is always a value that it accepts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Setting {
    /// Its name within the service.
    pub name: Name,
    /// Name for people.
    pub title: Text,
    /// What to know before setting it.
    pub hint: Option<Text>,
    /// What it holds.
    pub kind: Kind,
}

/// A setting as the image has it, not yet looked at as a whole.
#[derive(Deserialize)]
struct Written {
    name: Name,
    title: Text,
    #[serde(default)]
    hint: Option<Text>,
    #[serde(flatten)]
    kind: Kind,
}

/// What a setting holds, its limits, and what it is until somebody sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Kind {
    /// A line of text; it may be empty only if its default is.
    Text {
        /// Until somebody sets it.
        default: String,
        /// The most characters.
        max_length: u16,
        /// Nobody but the owner should read it.
        #[serde(default)]
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
        /// What is counted (`kB/s`).
        #[serde(default)]
        unit: Option<Text>,
    },
    /// Yes or no.
    Switch {
        /// Until somebody sets it.
        default: bool,
    },
    /// One of several words.
    Choice {
        /// Until somebody sets it.
        default: Name,
        /// What there is to choose from.
        choices: Vec<Choice>,
    },
}

/// One of the words of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The word.
    pub name: Name,
    /// Name for people.
    pub title: Text,
}

/// A value that its setting accepts. As text it is what the service's scripts find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a text.
    Text(String),
    /// Of a number.
    Number(i64),
    /// Of a switch.
    Switch(bool),
    /// Of a choice.
    Choice(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Choice(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Switch(on) => f.write_str(if *on { "yes" } else { "no" }),
        }
    }
}

/// Why a setting does not accept a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It has too many characters.
    #[error("it is longer than {limit} characters")]
    TooLong {
        /// The most.
        limit: u16,
    },
    /// It is no whole number.
    #[error("it is not a whole number")]
    NotANumber,
    /// The number is too small.
    #[error("it is less than {min}")]
    TooSmall {
        /// The least.
        min: i64,
    },
    /// The number is too large.
    #[error("it is more than {max}")]
    TooLarge {
        /// The most.
        max: i64,
    },
    /// It is none of the words.
    #[error("it is none of the choices")]
    NotAChoice,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It has line ends or other characters that do not show.
    #[error("it has line ends or other characters that do not show")]
    Control,
}

impl Setting {
    /// The value that `text` means, as an owner wrote it.
    pub fn check(&self, text: &str) -> Result<Value, Wrong> {
        // Before anything else: a number between line ends is no number that somebody meant.
        if text.chars().any(|c| !Text::shows(c)) {
            return Err(Wrong::Control);
        }
        match &self.kind {
            Kind::Text { default, max_length, .. } => {
                let text = text.trim();
                match text.chars().count() {
                    0 if !default.is_empty() => Err(Wrong::Empty),
                    length if length > usize::from(*max_length) => Err(Wrong::TooLong { limit: *max_length }),
                    _ => Ok(Value::Text(text.to_owned())),
                }
            }
            Kind::Number { min, max, .. } => number(text, *min, *max).map(Value::Number),
            // What browsers send for a box that is ticked, and what people write.
            Kind::Switch { .. } => match text.trim() {
                "yes" | "on" | "true" => Ok(Value::Switch(true)),
                "no" | "off" | "false" => Ok(Value::Switch(false)),
                "" => Err(Wrong::Empty),
                _ => Err(Wrong::NotAChoice),
            },
            Kind::Choice { choices, .. } => match text.trim() {
                "" => Err(Wrong::Empty),
                text if choices.iter().any(|choice| *choice.name == *text) => {
                    Ok(Value::Choice(text.to_owned()))
                }
                _ => Err(Wrong::NotAChoice),
            },
        }
    }

    /// What it is until somebody sets it.
    pub fn default(&self) -> Value {
        match &self.kind {
            Kind::Text { default, .. } => Value::Text(default.clone()),
            Kind::Number { default, .. } => Value::Number(*default),
            Kind::Switch { default } => Value::Switch(*default),
            Kind::Choice { default, .. } => Value::Choice(default.to_string()),
        }
    }

    /// Whether nobody but the owner should read its value.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Text { secret: true, .. })
    }

    /// The variable that the service's scripts find its value in.
    pub fn variable(&self) -> String {
        self.name.to_uppercase().replace('-', "_")
    }
}

/// The whole number from `min` to `max` that `text` means.
pub fn number(text: &str, min: i64, max: i64) -> Result<i64, Wrong> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Wrong::Empty);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::NotANumber);
    }
    // A number that no integer holds is beyond every limit.
    let beyond = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    match text.parse().unwrap_or(beyond) {
        number if number < min => Err(Wrong::TooSmall { min }),
        number if number > max => Err(Wrong::TooLarge { max }),
        number => Ok(number),
    }
}

impl TryFrom<Written> for Setting {
    type Error = String;

    fn try_from(Written { name, title, hint, kind }: Written) -> Result<Self, String> {
        let setting = Self { name, title, hint, kind };
        match setting.check(&setting.default().to_string()) {
            Ok(value) if value == setting.default() => Ok(setting),
            Ok(_) => Err(format!("the default of setting `{}` begins or ends with blanks", &*setting.name)),
            Err(wrong) => Err(format!("the default of setting `{}` is wrong: {wrong}", &*setting.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Setting, Value, Wrong};

    fn setting(json: &str) -> Setting {
        let head = r#"{"name": "a-b", "title": "A", "#;
        serde_json::from_str(&format!("{head}{json}}}")).unwrap()
    }

    #[test]
    fn a_text_has_one_line_and_a_limit() {
        let text = setting(r#""kind": "text", "default": "ä", "max-length": 3"#);
        assert_eq!(text.check(" äöü "), Ok(Value::Text("äöü".to_owned())));
        assert_eq!(text.check("äöüß"), Err(Wrong::TooLong { limit: 3 }));
        assert_eq!(text.check("  "), Err(Wrong::Empty));
        for hidden in ["a\n", "\0", "\u{202e}a", "a\r", "\u{1b}"] {
            assert_eq!(text.check(hidden), Err(Wrong::Control), "{hidden:?}");
        }
        let free = setting(r#""kind": "text", "default": "", "max-length": 3, "secret": true"#);
        assert_eq!(free.check(""), Ok(Value::Text(String::new())));
        assert!(free.is_secret() && !text.is_secret());
        assert_eq!(free.variable(), "A_B");
    }

    #[test]
    fn a_number_has_limits() {
        let number = setting(r#""kind": "number", "default": 0, "min": -5, "max": 100"#);
        assert_eq!(number.check(" 007 "), Ok(Value::Number(7)));
        assert_eq!(number.check("-5"), Ok(Value::Number(-5)));
        assert_eq!(number.check("-6"), Err(Wrong::TooSmall { min: -5 }));
        assert_eq!(number.check("101"), Err(Wrong::TooLarge { max: 100 }));
        assert_eq!(number.check("99999999999999999999999"), Err(Wrong::TooLarge { max: 100 }));
        assert_eq!(number.check("-99999999999999999999999"), Err(Wrong::TooSmall { min: -5 }));
        assert_eq!(number.check(""), Err(Wrong::Empty));
        for wrong in ["1.5", "1e3", "0x10", "--1", "-", "٣", "1 0"] {
            assert_eq!(number.check(wrong), Err(Wrong::NotANumber), "{wrong}");
        }
    }

    #[test]
    fn a_switch_and_a_choice_know_their_words() {
        let switch = setting(r#""kind": "switch", "default": true"#);
        assert_eq!(switch.check("on").unwrap().to_string(), "yes");
        assert_eq!(switch.check("no"), Ok(Value::Switch(false)));
        assert_eq!(switch.check("perhaps"), Err(Wrong::NotAChoice));
        let choices = r#"[{"name": "red", "title": "Red"}, {"name": "green", "title": "Green"}]"#;
        let choice = setting(&format!(r#""kind": "choice", "default": "red", "choices": {choices}"#));
        assert_eq!(choice.check("green"), Ok(Value::Choice("green".to_owned())));
        assert_eq!(choice.check("blue"), Err(Wrong::NotAChoice));
        assert_eq!(choice.default().to_string(), "red");
    }

    #[test]
    fn a_setting_that_exists_accepts_its_default() {
        let bad = [
            r#""kind": "number", "default": 200, "min": 1, "max": 100"#,
            r#""kind": "text", "default": "abcd", "max-length": 3"#,
            r#""kind": "choice", "default": "blue", "choices": [{"name": "red", "title": "Red"}]"#,
            r#""kind": "colour", "default": "blue""#,
        ];
        for json in bad {
            let text = format!(r#"{{"name": "a", "title": "A", {json}}}"#);
            assert!(serde_json::from_str::<Setting>(&text).is_err(), "{json}");
        }
    }
}
