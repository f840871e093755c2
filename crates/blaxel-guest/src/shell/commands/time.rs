//! `sleep`, `date` and `timeout`.

use std::time::Duration;

use super::{Done, quoted};
use crate::shell::Shell;
use crate::shell::signals::signal;

/// A time of the calendar, in UTC.
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u64,
    pub(super) minute: u64,
    pub(super) second: u64,
    days: i64,
}

impl Civil {
    pub(super) fn of(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs();
        let days = i64::try_from(seconds / 86_400).unwrap_or(0);
        // Counts from March on, so that the leap day is the last one of a year.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month: u32::try_from(month).unwrap_or(1),
            day: u32::try_from(day).unwrap_or(1),
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            days,
        }
    }

    /// Returns the seconds since 1970 of midnight of a day.
    fn seconds_of(year: i64, month: i64, day: i64) -> i64 {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + day_of_era - 719_468) * 86_400
    }

    fn weekday(&self) -> &'static str {
        const DAYS: [&str; 7] = [
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
            "Monday",
            "Tuesday",
            "Wednesday",
        ];
        let index = usize::try_from(self.days.rem_euclid(7)).unwrap_or(0);
        DAYS.get(index).copied().unwrap_or_default()
    }

    fn day_of_year(&self) -> i64 {
        self.days - Self::seconds_of(self.year, 1, 1) / 86_400 + 1
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Returns the short name of a month.
pub(super) fn month(number: u32) -> &'static str {
    long_month(number).get(..3).unwrap_or_default()
}

fn long_month(number: u32) -> &'static str {
    let index = usize::try_from(number).unwrap_or(1).saturating_sub(1);
    MONTHS.get(index).copied().unwrap_or_default()
}

/// Reads a duration such as `2`, `0.5`, `3m` or `1h`.
fn duration(text: &str) -> Option<Duration> {
    let (number, factor) = match text.chars().last()? {
        's' => (text.strip_suffix('s')?, 1.0),
        'm' => (text.strip_suffix('m')?, 60.0),
        'h' => (text.strip_suffix('h')?, 3600.0),
        'd' => (text.strip_suffix('d')?, 86_400.0),
        _ => (text, 1.0),
    };
    if number == "infinity" || number == "inf" {
        return Some(Duration::MAX);
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    if number.is_empty() || !number.chars().all(is_number) {
        return None;
    }
    let seconds = number.parse::<f64>().ok()? * factor;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

pub(super) async fn sleep(shell: &mut Shell, arguments: &[String]) -> Done {
    if arguments.is_empty() {
        return Err(shell.usage("sleep", "missing operand").await);
    }
    let mut total = Duration::ZERO;
    for text in arguments {
        match duration(text) {
            Some(duration) => total = total.saturating_add(duration),
            None => {
                let message = format!("invalid time interval {}", quoted(text));
                return Err(shell.usage("sleep", &message).await);
            }
        }
    }
    shell.kernel.clock.sleep(total).await;
    Ok(0)
}

pub(super) async fn timeout(shell: &mut Shell, arguments: &[String]) -> Done {
    let mut number = 15;
    let mut rest = arguments;
    while let Some((option, after)) = rest.split_first()
        && option.starts_with('-')
        && option.len() > 1
    {
        rest = after;
        let name = match option.as_str() {
            "-s" | "-k" => {
                let value = rest.first().cloned().unwrap_or_default();
                rest = rest.get(1..).unwrap_or_default();
                if option == "-s" { value } else { continue }
            }
            option => match option
                .strip_prefix("--signal=")
                .or_else(|| option.strip_prefix("-s"))
            {
                Some(name) => name.to_owned(),
                None => continue,
            },
        };
        match signal(&name) {
            Some(found) => number = found,
            None => {
                let message = format!("{}: invalid signal", quoted(&name));
                return Err(shell.usage("timeout", &message).await);
            }
        }
    }
    let Some((limit, words)) = rest.split_first().filter(|(_, words)| !words.is_empty()) else {
        return Err(shell.usage("timeout", "missing operand").await);
    };
    let Some(limit) = duration(limit) else {
        let message = format!("invalid time interval {}", quoted(limit));
        return Err(shell.usage("timeout", &message).await);
    };
    let clock = shell.kernel.clock.clone();
    let run = shell.run_words("timeout", words);
    if limit.is_zero() {
        return Ok(run.await);
    }
    let ended = clock.timeout(limit, run).await;
    Ok(ended.unwrap_or(if number == 9 { 137 } else { 124 }))
}

pub(super) async fn date(shell: &mut Shell, arguments: &[String]) -> Done {
    let mut format = "%a %b %e %H:%M:%S %Z %Y".to_owned();
    let mut time = shell.kernel.clock.since_epoch();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-u" | "--utc" => {}
            "-I" | "--iso-8601" => format = "%Y-%m-%d".to_owned(),
            "-Iseconds" | "--iso-8601=seconds" => format = "%Y-%m-%dT%H:%M:%S+00:00".to_owned(),
            "-R" => format = "%a, %d %b %Y %H:%M:%S %z".to_owned(),
            "-d" | "--date" => {
                let text = rest.next().cloned().unwrap_or_default();
                match parse(&text, time) {
                    Some(parsed) => time = parsed,
                    None => {
                        shell
                            .report_of("date", format!("invalid date {}", quoted(&text)))
                            .await;
                        return Err(1);
                    }
                }
            }
            text => match text.strip_prefix('+') {
                Some(text) => text.clone_into(&mut format),
                None if text.starts_with('-') => {
                    let option = text.chars().nth(1).unwrap_or('-');
                    let message = format!("invalid option -- '{option}'");
                    return Err(shell.usage("date", &message).await);
                }
                None => {
                    shell
                        .report_of("date", format!("invalid date {}", quoted(text)))
                        .await;
                    return Err(1);
                }
            },
        }
    }
    shell
        .write_of("date", format!("{}\n", render(&format, time)))
        .await?;
    Ok(0)
}

/// Reads the dates that scripts usually give: `@seconds`, `now` and dates of ISO 8601.
pub(super) fn parse(text: &str, now: Duration) -> Option<Duration> {
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok().map(Duration::from_secs);
    }
    if matches!(text, "now" | "today" | "") {
        return Some(now);
    }
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time.trim_end_matches('Z').trim_end_matches("UTC").trim();
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute) = (time.next()??, time.next().flatten().unwrap_or(0));
    let second = time.next().flatten().unwrap_or(0);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = Civil::seconds_of(year, month, day) + hour * 3600 + minute * 60 + second;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

fn render(format: &str, time: Duration) -> String {
    let civil = Civil::of(time);
    let mut output = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            output.push(next);
            continue;
        }
        let mut directive = rest.next();
        let is_bare = directive == Some('-');
        if is_bare {
            directive = rest.next();
        }
        let padded = |number: u64| match is_bare {
            true => number.to_string(),
            false => format!("{number:02}"),
        };
        let hour12 = match civil.hour % 12 {
            0 => 12,
            hour => hour,
        };
        output.push_str(&match directive {
            Some('Y') => civil.year.to_string(),
            Some('y') => format!("{:02}", civil.year.rem_euclid(100)),
            Some('m') => padded(u64::from(civil.month)),
            Some('d') => padded(u64::from(civil.day)),
            Some('e') => format!("{:>2}", civil.day),
            Some('H') => padded(civil.hour),
            Some('I') => padded(hour12),
            Some('M') => padded(civil.minute),
            Some('S') => padded(civil.second),
            Some('p') => if civil.hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('N') => format!("{:09}", time.subsec_nanos()),
            Some('3') => {
                rest.next();
                format!("{:03}", time.subsec_millis())
            }
            Some('s') => time.as_secs().to_string(),
            Some('j') => format!("{:03}", civil.day_of_year()),
            Some('F') => render("%Y-%m-%d", time),
            Some('T') => render("%H:%M:%S", time),
            Some('R') => render("%H:%M", time),
            Some('D') => render("%m/%d/%y", time),
            Some('c') => render("%a %b %e %H:%M:%S %Y", time),
            Some('a') => civil.weekday().get(..3).unwrap_or_default().to_owned(),
            Some('A') => civil.weekday().to_owned(),
            Some('b' | 'h') => month(civil.month).to_owned(),
            Some('B') => long_month(civil.month).to_owned(),
            Some('u') => {
                // The first day of 1970 was a Thursday.
                ((civil.days + 3).rem_euclid(7) + 1).to_string()
            }
            Some('w') => (civil.days + 4).rem_euclid(7).to_string(),
            Some('Z') => "UTC".to_owned(),
            Some('z') => "+0000".to_owned(),
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        });
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "Thu Jan  1 00:00:00 UTC 1970"),
            (951_782_400, "Tue Feb 29 00:00:00 UTC 2000"),
            (1_700_000_000, "Tue Nov 14 22:13:20 UTC 2023"),
        ] {
            let time = Duration::from_secs(seconds);
            assert_eq!(render("%a %b %e %H:%M:%S %Z %Y", time), expected);
            let text = render("%FT%T", time);
            assert_eq!(parse(&text, Duration::ZERO), Some(time));
        }
        assert_eq!(
            render("%j %u %-d", Duration::from_secs(951_782_400)),
            "060 2 29"
        );
    }
}
