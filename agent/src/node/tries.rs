//! Wrong guesses: who may try again, and when. Bounded, whoever guesses.

use std::collections::BTreeMap;
use std::time::Duration;

/// Wrong guesses within this time count together.
const WINDOW: Duration = Duration::from_secs(60);
/// The first pause; it doubles with each that follows, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// After so long without a wrong guess all is forgotten.
const MEMORY: Duration = Duration::from_secs(2 * 60 * 60);
/// Those who are remembered at one time.
const REMEMBERED: usize = 1024;

/// Wrong guesses by what they were made from or at: an address, an account.
#[derive(Debug, Clone)]
pub struct Tries {
    allowed: u32,
    longest: Duration,
    known: BTreeMap<String, Record>,
}

#[derive(Debug, Clone, Default)]
struct Record {
    wrong: u32,
    since: Duration,
    last: Duration,
    pauses: u32,
    until: Duration,
}

impl Tries {
    /// So many wrong guesses a minute, then pauses that grow: for guesses of one address.
    pub fn growing(allowed: u32) -> Self {
        Self { allowed, longest: LONGEST_PAUSE, known: BTreeMap::new() }
    }

    /// So many wrong guesses a minute, then one minute of pause: for guesses at one account. It does not grow,
    /// else a stranger could keep its owner out for hours.
    pub fn steady(allowed: u32) -> Self {
        Self { allowed, longest: FIRST_PAUSE, known: BTreeMap::new() }
    }

    /// How long to wait before the next guess, where one must wait.
    pub fn pause(&self, key: &str, now: Duration) -> Option<Duration> {
        let left = self.known.get(key)?.until.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }

    /// Notes a wrong guess. Says whether it was the one too many.
    pub fn wrong(&mut self, key: &str, now: Duration) -> bool {
        self.make_room(now);
        let record = self.known.entry(key.to_owned()).or_default();
        if now.saturating_sub(record.since) >= WINDOW {
            (record.wrong, record.since) = (0, now);
        }
        record.wrong += 1;
        record.last = now;
        if record.wrong < self.allowed {
            return false;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << record.pauses.min(10)).min(self.longest);
        record.until = now + pause;
        record.pauses += 1;
        record.wrong = 0;
        true
    }

    /// A right guess: all is forgotten.
    pub fn right(&mut self, key: &str) {
        self.known.remove(key);
    }

    fn make_room(&mut self, now: Duration) {
        if self.known.len() < REMEMBERED {
            return;
        }
        self.known.retain(|_, record| now.saturating_sub(record.last) < MEMORY);
        while self.known.len() >= REMEMBERED {
            let first = self.known.iter().min_by_key(|(_, record)| (record.until, record.last));
            let Some(key) = first.map(|(key, _)| key.clone()) else { return };
            self.known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{REMEMBERED, Tries};

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_wrong_guesses_a_minute_and_then_a_pause_that_doubles() {
        let mut tries = Tries::growing(5);
        let mut now = 100;
        for pause in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            for guess in 1..=5 {
                assert_eq!(tries.pause("a", at(now)), None);
                assert_eq!(tries.wrong("a", at(now)), guess == 5);
            }
            assert_eq!(tries.pause("a", at(now)), Some(at(pause)));
            assert_eq!(tries.pause("b", at(now)), None);
            now += pause;
        }
        tries.wrong("a", at(now));
        tries.right("a");
        for _ in 0..4 {
            assert!(!tries.wrong("a", at(now)));
        }
        assert!(tries.wrong("a", at(now)));
        assert_eq!(tries.pause("a", at(now)), Some(at(60)));
    }

    #[test]
    fn slow_guesses_are_never_too_many() {
        let mut tries = Tries::steady(5);
        for guess in 0..100 {
            assert!(!tries.wrong("a", at(guess * 20)), "{guess}");
        }
    }

    #[test]
    fn a_crowd_takes_bounded_room_and_frees_nobody_who_must_wait() {
        let mut tries = Tries::growing(5);
        for _ in 0..5 {
            tries.wrong("guilty", at(1));
        }
        for stranger in 0..5000 {
            tries.wrong(&format!("{stranger}"), at(2));
        }
        assert_eq!(tries.known.len(), REMEMBERED);
        assert_eq!(tries.pause("guilty", at(2)), Some(at(59)));
    }
}
