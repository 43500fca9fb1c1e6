//! Words of strangers: short, of one line, and without what could make a page lie.

use std::fmt;

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};

/// A line of at most `MAX` bytes that shows as what it is: no control characters, nothing that turns the direction of
/// text or does not show, no blanks around it. It may be hostile all the same: pages escape it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Line<const MAX: usize>(String);

/// The name of a node or of a community.
pub type Name = Line<63>;

/// Why a text is no [`Line`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has no character.
    #[error("it is empty")]
    Empty,
    /// It is longer than this many bytes.
    #[error("it is longer than {0} bytes")]
    Long(usize),
    /// It has a character that does not show, or turns the direction of others.
    #[error("it has a character that does not show (U+{:04X})", u32::from(*.0))]
    Hidden(char),
    /// It begins or ends with a blank.
    #[error("it begins or ends with a blank")]
    Blank,
}

impl<const MAX: usize> Line<MAX> {
    /// The text as a line.
    ///
    /// # Errors
    ///
    /// Says what a line may not have.
    pub fn new(text: &str) -> Result<Self, Unfit> {
        if text.is_empty() {
            return Err(Unfit::Empty);
        }
        if text.len() > MAX {
            return Err(Unfit::Long(MAX));
        }
        if let Some(hidden) = text.chars().find(|it| is_hidden(*it)) {
            return Err(Unfit::Hidden(hidden));
        }
        if text.trim() != text {
            return Err(Unfit::Blank);
        }
        Ok(Self(text.to_owned()))
    }

    /// The nearest line to a text that need not be one; nothing where nothing is left.
    pub fn nearest(text: &str) -> Option<Self> {
        let shown: String = text.chars().filter(|it| !is_hidden(*it)).collect();
        let mut end = shown.trim().len().min(MAX);
        while !shown.trim().is_char_boundary(end) {
            end -= 1;
        }
        Self::new(shown.trim().get(..end)?.trim()).ok()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What does not show, or changes how its neighbours do: controls, the bidirectional and zero-width characters, line
/// ends, private use, and tags.
pub fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(u32::from(it),
            0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xE000..=0xF8FF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFFF | 0x1D173..=0x1D17A | 0xE0000..=0x10_FFFF)
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<C, const MAX: usize> minicbor::Encode<C> for Line<MAX> {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C, const MAX: usize> minicbor::Decode<'b, C> for Line<MAX> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        Self::new(d.str()?).map_err(|unfit| Error::message(unfit.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Unfit};

    #[test]
    fn a_line_shows_as_what_it_is() {
        let line = Line::<12>::new;
        assert_eq!(line("Can Xirgu").map(|it| it.to_string()), Ok("Can Xirgu".to_owned()));
        assert!(line("日本語").is_ok());
        assert_eq!(line(""), Err(Unfit::Empty));
        assert_eq!(line("a long name of a node"), Err(Unfit::Long(12)));
        assert_eq!(line(" a"), Err(Unfit::Blank));
        for hidden in ["a\nb", "a\u{202e}b", "a\u{200b}b", "a\u{0}b", "\u{feff}a", "a\u{e0041}"] {
            assert!(matches!(line(hidden), Err(Unfit::Hidden(_))), "{hidden:?}");
        }
    }

    #[test]
    fn the_nearest_line_is_one() {
        let nearest = |text| Line::<8>::nearest(text).map(|it| it.to_string());
        assert_eq!(nearest(" a\u{202e}b\n"), Some("ab".to_owned()));
        assert_eq!(nearest("ééééé"), Some("éééé".to_owned()));
        assert_eq!(nearest("1234567 9"), Some("1234567".to_owned()));
        assert_eq!(nearest("\u{200b} "), None);
    }
}
