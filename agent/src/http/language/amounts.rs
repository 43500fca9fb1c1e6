//! Time and bytes in words. All dates are UTC: the node may not know where it stands.

use super::Language;

const DAY_S: u64 = 24 * 60 * 60;
const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8", "month-9",
    "month-10", "month-11", "month-12",
];

impl Language {
    /// A time span in its two largest units.
    pub fn duration(self, seconds: u64) -> String {
        let (days, hours, minutes) = (seconds / DAY_S, seconds / 3600 % 24, seconds / 60 % 60);
        let two = |one: String, other: Option<String>| match other {
            Some(other) => self.both("time-and", ("one", &one), ("other", &other)),
            None => one,
        };
        let some = |id: &str, count: u64| (count > 0).then(|| self.with(id, "n", count));
        match (days, hours, minutes) {
            (0, 0, 0) => self.with("time-seconds", "n", seconds),
            (0, 0, _) => self.with("time-minutes", "n", minutes),
            (0, _, _) => two(self.with("time-hours", "n", hours), some("time-minutes", minutes)),
            (1..7, _, _) => two(self.with("time-days", "n", days), some("time-hours", hours)),
            _ => self.with("time-days", "n", days),
        }
    }

    /// How long ago something was, or how soon it will be, in its largest unit.
    pub fn relative(self, then_s: u64, now_s: u64) -> String {
        if then_s <= now_s {
            let ago = now_s - then_s;
            return if ago < 60 {
                self.say("time-now")
            } else {
                self.with("time-ago", "time", self.largest(ago))
            };
        }
        self.with("time-in", "time", self.largest((then_s - now_s).max(60)))
    }

    fn largest(self, seconds: u64) -> String {
        match seconds {
            0..3600 => self.with("time-minutes", "n", seconds / 60),
            3600..DAY_S => self.with("time-hours", "n", seconds / 3600),
            _ => self.with("time-days", "n", seconds / DAY_S),
        }
    }

    /// A moment: day, hour and minute.
    pub fn moment(self, unix_s: u64) -> String {
        let (year, month, day) = date(unix_s);
        let month = self.say(MONTHS[month as usize - 1]);
        let (hours, minutes) = (unix_s / 3600 % 24, unix_s / 60 % 60);
        self.fill(
            "time-moment",
            &[
                ("day", day.to_string().into()),
                ("month", month.into()),
                ("year", year.to_string().into()),
                ("clock", format!("{hours:02}:{minutes:02}").into()),
            ],
        )
    }

    /// Bytes in the unit that leaves the fewest digits.
    pub fn bytes(self, bytes: u64) -> String {
        const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
        if bytes < 1000 {
            return self.with("size-bytes", "n", bytes);
        }
        let mut tenths = bytes / 100;
        let mut unit = 0;
        while tenths >= 10_000 && unit + 1 < UNITS.len() {
            tenths /= 1000;
            unit += 1;
        }
        let mark = self.say("decimal-mark");
        match (tenths / 10, tenths % 10) {
            (whole @ 0..10, rest @ 1..) => format!("{whole}{mark}{rest} {}", UNITS[unit]),
            (whole, _) => format!("{whole} {}", UNITS[unit]),
        }
    }
}

/// A moment as machines read it (RFC 3339).
pub(in crate::http) fn machine_time(unix_s: u64) -> String {
    let (year, month, day) = date(unix_s);
    let (hours, minutes, seconds) = (unix_s / 3600 % 24, unix_s / 60 % 60, unix_s % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// Year, month and day of the Gregorian calendar (Howard Hinnant's `civil_from_days`, for days since 1970).
fn date(unix_s: u64) -> (u64, u64, u64) {
    let days = unix_s.min(253_402_300_799) / DAY_S + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::{Language, machine_time};

    #[test]
    fn time_is_told_as_people_do() {
        let english = Language::ENGLISH;
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute"),
            (3600, "1 hour"),
            (7_320, "2 hours and 2 minutes"),
            (93_784, "1 day and 2 hours"),
            (20 * 86_400 + 7200, "20 days"),
        ] {
            assert_eq!(english.duration(seconds), expected);
        }
        assert_eq!(english.relative(100, 130), "just now");
        assert_eq!(english.relative(100, 7300), "2 hours ago");
        assert_eq!(english.relative(86_400 * 7, 0), "in 7 days");
        assert_eq!(Language::of("es").unwrap().relative(100, 7300), "hace 2 horas");
        assert_eq!(Language::of("ca").unwrap().relative(86_400, 0), "d’aquí a 1 dia");
    }

    #[test]
    fn dates_are_right() {
        for (unix_s, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_374_000, "2026-11-22T19:00:00Z"),
            (u64::MAX, "9999-12-31T15:30:15Z"),
        ] {
            let clock = machine_time(unix_s);
            assert_eq!(clock.split('T').next(), expected.split('T').next(), "{unix_s}: {clock}");
        }
        assert_eq!(Language::ENGLISH.moment(1_795_374_000), "22 Nov 2026, 19:00 UTC");
    }

    #[test]
    fn sizes_have_few_digits() {
        for (bytes, expected) in
            [(12, "12 bytes"), (1_500, "1.5 kB"), (12_300_000, "12 MB"), (3_000_000_000, "3 GB")]
        {
            assert_eq!(Language::ENGLISH.bytes(bytes), expected);
        }
        assert_eq!(Language::of("es").unwrap().bytes(1_500), "1,5 kB");
    }
}
