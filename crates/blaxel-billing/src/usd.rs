//! Money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// How many parts a dollar has here.
const PARTS: i128 = 1_000_000_000;
/// How many decimal digits those are.
const DIGITS: usize = 9;

/// An amount of US dollars, exact to a billionth of a dollar.
///
/// The API sends amounts as JSON numbers. They are read as the decimal number that was written, not
/// as the nearest binary fraction, so sums come out to the cent.
///
/// ```
/// use blaxel_billing::Usd;
///
/// let sum: Usd = ["0.1", "0.2"].iter().map(|text| text.parse::<Usd>().unwrap()).sum();
/// assert_eq!(sum, "0.3".parse()?);
/// assert_eq!(sum.to_string(), "0.30");
/// assert_eq!(format!("{sum:.4}"), "0.3000");
/// # Ok::<(), blaxel_billing::ParseUsdError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount in billionths of a dollar.
    #[must_use]
    pub const fn billionths(self) -> i128 {
        self.0
    }

    /// The amount that is so many billionths of a dollar.
    #[must_use]
    pub const fn from_billionths(billionths: i128) -> Self {
        Self(billionths)
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::add)
    }
}

impl fmt::Display for Usd {
    /// The number without a currency sign, to two decimals or to the precision asked for, rounded
    /// half away from zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2).min(DIGITS);
        let step = 10i128.pow(u32::try_from(DIGITS - decimals).unwrap_or(0));
        let steps = (self.0.unsigned_abs() + step.unsigned_abs() / 2) / step.unsigned_abs();
        let per_dollar = PARTS.unsigned_abs() / step.unsigned_abs();
        let (whole, rest) = (steps / per_dollar, steps % per_dollar);
        let text = match decimals {
            0 => whole.to_string(),
            _ => format!("{whole}.{rest:0decimals$}"),
        };
        f.pad_integral(self.0 >= 0 || steps == 0, "", &text)
    }
}

/// A text that is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseUsdError(String);

impl fmt::Display for ParseUsdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an amount such as 12.34", self.0)
    }
}

impl std::error::Error for ParseUsdError {}

impl FromStr for Usd {
    type Err = ParseUsdError;

    fn from_str(text: &str) -> Result<Self, ParseUsdError> {
        read_decimal(text)
            .map(Self)
            .ok_or_else(|| ParseUsdError(text.chars().take(40).collect()))
    }
}

/// Reads a decimal number as billionths; digits beyond those are rounded half away from zero.
fn read_decimal(text: &str) -> Option<i128> {
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
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The value is digits * 10^shift billionths.
    let shift = exponent
        .checked_add(9)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let digits = digits.trim_start_matches('0');
    let amount = if digits.is_empty() {
        0
    } else {
        scale(digits, shift)?
    };
    Some(if negative { -amount } else { amount })
}

fn scale(digits: &str, shift: i32) -> Option<i128> {
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

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;
        impl Visitor<'_> for Amount {
            type Value = Usd;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of money")
            }

            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Usd, E> {
                Ok(Usd(i128::from(whole) * PARTS))
            }

            fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Usd, E> {
                Ok(Usd(i128::from(whole) * PARTS))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Usd, E> {
                // The shortest decimal that stands for the binary number is the one that was
                // written, as long as that had no more than 15 digits.
                number.to_string().parse().map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Usd, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Amount)
    }
}

impl Serialize for Usd {
    /// Writes the exact amount as a text, which no reader rounds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exact = format!("{self:.9}");
        serializer.serialize_str(exact.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_read_as_written() {
        for (json, billionths) in [
            ("0", 0),
            ("12", 12_000_000_000),
            ("-3", -3_000_000_000),
            ("0.1", 100_000_000),
            ("-0.000001", -1_000),
            ("1e-9", 1),
            ("1.5e3", 1_500_000_000_000),
            ("0.0000000005", 1),
            ("0.00000000049", 0),
            ("1e-400", 0),
            ("\"4.20\"", 4_200_000_000),
            ("1234567.123456", 1_234_567_123_456_000),
        ] {
            assert_eq!(
                serde_json::from_str::<Usd>(json).unwrap().billionths(),
                billionths,
                "{json}"
            );
        }
        for json in [
            "\"\"",
            "\"-\"",
            "\"NaN\"",
            "\"1e99999999999\"",
            "\"1e300\"",
            "null",
            "\"1,5\"",
        ] {
            assert!(serde_json::from_str::<Usd>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn display_rounds_and_pads() {
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(usd("1.005").to_string(), "1.01");
        assert_eq!(usd("-1.005").to_string(), "-1.01");
        assert_eq!(usd("-0.001").to_string(), "0.00");
        assert_eq!(
            format!("{:>9.0}|{:.9}", usd("9.5"), usd("0.1")),
            "       10|0.100000000"
        );
        assert_eq!(serde_json::to_string(&usd("10.10")).unwrap(), "\"10.1\"");
        assert_eq!(serde_json::to_string(&usd("10")).unwrap(), "\"10\"");
    }

    proptest! {
        #[test]
        fn micro_dollars_survive_a_json_number(micros in -1_000_000_000_000i64..1_000_000_000_000) {
            let sign = if micros < 0 { "-" } else { "" };
            let digits = micros.unsigned_abs();
            let text = format!("{sign}{}.{:06}", digits / 1_000_000, digits % 1_000_000);
            let read: Usd = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.billionths(), i128::from(micros) * 1000);
            let again: Usd = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            prop_assert_eq!(again, read);
        }

        #[test]
        fn no_text_panics(text in ".{0,50}") {
            let _ = text.parse::<Usd>();
        }
    }
}
