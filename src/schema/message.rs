//! The words of a violation: the same on every host, bounded in length, without anything a terminal or a page would obey.

/// Texts are shown up to this many characters.
const SHOWN: usize = 40;

/// Levels are listed up to this many.
const LISTED: usize = 8;

/// `text` cut at 40 characters, with control and direction characters escaped.
#[inline(never)]
pub(crate) fn cut(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * SHOWN));
    for (k, c) in text.chars().enumerate() {
        if k == SHOWN {
            out.push('…');
            break;
        }
        if is_unprintable(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`cut`], between backticks.
#[inline(never)]
pub(crate) fn quote(text: &str) -> String {
    let mut out = cut(text);
    out.insert(0, '`');
    out.push('`');
    out
}

/// A message that may hold text of a file: lines stay lines, what is unprintable is escaped, what is past 1,000 characters is cut off.
#[cfg(feature = "cli")]
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(1024));
    for (k, c) in text.chars().enumerate() {
        match c {
            _ if k == 1000 => {
                out.push('…');
                break;
            }
            c if c != '\n' && is_unprintable(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Control characters, and those that have no width or turn the direction of a line (Unicode 16, categories Cc, Zl, Zp and
/// the format characters a text can hide behind).
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `items` quoted and joined by commas: the first eight, then how many more there are.
pub(crate) fn list<'a>(items: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let mut out = String::new();
    for (k, item) in items.take(LISTED).enumerate() {
        if k > 0 {
            out.push_str(", ");
        }
        out.push_str(&quote(item));
    }
    if more > 0 {
        out.push_str(" and ");
        out.push_str(&more.to_string());
        out.push_str(" more");
    }
    out
}

/// The name that `text` was probably meant to be: equal but for ASCII case and surrounding space, or else, for a text with a
/// letter (any character past ASCII counts as one), one character added, left out, changed or swapped with its neighbour.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    nearest_of(text, &names.map(String::as_str).collect::<Vec<_>>())
}

#[inline(never)]
fn nearest_of<'a>(text: &str, names: &[&'a str]) -> Option<&'a str> {
    let text = text.trim();
    if text.len() > 256 {
        return None;
    }
    let same = names.iter().find(|name| name.trim().eq_ignore_ascii_case(text));
    // Not `is_alphabetic`, whose table of Unicode's letters is 2 KB of the engine.
    let has_letter = text.bytes().any(|b| b.is_ascii_alphabetic() || !b.is_ascii());
    same.or_else(|| names.iter().find(|name| has_letter && is_one_slip(name, text))).copied()
}

/// Whether one insertion, deletion, substitution or swap of neighbours separates two texts of two characters or more.
fn is_one_slip(a: &str, b: &str) -> bool {
    if a.len().abs_diff(b.len()) > 4 || a.chars().nth(1).is_none() || b.chars().nth(1).is_none() {
        return false;
    }
    let same = |(x, y): &(char, char)| x == y;
    let head: usize = a.chars().zip(b.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    // Not by index: the panic of a text cut within a character brings 6 KB of formatting along.
    fn part(text: &str, from: usize, to: usize) -> &str {
        text.get(from..to).unwrap_or_default()
    }
    let (a, b) = (part(a, head, a.len()), part(b, head, b.len()));
    let tail: usize = a.chars().rev().zip(b.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (a, b) = (part(a, 0, a.len() - tail), part(b, 0, b.len() - tail));
    let (mut x, mut y) = (a.chars(), b.chars());
    match (x.next(), x.next(), x.next(), y.next(), y.next(), y.next()) {
        (Some(p), Some(q), None, Some(r), Some(s), None) => (p, q) == (s, r),
        (_, None, None, _, None, None) => true,
        _ => false,
    }
}

/// A number for a person: exact where 15 digits and 9 places suffice, else six significant digits. Only IEEE arithmetic that has
/// the same bits on every target; `core`'s shortest form would cost the engine 10 KB.
#[inline(never)]
pub(crate) fn number(v: f64) -> String {
    let magnitude = v.abs();
    let sign = if v < 0.0 { "-" } else { "" };
    if magnitude < 1e15 {
        let mut scale = 1.0;
        for places in 0..=9 {
            let scaled = (magnitude * scale).round();
            if scaled < 1e15 && scaled / scale == magnitude {
                return decimal(sign, scaled as u64, places);
            }
            scale *= 10.0;
        }
    }
    let (mut mantissa, mut exponent) = (magnitude, 0_i32);
    while mantissa >= 999_999.5 {
        mantissa /= 10.0;
        exponent += 1;
    }
    while mantissa < 99_999.95 {
        mantissa *= 10.0;
        exponent -= 1;
    }
    let digits = (mantissa.round() as u64).min(999_999);
    if (-9..=0).contains(&exponent) {
        return decimal(sign, digits, exponent.unsigned_abs() as usize);
    }
    let mut out = decimal(sign, digits, 5);
    out.push('e');
    out.push_str(&(exponent + 5).to_string());
    out
}

/// `digits / 10^places`, without trailing zeros after the point.
#[inline(never)]
fn decimal(sign: &str, mut digits: u64, mut places: usize) -> String {
    while places > 0 && digits.is_multiple_of(10) {
        digits /= 10;
        places -= 1;
    }
    let mut text = digits.to_string();
    if places > 0 {
        while text.len() <= places {
            text.insert(0, '0');
        }
        text.insert(text.len() - places, '.');
    }
    text.insert_str(0, sign);
    text
}
