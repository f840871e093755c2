//! Dates of the proleptic Gregorian calendar, for API versions and timestamps.
//!
//! Days are counted from 1970-01-01. The conversion works in eras of 400 years, after which the
//! calendar repeats exactly, and starts each year in March so that the leap day is its last day.

use std::str::FromStr;

/// Days in an era of 400 years.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_SHIFT: i64 = 719_468;

/// Returns `true` if the date exists in the calendar.
pub(crate) fn is_date(year: u16, month: u8, day: u8) -> bool {
    day >= 1 && day <= days_in_month(year, month)
}

/// Returns the number of days in a month, or 0 if there is no such month.
fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Returns `true` for a leap year.
fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Returns the number of days from 1970-01-01 to the date; negative for earlier dates.
pub(crate) fn days_from_date(year: i64, month: u8, day: u8) -> i64 {
    let (year, month, day) = (year, i64::from(month), i64::from(day));
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_SHIFT
}

/// Returns the date `days` days after 1970-01-01, as year, month and day.
pub(crate) fn date_from_days(days: i64) -> (i64, u8, u8) {
    let shifted = days + EPOCH_SHIFT;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    // Neither cast truncates: a day is at most 31 and a month at most 12.
    let day = (day_of_year - (153 * march_month + 2) / 5 + 1) as u8;
    let month = (if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    }) as u8;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Splits `YYYY-MM-DD` into its numbers, without checking that the day exists.
pub(crate) fn split_date(text: &str) -> Option<(u16, u8, u8)> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    Some((digits(year, 4)?, digits(month, 2)?, digits(day, 2)?))
}

/// Parses a number of exactly `count` digits. Signs and spaces are not digits.
pub(crate) fn digits<N: FromStr>(text: &str, count: usize) -> Option<N> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates_convert_in_both_directions() {
        assert_eq!(days_from_date(1970, 1, 1), 0);
        assert_eq!(days_from_date(2000, 2, 29), 11_016);
        assert_eq!(date_from_days(-1), (1969, 12, 31));
        assert_eq!(date_from_days(20_571), (2026, 4, 28));
    }

    #[test]
    fn leap_days_exist_only_in_leap_years() {
        assert!(is_date(2024, 2, 29));
        assert!(is_date(2000, 2, 29));
        assert!(!is_date(1900, 2, 29));
        assert!(!is_date(2026, 2, 29));
        assert!(!is_date(2026, 13, 1));
        assert!(!is_date(2026, 4, 31));
        assert!(!is_date(2026, 4, 0));
    }

    proptest! {
        #[test]
        fn a_date_converts_to_days_and_back(days in -1_000_000i64..1_000_000) {
            let (year, month, day) = date_from_days(days);
            prop_assert_eq!(days_from_date(year, month, day), days);
        }
    }
}
