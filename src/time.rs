//! Instants without a clock: text to seconds, seconds to text, days to dates.
//!
//! An instant is an `f64`: seconds since 1970-01-01T00:00:00Z, to the millisecond, in the proleptic Gregorian calendar,
//! leap seconds not counted (as in POSIX and ECMAScript).

/// The first instant a record may name: 0001-01-01T00:00:00.000Z.
pub const MIN: f64 = -62_135_596_800.0;

/// The last instant a record may name: 9999-12-31T23:59:59.999Z.
pub const MAX: f64 = 253_402_300_799.999;

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// Days from 1970-01-01 to a date; negative before it. `month` 1..=12, `day` 1..=31.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years are counted from March, so that
/// the leap day is the last of its year, in eras of 400 years (146,097 days).
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date (year, month 1..=12, day 1..=31) that is `days` after 1970-01-01; the inverse of [`days_from_civil`].
///
/// Howard Hinnant, as above, `civil_from_days`. Any day within ±10^15 of 1970.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// How many days `month` (1..=12) has in `year`.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Milliseconds since 1970 UTC of an instant, to the nearest; saturates, NaN is 0.
pub fn to_millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// The instant that is `millis` milliseconds after 1970 UTC.
pub fn from_millis(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// The instant an ISO 8601 text names, or `None` where it names none.
///
/// `2026-01-02`, `2026-01-02T03:04`, `2026-01-02 03:04:05.678`, each date-time with or without an offset `Z`, `+01:00`,
/// `+0100` or `+01`. Without an offset it is UTC, also for a date-time (ECMAScript would take the host's zone: then the
/// answer would depend on where it is computed). Digits past the millisecond are cut off. Years 0001 to 9999; the calendar
/// is strict (no February 30, no hour 24, no leap second).
///
/// ```
/// use hedgerow::time::{format_iso, parse_iso};
/// let t = parse_iso("2026-01-02T04:04:05.6789+01:00").unwrap();
/// assert_eq!(format_iso(t), "2026-01-02T03:04:05.678Z");
/// assert_eq!(parse_iso("2026-02-29"), None);
/// ```
#[inline(never)]
pub fn parse_iso(text: &str) -> Option<f64> {
    let mut s = Scan(text.as_bytes());
    let year = i64::from(s.digits(4)?);
    s.byte(b'-')?;
    let month = s.digits(2)?;
    s.byte(b'-')?;
    let day = s.digits(2)?;
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * DAY * 1000;
    if s.0.is_empty() {
        return Some(from_millis(midnight));
    }

    if !matches!(s.next()?, b'T' | b't' | b' ') {
        return None;
    }
    let hour = s.digits(2)?;
    s.byte(b':')?;
    let minute = s.digits(2)?;
    let (mut second, mut millis) = (0, 0);
    if s.skip(b':') {
        second = s.digits(2)?;
        if s.skip(b'.') {
            millis = s.fraction()?;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = s.offset()?;
    let local = i64::from((hour * 60 + minute) * 60 + second) * 1000 + i64::from(millis);
    let at = from_millis(midnight + local - offset * 60_000);
    (s.0.is_empty() && (MIN..=MAX).contains(&at)).then_some(at)
}

/// The instant a text without a type names: ISO 8601 as in [`parse_iso`], or an integer, which is milliseconds since 1970
/// UTC. Years 0001 to 9999.
#[inline(never)]
pub fn parse(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return parse_iso(text);
    }
    let at = from_millis(text.parse().ok()?);
    (MIN..=MAX).contains(&at).then_some(at)
}

/// An instant as ISO 8601 in UTC with milliseconds: `2026-01-02T03:04:05.678Z`.
///
/// What ECMAScript's `toISOString` writes: a year outside 0..=9999 gets a sign and six digits, and what no `Date` can hold
/// (NaN, more than 100 million days from 1970) is `Invalid Date`.
pub fn format_iso(seconds: f64) -> String {
    if seconds.is_nan() || seconds.abs() > 8.64e12 {
        return "Invalid Date".to_owned();
    }
    let millis = to_millis(seconds);
    let (days, of_day) = (millis.div_euclid(DAY * 1000), millis.rem_euclid(DAY * 1000));
    let (year, month, day) = civil_from_days(days);
    let mut out = String::with_capacity(27);
    if (0..=9999).contains(&year) {
        pad(&mut out, year, 4);
    } else {
        out.push(if year < 0 { '-' } else { '+' });
        pad(&mut out, year.abs(), 6);
    }
    for (before, value, width) in [
        ('-', i64::from(month), 2),
        ('-', i64::from(day), 2),
        ('T', of_day / 3_600_000, 2),
        (':', of_day / 60_000 % 60, 2),
        (':', of_day / 1000 % 60, 2),
        ('.', of_day % 1000, 3),
    ] {
        out.push(before);
        pad(&mut out, value, width);
    }
    out.push('Z');
    out
}

/// Appends the last `width` digits of `value`, with leading zeros.
fn pad(out: &mut String, value: i64, width: u32) {
    for k in (0..width).rev() {
        out.push(char::from(b'0' + (value / 10_i64.pow(k) % 10) as u8));
    }
}

/// What is left of a text being read.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// Takes `wanted` if it comes next.
    fn skip(&mut self, wanted: u8) -> bool {
        let there = self.0.first() == Some(&wanted);
        if there {
            self.0 = &self.0[1..];
        }
        there
    }

    /// Exactly `n` digits (`n` at most 9).
    fn digits(&mut self, n: usize) -> Option<u32> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        head.iter().try_fold(0, |v, b| b.is_ascii_digit().then(|| v * 10 + u32::from(b - b'0')))
    }

    /// One digit or more, of a second: its whole milliseconds.
    fn fraction(&mut self) -> Option<u32> {
        let n = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (head, rest) = self.0.split_at(n);
        self.0 = rest;
        let digit = |k: usize| head.get(k).map_or(0, |b| u32::from(b - b'0'));
        (n > 0).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    /// Minutes east of UTC; none written is 0.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.0.first() {
            None => return Some(0),
            Some(b'Z' | b'z') => {
                self.next();
                return Some(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.next();
        let hours = self.digits(2)?;
        let minutes = match self.skip(b':') || !self.0.is_empty() {
            true => self.digits(2)?,
            false => 0,
        };
        (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_inverse_over_ten_thousand_years() {
        let mut days = days_from_civil(-1, 1, 1);
        for year in -1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_from_civil(year, month, day), days);
                    assert_eq!(civil_from_days(days), (year, month, day));
                    days += 1;
                }
            }
        }
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days as f64 * DAY as f64 - 0.001, MAX);
        assert_eq!(days_from_civil(1, 1, 1) as f64 * DAY as f64, MIN);
    }

    #[test]
    fn reads_iso_8601() {
        // Seconds by Python's datetime.fromisoformat(text).timestamp().
        for (text, seconds) in [
            ("1970-01-01", 0.0),
            ("2000-02-29", 951_782_400.0),
            ("0001-01-01", -62_135_596_800.0),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799.999),
            ("2026-01-02T03:04", 1_767_323_040.0),
            ("2026-01-02 03:04:05", 1_767_323_045.0),
            ("2026-01-02t03:04:05z", 1_767_323_045.0),
            ("2026-01-02T03:04:05.6", 1_767_323_045.6),
            ("2026-01-02T03:04:05.678999999999Z", 1_767_323_045.678),
            ("2026-01-02T03:04:05+01:00", 1_767_319_445.0),
            ("2026-01-02T03:04:05-0530", 1_767_342_845.0),
            ("2026-01-02T03:04+14", 1_767_272_640.0),
            ("1969-12-31T23:59:59.001Z", -0.999),
        ] {
            assert_eq!(parse_iso(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for text in [
            "",
            "2026",
            "2026-01",
            "2026-1-2",
            "26-01-02",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-02-29",
            "1900-02-29",
            "0000-01-01",
            "10000-01-01",
            "+2026-01-01",
            "2026-01-02T",
            "2026-01-02T03",
            "2026-01-02T24:00",
            "2026-01-02T03:60",
            "2026-01-02T23:59:60Z",
            "2026-01-02T03:04:05.",
            "2026-01-02T03:04:05,5",
            "2026-01-02T03:04:05+",
            "2026-01-02T03:04:05+1",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+01:60",
            "2026-01-02T03:04:05+01:0",
            "2026-01-02T03:04:05+01:",
            "2026-01-02T03:04:05ZZ",
            "2026-01-02T03:04:05 Z",
            "2026-01-02Z",
            " 2026-01-02",
            "2026-01-02x03:04",
            "２０２６-01-02",
            "0001-01-01T00:00+00:01",
            "9999-12-31T23:59:59.999-00:01",
            "now",
            "2026-01-02T03:04:05.678é",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn an_integer_is_epoch_milliseconds() {
        assert_eq!(parse("1767323045678"), Some(1_767_323_045.678));
        assert_eq!(parse("-1"), Some(-0.001));
        assert_eq!(parse("0"), Some(0.0));
        assert_eq!(parse("2026-01-02"), Some(1_767_312_000.0));
        for text in ["", "-", "+", "1.5", "1e3", "9999999999999999", "99999999999999999999999", "--1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_to_iso_string_writes() {
        // By `new Date(ms).toISOString()` in Node.
        for (seconds, text) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (-0.001, "1969-12-31T23:59:59.999Z"),
            (1_767_323_045.678, "2026-01-02T03:04:05.678Z"),
            (MIN, "0001-01-01T00:00:00.000Z"),
            (MAX, "9999-12-31T23:59:59.999Z"),
            (MIN - 86_400.0 * 366.0 - 0.001, "-000001-12-31T23:59:59.999Z"),
            (8.64e12, "+275760-09-13T00:00:00.000Z"),
            (-8.64e12, "-271821-04-20T00:00:00.000Z"),
            (f64::NAN, "Invalid Date"),
            (f64::INFINITY, "Invalid Date"),
        ] {
            assert_eq!(format_iso(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn every_millisecond_survives_the_round_trip() {
        for step in 0..200_000_i64 {
            let millis = to_millis(MIN) + step * 1_577_690_401 % (to_millis(MAX) - to_millis(MIN));
            let text = format_iso(from_millis(millis));
            assert_eq!(parse_iso(&text).map(to_millis), Some(millis), "{text}");
            assert_eq!(parse_iso(&text), Some(from_millis(millis)), "{text}");
        }
    }
}
