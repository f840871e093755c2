//! Exact decimal numbers, stored as a whole number of billionths.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

/// The number of billionths in one.
pub(crate) const PARTS: i128 = 1_000_000_000;
/// The number of decimal digits of a billionth.
pub(crate) const DIGITS: usize = 9;

/// A number that is stored as a whole number of billionths.
pub(crate) trait Billionths: Copy + Default {
    fn of(billionths: i128) -> Self;
}

/// Declares a number that is stored as billionths, with addition, parsing, and serde in both directions.
macro_rules! exact_number {
    (
        $(#[$meta:meta])*
        pub struct $name:ident; $what:literal, $example:literal
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i128);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// Returns the number in billionths.
            #[must_use]
            pub const fn billionths(self) -> i128 {
                self.0
            }

            /// Creates the number from billionths.
            #[must_use]
            pub const fn from_billionths(billionths: i128) -> Self {
                Self(billionths)
            }

            /// Converts the number to a float, for charts and statistics.
            ///
            /// The result is rounded: a float has about 16 significant digits. Do not sum floats, and do not compare
            /// them with an amount; use the exact number for both.
            #[must_use]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / $crate::decimal::PARTS as f64
            }
        }

        impl $crate::decimal::Billionths for $name {
            fn of(billionths: i128) -> Self {
                Self(billionths)
            }
        }

        impl ::std::ops::Add for $name {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl ::std::ops::Sub for $name {
            type Output = Self;

            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl ::std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl ::std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
                numbers.fold(Self::ZERO, ::std::ops::Add::add)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::blaxel_core::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let problem = concat!("is not a decimal number such as ", $example);
                $crate::decimal::read(text)
                    .map(Self)
                    .ok_or_else(|| ::blaxel_core::__private::parse_error($what, text, problem))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = ::blaxel_core::ParseError;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decimal::from_any(deserializer, concat!("a decimal number such as ", $example)).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            /// Serializes the exact number as a string, which no reader rounds.
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$crate::decimal::Exact(self.0))
            }
        }
    };
}

pub(crate) use exact_number;

/// Parses a decimal number as billionths. Further digits are rounded half away from zero.
pub(crate) fn read(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let amount = match (exponent, fraction.len() <= DIGITS) {
        (0, true) => plain(whole, fraction)?,
        _ => shifted(&format!("{whole}{fraction}"), exponent, fraction.len())?,
    };
    Some(if negative { -amount } else { amount })
}

/// Parses the usual case: no exponent, and no digit beyond the billionths.
fn plain(whole: &str, fraction: &str) -> Option<i128> {
    let mut amount = 0i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        amount = amount
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    let missing = u32::try_from(DIGITS.checked_sub(fraction.len())?).ok()?;
    amount.checked_mul(10i128.pow(missing))
}

/// Parses `digits`, of which the last `fraction` are decimals, times ten to the power of `exponent`.
fn shifted(digits: &str, exponent: i32, fraction: usize) -> Option<i128> {
    // The value is digits * 10^shift billionths.
    let shift = exponent
        .checked_add(i32::try_from(DIGITS).ok()?)?
        .checked_sub(i32::try_from(fraction).ok()?)?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    if let Ok(zeros) = u32::try_from(shift) {
        let factor = 10i128.checked_pow(zeros)?;
        return digits.parse::<i128>().ok()?.checked_mul(factor);
    }
    let dropped = usize::try_from(shift.unsigned_abs()).ok()?;
    let Some(kept) = digits.len().checked_sub(dropped) else {
        return Some(0);
    };
    let (kept, rest) = digits.split_at_checked(kept)?;
    let amount = if kept.is_empty() {
        0
    } else {
        kept.parse::<i128>().ok()?
    };
    let round_up = rest.bytes().next().is_some_and(|digit| digit >= b'5');
    amount.checked_add(i128::from(round_up))
}

/// Writes billionths with the given number of decimals, rounded half away from zero.
pub(crate) fn write(billionths: i128, decimals: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let decimals = decimals.min(DIGITS);
    let step = 10u128.pow(u32::try_from(DIGITS - decimals).unwrap_or(0));
    let steps = (billionths.unsigned_abs() + step / 2) / step;
    let per_one = PARTS.unsigned_abs() / step;
    let (whole, rest) = (steps / per_one, steps % per_one);
    let text = match decimals {
        0 => whole.to_string(),
        _ => format!("{whole}.{rest:0decimals$}"),
    };
    f.pad_integral(billionths >= 0 || steps == 0, "", &text)
}

/// Displays billionths with as many decimals as they have, without trailing zeros.
pub(crate) struct Exact(pub(crate) i128);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fraction = self.0.unsigned_abs() % PARTS.unsigned_abs();
        let mut decimals = if fraction == 0 { 0 } else { DIGITS };
        while fraction > 0 && fraction.is_multiple_of(10) {
            fraction /= 10;
            decimals -= 1;
        }
        write(self.0, decimals, f)
    }
}

/// Divides two numbers, rounding half away from zero.
pub(crate) fn divide(number: i128, by: i128) -> Option<i128> {
    let half = by.checked_abs()? / 2;
    let shift = if number < 0 { -half } else { half };
    number.checked_add(shift)?.checked_div(by)
}

/// Deserializes a number from any format that serde supports.
///
/// A format that yields binary floats is trusted for the 15 digits that a float carries.
pub(crate) fn from_any<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<i128, D::Error> {
    struct Number(&'static str);
    impl Visitor<'_> for Number {
        type Value = i128;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_u64<E: de::Error>(self, whole: u64) -> Result<i128, E> {
            Ok(i128::from(whole) * PARTS)
        }

        fn visit_i64<E: de::Error>(self, whole: i64) -> Result<i128, E> {
            Ok(i128::from(whole) * PARTS)
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<i128, E> {
            // The shortest decimal that converts to this float is the one that was written, provided that it
            // had no more than 15 digits.
            self.visit_str(&number.to_string())
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<i128, E> {
            read(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(Number(expected))
}

/// Deserializes a number of a JSON document digit by digit, whatever their count. `null` is read as zero.
pub(crate) fn from_json<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Billionths,
{
    Ok(optional_from_json(deserializer)?.unwrap_or_default())
}

/// Deserializes a number as [`from_json`] does, but reads `null` as `None`.
pub(crate) fn optional_from_json<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Billionths,
{
    // Read the raw text: a float would already have lost digits.
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    if text == "null" {
        return Ok(None);
    }
    let number = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let number = read(number).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        de::Error::custom(format_args!("`{shown}` is not a number such as 12.34"))
    })?;
    Ok(Some(T::of(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn division_rounds_half_away_from_zero() {
        for (number, by, quotient) in [
            (7, 2, Some(4)),
            (-7, 2, Some(-4)),
            (6, 4, Some(2)),
            (5, 4, Some(1)),
            (0, 3, Some(0)),
            (1, 0, None),
        ] {
            assert_eq!(divide(number, by), quotient, "{number} / {by}");
        }
    }

    #[test]
    fn the_exact_form_has_no_trailing_zeros() {
        for (billionths, text) in [
            (0, "0"),
            (10 * PARTS, "10"),
            (-PARTS / 2, "-0.5"),
            (1, "0.000000001"),
            (1_050_000_000, "1.05"),
        ] {
            assert_eq!(Exact(billionths).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn a_number_written_exactly_is_read_back_equal(billionths in any::<i64>()) {
            let billionths = i128::from(billionths) * 1000 + 7;
            prop_assert_eq!(read(&Exact(billionths).to_string()), Some(billionths));
        }

        #[test]
        fn both_parsers_agree(whole in 0u64..1_000_000_000, fraction in "[0-9]{0,9}") {
            let point = if fraction.is_empty() { "" } else { "." };
            let text = format!("{whole}{point}{fraction}");
            prop_assert_eq!(read(&text), read(&format!("{text}e0")));
            let digits = format!("{whole}{fraction}");
            prop_assert_eq!(read(&text), shifted(&digits, 0, fraction.len()));
        }
    }
}
