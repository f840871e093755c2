//! Amounts of money.

use std::fmt;

use crate::decimal::{self, exact_number};

exact_number! {
    /// An amount of US dollars, exact to a billionth of a dollar.
    ///
    /// The API sends amounts as JSON numbers. They are read as decimal numbers, digit by digit, not as the
    /// nearest binary floats, so sums are exact to the cent. Digits beyond the billionths are rounded. An
    /// amount serializes as a string, which no reader rounds.
    ///
    /// ```
    /// use blaxel_billing::Usd;
    ///
    /// let sum: Usd = ["0.1", "0.2"].iter().map(|text| text.parse::<Usd>().unwrap()).sum();
    /// assert_eq!(sum, "0.3".parse()?);
    /// assert_eq!(sum.to_string(), "0.30");
    /// assert_eq!(format!("{sum:.4}"), "0.3000");
    /// # Ok::<(), blaxel_core::ParseError>(())
    /// ```
    pub struct Usd; "amount of money", "12.34"
}

impl fmt::Display for Usd {
    /// Writes the number without a currency sign, with two decimals or with the precision of the format,
    /// rounded half away from zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(self.0, f.precision().unwrap_or(2), f)
    }
}

/// The number of billionths of a dollar in a cent.
const CENT: i128 = 10_000_000;

impl Usd {
    /// Rounds the amount to whole cents, half away from zero.
    #[must_use]
    pub fn to_cents(self) -> Self {
        let cents = decimal::divide(self.0, CENT).and_then(|cents| cents.checked_mul(CENT));
        cents.map_or(self, Self)
    }

    /// Returns this amount as a percentage of `whole`, or `None` if `whole` is zero.
    #[must_use]
    pub fn percent_of(self, whole: Self) -> Option<f64> {
        (whole != Self::ZERO).then(|| self.0 as f64 / whole.0 as f64 * 100.0)
    }
}

/// Returns the amounts in whole cents such that they add up to their sum in whole cents. Each amount is
/// rounded down; the remaining cents go, one each, to the amounts with the largest remainders, and of equal
/// remainders to the first ones.
pub(crate) fn share_cents(amounts: &[Usd]) -> Vec<Usd> {
    let sum: Usd = amounts.iter().copied().sum();
    let down = |amount: Usd| amount.0 - amount.0.rem_euclid(CENT);
    let mut cents: Vec<Usd> = amounts.iter().map(|amount| Usd(down(*amount))).collect();
    let left = sum.to_cents() - cents.iter().copied().sum();
    let left = usize::try_from(left.0 / CENT).unwrap_or(0);
    let mut remainders: Vec<(i128, &mut Usd)> = amounts
        .iter()
        .map(|amount| amount.0.rem_euclid(CENT))
        .zip(&mut cents)
        .collect();
    remainders.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    for (_, amount) in remainders.into_iter().take(left) {
        *amount += Usd(CENT);
    }
    cents
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

    #[test]
    fn a_malformed_amount_is_an_input_error() {
        let error = Usd::try_from("1,50").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid amount of money (given in code): `1,50` is not a decimal number such as 12.34"
        );
        assert!(blaxel_core::Error::from(error).is_input());
    }

    #[test]
    fn to_f64_returns_the_nearest_float() {
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(usd("0.1").to_f64(), 0.1);
        assert_eq!(usd("-1234567.123456").to_f64(), -1_234_567.123_456);
        assert_eq!(Usd::ZERO.to_f64(), 0.0);
    }

    #[test]
    fn a_percentage_of_zero_is_none() {
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(usd("1").percent_of(usd("4")), Some(25.0));
        assert_eq!(usd("1").percent_of(Usd::ZERO), None);
    }

    #[test]
    fn remaining_cents_go_to_the_largest_remainders() {
        let share = |amounts: &[&str]| {
            let amounts: Vec<Usd> = amounts.iter().map(|text| text.parse().unwrap()).collect();
            let cents: Vec<String> = share_cents(&amounts).iter().map(Usd::to_string).collect();
            cents
        };
        assert_eq!(
            share(&["0.333", "0.333", "0.334"]),
            ["0.33", "0.33", "0.34"]
        );
        assert_eq!(share(&["1.005", "1.005"]), ["1.01", "1.00"]);
        assert_eq!(share(&["0.004", "0.004"]), ["0.01", "0.00"]);
        assert_eq!(share(&["-0.004", "0.004"]), ["0.00", "0.00"]);
        assert!(share(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn shared_cents_add_up_to_the_rounded_sum(amounts in prop::collection::vec(-1_000_000_000_000i64..9_000_000_000_000, 0..50)) {
            let amounts: Vec<Usd> = amounts.into_iter().map(|amount| Usd(amount.into())).collect();
            let cents = share_cents(&amounts);
            let sum: Usd = amounts.iter().copied().sum();
            prop_assert_eq!(cents.iter().copied().sum::<Usd>(), sum.to_cents());
            for (amount, cents) in amounts.iter().zip(&cents) {
                prop_assert_eq!(cents.0 % CENT, 0);
                prop_assert!((cents.0 - amount.0).abs() < CENT, "{:?} {:?}", amount, cents);
            }
        }

        #[test]
        fn micro_dollars_are_read_exactly_from_a_json_number(micros in -1_000_000_000_000i64..1_000_000_000_000) {
            let sign = if micros < 0 { "-" } else { "" };
            let digits = micros.unsigned_abs();
            let text = format!("{sign}{}.{:06}", digits / 1_000_000, digits % 1_000_000);
            let read: Usd = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.billionths(), i128::from(micros) * 1000);
            let again: Usd = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            prop_assert_eq!(again, read);
        }

        #[test]
        fn an_amount_written_with_nine_decimals_is_read_back_equal(billionths in any::<i64>()) {
            let amount = Usd::from_billionths(billionths.into());
            prop_assert_eq!(format!("{amount:.9}").parse(), Ok(amount));
            let float = amount.to_f64();
            prop_assert!((float - billionths as f64 / 1e9).abs() <= float.abs() * f64::EPSILON);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,50}") {
            let _ = text.parse::<Usd>();
        }
    }
}
