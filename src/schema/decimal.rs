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

/// The number `text` stands for; infinite where it is too large, or says so.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let word = |word: &str| unsigned.eq_ignore_ascii_case(word.as_bytes());
    let magnitude = if word("nan") {
        f64::NAN
    } else if word("inf") || word("infinity") {
        f64::INFINITY
    } else {
        magnitude(unsigned)?
    };
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

fn magnitude(text: &[u8]) -> Option<f64> {
    // The digits without the zeros before them, and the power of ten that they are to be multiplied by.
    let (mut digits, mut power) = (Vec::new(), 0_i64);
    let (mut point, mut any) = (false, false);
    let mut rest = text;
    while let [c, after @ ..] = rest {
        match c {
            b'0'..=b'9' => {
                any = true;
                power -= i64::from(point);
                if digits.len() == DIGITS {
                    power += 1;
                    // What is cut off still tells a halfway point from a number past it.
                    if *c != b'0' {
                        digits[DIGITS - 1] = 1;
                    }
                } else if *c != b'0' || !digits.is_empty() {
                    digits.push(c - b'0');
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
    if let [b'e' | b'E', exponent @ ..] = rest {
        let (negative, exponent) = match exponent {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, exponent),
        };
        rest = exponent;
        let mut value = 0_i64;
        while let [c @ b'0'..=b'9', after @ ..] = rest {
            value = value.saturating_mul(10).saturating_add(i64::from(c - b'0')).min(i64::MAX / 4);
            rest = after;
        }
        if exponent.len() == rest.len() {
            return None;
        }
        power += if negative { -value } else { value };
    }
    if rest.is_empty() { Some(nearest(&digits, power)) } else { None }
}

/// `digits * 10^power`, rounded.
fn nearest(digits: &[u8], power: i64) -> f64 {
    let leading = digits.len().min(19);
    let head = digits[..leading].iter().fold(0_u64, |n, d| n * 10 + u64::from(*d));
    let places = power + (digits.len() - leading) as i64;
    if head == 0 || places + (leading as i64) < -330 {
        return 0.0;
    }
    if places + leading as i64 > 310 {
        return f64::INFINITY;
    }
    let mut v = head as f64;
    let mut left = places.abs();
    while left > 0 {
        let step = (0..left.min(STEP)).fold(1.0, |ten, _| ten * 10.0);
        v = if places < 0 { v / step } else { v * step };
        left -= STEP;
    }
    if leading == digits.len() && head < 1 << 53 && places.abs() <= STEP {
        return v;
    }

    // The number is whole * 2^power, halfway points are odd * unit * 2^(…): multiples of a power of five stand on one of the sides.
    let (mut whole, mut unit) = (Whole(Vec::new()), Whole(vec![1]));
    for d in digits {
        whole.multiply(10, u64::from(*d));
    }
    for _ in 0..power.abs() {
        if power < 0 { unit.multiply(5, 0) } else { whole.multiply(5, 0) }
    }
    // How the number compares with what is halfway between this float and the next.
    let halfway = |bits: u64| {
        let (exponent, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
        let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
        let mut odd = Whole(unit.0.clone());
        odd.multiply(2 * mantissa + 1, 0);
        let shift = power - (exponent.max(1) - 1076);
        match whole.compare(&odd, shift) {
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
