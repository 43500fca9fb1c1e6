//! Who hears how far the work is. What is shown of it is theirs to say.

use serde::Serialize;

/// What is slower than all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The disk that is written or read.
    Disk,
    /// Reading the image.
    Image,
    /// Unpacking the image.
    Decompression,
}

impl Limit {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Disk => "limited by the disk",
            Self::Image => "limited by reading the image",
            Self::Decompression => "limited by decompression",
        }
    }
}

/// Hears of the work.
pub trait Progress: Sync {
    /// A phase of `total` bytes begins.
    fn phase<'p>(&'p self, name: &'static str, total: u64) -> Box<dyn Phase + 'p>;
    /// Something worth knowing that is no phase.
    fn note(&self, text: &str);
}

/// Counts the bytes of a phase.
pub trait Phase: Sync {
    /// So many bytes more are done, and what held them up, where that is known.
    fn add(&self, bytes: u64, limit: Option<Limit>);
    /// The phase is over; `detail` goes behind its figures.
    fn finish(self: Box<Self>, detail: &str);
}
