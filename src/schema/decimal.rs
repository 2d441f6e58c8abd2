//! A decimal number's text to the nearest `f64`, ties to even: the same grammar and the same bits as `str::parse`, whose table of
//! powers and two algorithms would cost the engine 15 KB.
//!
//! Up to 2^53 and 22 places one exact operation suffices (Clinger, "How to Read Floating Point Numbers Accurately", 1990, section 3).
//! All else starts from an approximation and is held to the halfway points beside it in whole numbers of any length.

use std::cmp::Ordering;

/// More significant digits than decide: no halfway point between two `f64` has more than 767.
const DIGITS: usize = 800;

/// 10^22, the largest power of ten that is an `f64`.
const STEP: i64 = 22;

/// 10^18 and 5^27: what one multiplication takes.
const TENS: u64 = 10_u64.pow(18);
const FIVES: u64 = 27;

/// The number `text` stands for; infinite where it is too large, or says so.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let magnitude = match unsigned.first()? {
        b'0'..=b'9' | b'.' => magnitude(unsigned),
        _ => word(unsigned),
    }?;
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

#[cold]
#[inline(never)]
fn word(text: &[u8]) -> Option<f64> {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    if is("nan") {
        return Some(f64::NAN);
    }
    (is("inf") || is("infinity")).then_some(f64::INFINITY)
}

/// A number's digits from the first that is not 0 to the last, with the point where it stands, and the power of ten that they are to
/// be multiplied by without it.
struct Decimal<'a> {
    digits: &'a [u8],
    power: i64,
}

// Small functions, called over and over: a host of wasm is then soon done with them.
#[inline(never)]
fn magnitude(text: &[u8]) -> Option<f64> {
    let (mut power, mut point, mut any) = (0_i64, false, false);
    let mut rest = text;
    // From the first digit that is not 0.
    let mut digits: &[u8] = &[];
    while let [c, after @ ..] = rest {
        match c {
            b'0'..=b'9' => {
                any = true;
                power -= i64::from(point);
                if *c != b'0' && digits.is_empty() {
                    digits = rest;
                }
            }
            b'.' if !point => point = true,
            _ => break,
        }
        rest = after;
    }
    if !any {
        return None;
    }
    let digits = &digits[..digits.len().saturating_sub(rest.len())];
    if let [b'e' | b'E', after @ ..] = rest {
        power += exponent(after)?;
        rest = &[];
    }
    if rest.is_empty() { Some(nearest(Decimal { digits, power })) } else { None }
}

/// What follows the `e`.
#[inline(never)]
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for c in digits {
        if !c.is_ascii_digit() {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(i64::from(c - b'0')).min(i64::MAX / 4);
    }
    Some(if negative { -value } else { value })
}

impl Decimal<'_> {
    fn each(&self) -> impl Iterator<Item = u64> {
        self.digits.iter().filter(|c| **c != b'.').map(|c| u64::from(c - b'0'))
    }
}

/// Rounded.
#[inline(never)]
fn nearest(number: Decimal<'_>) -> f64 {
    let (mut head, mut leading, mut n) = (0_u64, 0, 0_i64);
    for d in number.each() {
        if leading < 19 {
            head = head * 10 + d;
            leading += 1;
        }
        n += 1;
    }
    let places = number.power + n - leading;
    if head == 0 || places + leading < -330 {
        return 0.0;
    }
    if places + leading > 310 {
        return f64::INFINITY;
    }
    let mut v = head as f64;
    let mut left = places.abs();
    while left > 0 {
        let step = (0..left.min(STEP)).fold(1.0, |ten, _| ten * 10.0);
        v = if places < 0 { v / step } else { v * step };
        left -= STEP;
    }
    if leading == n && head < 1 << 53 && places.abs() <= STEP {
        return v;
    }
    if leading == n && number.power <= 0 && number.power.unsigned_abs() <= FIVES {
        held_short(head, number.power, v)
    } else {
        held(number, v)
    }
}

/// [`held`] for up to 19 digits with up to 27 places, which is what an `f64` is mostly written as: without any memory.
#[inline(never)]
fn held_short(whole: u64, power: i64, v: f64) -> f64 {
    let unit = u128::from(5_u64.pow(power.unsigned_abs() as u32));
    // `whole * 2^shift` and `odd * unit` are within a half of each other, and `odd * unit` is below 2^(54 + 63), as `whole` is below 2^64.
    settled(v, |odd, exponent| {
        let shift = power - exponent;
        let (a, b) = (u128::from(whole), u128::from(odd) * unit);
        let (a, b) = if shift < 0 { (a, b << -shift) } else { (a << shift, b) };
        a.cmp(&b)
    })
}

/// The nearest `f64`, from one that is near.
#[inline(never)]
fn held(number: Decimal<'_>, v: f64) -> f64 {
    // The number is whole * 2^power, halfway points are odd * unit * 2^(…): multiples of a power of five stand on one of the sides.
    let (mut whole, power) = whole(&number);
    let mut unit = Whole(vec![1]);
    let five = if power < 0 { &mut unit } else { &mut whole };
    let mut left = power.unsigned_abs();
    while left > 0 {
        let step = left.min(FIVES);
        five.multiply(5_u64.pow(step as u32), 0);
        left -= step;
    }
    settled(v, |odd, exponent| {
        let mut point = Whole(unit.0.clone());
        point.multiply(odd, 0);
        whole.compare(&point, power - exponent)
    })
}

/// The nearest `f64`, from `v` that is near. `against(odd, exponent)`: how the number compares with `odd * 2^exponent`.
fn settled(v: f64, against: impl Fn(u64, i64) -> Ordering) -> f64 {
    // How the number compares with what is halfway between this float and the next.
    let halfway = |bits: u64| {
        let (exponent, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
        let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
        match against(2 * mantissa + 1, exponent.max(1) - 1076) {
            Ordering::Equal if bits & 1 == 0 => Ordering::Less,
            Ordering::Equal => Ordering::Greater,
            order => order,
        }
    };
    let mut bits = v.min(f64::MAX).to_bits();
    while bits < f64::INFINITY.to_bits() && halfway(bits) == Ordering::Greater {
        bits += 1;
    }
    while bits > 0 && halfway(bits - 1) == Ordering::Less {
        bits -= 1;
    }
    f64::from_bits(bits)
}

/// The digits that decide, as a whole number, and the power of ten that it is to be multiplied by.
#[inline(never)]
fn whole(number: &Decimal<'_>) -> (Whole, i64) {
    let (mut whole, mut power) = (Whole(Vec::new()), number.power);
    // Some digits, and the power of ten that they are below.
    let (mut some, mut ten) = (0, 1);
    let mut cut = 0;
    for (k, d) in number.each().enumerate() {
        if k < DIGITS {
            (some, ten) = (some * 10 + d, ten * 10);
            if ten == TENS {
                whole.multiply(ten, some);
                (some, ten) = (0, 1);
            }
        } else {
            power += 1;
            cut |= d;
        }
    }
    whole.multiply(ten, some);
    // What is cut off still tells a halfway point, which ends in zeros here, from a number past it.
    if cut != 0 {
        whole.0[0] |= 1;
    }
    (whole, power)
}

/// A whole number of any length, 32 bits after 32 bits, the lowest first; the highest are not 0.
struct Whole(Vec<u32>);

impl Whole {
    /// Becomes `self * by + add`. `by`, `add`: less than 2^63.
    fn multiply(&mut self, by: u64, add: u64) {
        let mut carry = u128::from(add);
        for word in &mut self.0 {
            carry += u128::from(*word) * u128::from(by);
            *word = carry as u32;
            carry >>= 32;
        }
        while carry > 0 {
            self.0.push(carry as u32);
            carry >>= 32;
        }
    }

    /// `self * 2^shift` against `other`.
    fn compare(&self, other: &Whole, shift: i64) -> Ordering {
        let shifted = |whole: &Whole, by: u64| {
            let mut words = vec![0; by as usize / 32];
            words.extend(&whole.0);
            let mut shifted = Whole(words);
            shifted.multiply(1 << (by % 32), 0);
            shifted
        };
        let by = shift.unsigned_abs();
        let (a, b) =
            if shift < 0 { (shifted(self, 0), shifted(other, by)) } else { (shifted(self, by), shifted(other, 0)) };
        a.0.len().cmp(&b.0.len()).then_with(|| a.0.iter().rev().cmp(b.0.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(text: &str) -> Result<(), TestCaseError> {
        let expected = text.parse::<f64>().ok().map(crate::math::bits);
        prop_assert_eq!(parse(text).map(crate::math::bits), expected, "{}", text);
        Ok(())
    }

    #[test]
    fn the_grammar_is_rusts() {
        for text in [
            "",
            "+",
            "-",
            ".",
            "e5",
            ".e5",
            "1e",
            "1e+",
            "1e-",
            "1.2.3",
            "--1",
            "+-1",
            "1 ",
            " 1",
            "1_0",
            "0x10",
            "1f",
            "1e5.0",
            "infi",
            "nano",
            "in",
            "0",
            "-0",
            "+0.0",
            "00012",
            ".5",
            "5.",
            "-.5e1",
            "5.e-1",
            "1E5",
            "1e+05",
            "inf",
            "-INF",
            "+Infinity",
            "nan",
            "-NaN",
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999999999999",
            "0e99999999999999999999",
            "1e-99999999999999999999",
            "é",
            "١",
        ] {
            same(text).unwrap();
        }
    }

    #[test]
    fn the_hard_ones_are_rounded_as_core_does() {
        let halves = ["9007199254740993", "9007199254740992.5", "9007199254740993.0000000000000000000000000001"];
        let edges =
            ["1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "179769313486231580793e289"];
        let small = [
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "4.9406564584124654e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "7.4e-324",
        ];
        for text in halves.iter().chain(&edges).chain(&small) {
            same(text).unwrap();
        }
        // The exact decimal form of a halfway point between two of the smallest, 1e-1000 above and below it.
        for exponent in [-1074, -1060, -1022, -500, -60, 0, 60, 900] {
            for bits in [1u64, 2, 3, (1 << 53) - 1] {
                let text = exact(2 * bits + 1, exponent - 1);
                let (head, tail) = text.split_once('e').unwrap();
                for text in [
                    text.clone(),
                    format!("{head}.{}1e{tail}", "0".repeat(900)),
                    format!("{head}.{}e{tail}", "0".repeat(900)),
                ] {
                    same(&text).unwrap();
                }
            }
        }
    }

    /// `odd * 2^power` as all its digits.
    fn exact(odd: u64, power: i64) -> String {
        let mut digits: Vec<u8> = odd.to_string().bytes().rev().map(|b| b - b'0').collect();
        for _ in 0..power.abs() {
            let mut carry = 0;
            for d in &mut digits {
                let v = *d * if power < 0 { 5 } else { 2 } + carry;
                (*d, carry) = (v % 10, v / 10);
            }
            if carry > 0 {
                digits.push(carry);
            }
        }
        let digits: String = digits.iter().rev().map(|d| char::from(b'0' + d)).collect();
        format!("{digits}e{}", power.min(0))
    }

    proptest! {
        #[test]
        fn any_float_comes_back(v in any::<f64>()) {
            for text in [format!("{v}"), format!("{v:e}"), format!("{v:.3}"), format!("{v:.20e}"), format!("{v:.0}")] {
                same(&text)?;
            }
        }

        #[test]
        fn any_digits_are_the_nearest_float(text in r"[+-]?[0-9]{0,40}(\.[0-9]{0,40})?(e[+-]?[0-9]{1,3})?") {
            same(&text)?;
        }

        #[test]
        fn texts_are_numbers_to_both_or_to_neither(text in r"[-+.eEinfaNty0-9 ]{0,8}") {
            same(&text)?;
        }
    }
}
