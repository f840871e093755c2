//! Validation rules beyond the schema. An error names the member. Values of the wrong type were
//! rejected before, so these rules ignore them.

use std::time::Duration;

use blaxel_core::Timestamp;
use serde_json::{Map, Value};

use super::{Document, member};

/// Maximum length of a name, in characters.
const NAME: usize = 49;
/// Maximum length of a domain name, and of one of its labels.
const DOMAIN: usize = 253;
const LABEL: usize = 63;

/// The shortest lifetime of a sandbox from its creation, and without a use.
pub(crate) const LEAST_AGE: Duration = Duration::from_secs(5 * 60);
const LEAST_IDLE: Duration = Duration::from_secs(60);

/// The result of a check. The error is a message.
pub(crate) type Check = Result<(), String>;

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Checks a name: 1 to 49 lowercase letters, digits and hyphens.
pub(crate) fn name(text: &str, path: &str) -> Check {
    if (1..=NAME).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(());
    }
    Err(format!(
        "{path} must be 1 to {NAME} lowercase letters, digits and hyphens."
    ))
}

/// Checks the name of a sandbox: a name whose groups of letters and digits are joined by single hyphens.
pub(crate) fn sandbox_name(text: &str, path: &str) -> Check {
    name(text, path)?;
    if text.split('-').all(|group| !group.is_empty()) {
        return Ok(());
    }
    Err(format!(
        "{path} must be groups of lowercase letters and digits, joined by single hyphens."
    ))
}

fn is_label(text: &str) -> bool {
    (1..=LABEL).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Checks a part of a domain name.
pub(crate) fn host_label(text: &str, path: &str) -> Check {
    if is_label(text) {
        return Ok(());
    }
    Err(format!(
        "{path} must be a part of a host name, such as my-app."
    ))
}

/// Checks a domain name: at least two labels, of which the first may be `*`.
pub(crate) fn domain(text: &str, path: &str) -> Check {
    let labels = text.strip_prefix("*.").unwrap_or(text).split('.');
    if text.len() <= DOMAIN && labels.clone().count() > 1 && labels.clone().all(is_label) {
        return Ok(());
    }
    Err(format!("{path} must be the name of a domain."))
}

/// Checks that a list has at most `most` items.
pub(crate) fn at_most(document: &Document, path: &str, most: usize) -> Check {
    if list(document, path).len() <= most {
        return Ok(());
    }
    Err(format!("{} has more than {most} items.", dotted(path)))
}

/// Checks that a member, if present, is a duration.
pub(crate) fn duration(document: &Document, path: &str) -> Check {
    match given(document, path) {
        Some(text) if seconds(text).is_none() => Err(not_a_duration(&dotted(path))),
        _ => Ok(()),
    }
}

/// Checks that a member, if present, is a duration of at least this length.
pub(crate) fn lifetime(document: &Document, path: &str, least: Duration) -> Check {
    match given(document, path) {
        Some(text) => at_least(text, least, &dotted(path)),
        None => Ok(()),
    }
}

/// Checks a duration of at least this length. The name is that of messages.
fn at_least(text: &str, least: Duration, name: &str) -> Check {
    match seconds(text) {
        None => Err(not_a_duration(name)),
        Some(duration) if duration < least => {
            Err(format!("{name} must be at least {}s.", least.as_secs()))
        }
        Some(_) => Ok(()),
    }
}

/// Checks that a member, if present, is a time.
pub(crate) fn time(document: &Document, path: &str) -> Check {
    match given(document, path) {
        Some(text) if moment(text).is_none() => Err(not_a_time(&dotted(path))),
        _ => Ok(()),
    }
}

/// Returns the text of a member. An empty one is none: the platform's command line tool writes
/// documents with all members, and so sends back empty ones.
fn given<'a>(document: &'a Document, path: &str) -> Option<&'a str> {
    member::text(document, path).filter(|text| !text.is_empty())
}

/// Checks the expiration settings of a sandbox.
pub(crate) fn lifecycle(document: &Document, path: &str) -> Check {
    let name = dotted(path);
    let lifecycle = member::get(document, path).and_then(Value::as_object);
    if lifecycle.is_some_and(Map::is_empty) {
        return Err(format!("{name} is empty; null takes it away."));
    }
    duration(document, &format!("{path}/terminatedRetention"))?;
    let policies = list(document, &format!("{path}/expirationPolicies"));
    for (place, policy) in policies.iter().enumerate() {
        let name = format!("{name}.expirationPolicies[{place}].value");
        let member = |member: &str| policy.get(member).and_then(Value::as_str);
        let value = member("value").unwrap_or_default();
        match member("type") {
            Some("date") if moment(value).is_none() => return Err(not_a_time(&name)),
            Some("ttl-idle") => at_least(value, LEAST_IDLE, &name)?,
            Some("ttl-max-age") => at_least(value, LEAST_AGE, &name)?,
            _ => {}
        }
    }
    Ok(())
}

/// Parses a duration such as `30m` or `2w`: a positive whole number and a unit from seconds to
/// weeks.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    Some(Duration::from_secs(number.checked_mul(unit)?))
}

/// Parses a time and returns it as the time since 1970-01-01T00:00:00Z. A time without an offset, as
/// the Python SDK sends it, is one of UTC.
pub(crate) fn moment(text: &str) -> Option<Duration> {
    let time: Timestamp = match text.parse() {
        Ok(time) => time,
        Err(_) => format!("{text}Z").parse().ok()?,
    };
    let (seconds, nanos) = time.unix()?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

fn not_a_duration(name: &str) -> String {
    format!("{name} must be a duration such as 30m, with one of the units s, m, h, d, w.")
}

fn not_a_time(name: &str) -> String {
    format!("{name} must be a time such as 2026-05-01T00:00:00Z.")
}

fn list<'a>(document: &'a Document, path: &str) -> &'a [Value] {
    let items = member::get(document, path).and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}

/// Returns a path as messages show it.
fn dotted(path: &str) -> String {
    path.replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_time_or_duration_is_none() {
        for (text, is_accepted) in [("", true), ("soon", false)] {
            let document = Document::from_iter([("it".to_owned(), text.into())]);
            assert_eq!(duration(&document, "it").is_ok(), is_accepted, "{text}");
            assert_eq!(time(&document, "it").is_ok(), is_accepted, "{text}");
            assert_eq!(
                lifetime(&document, "it", LEAST_AGE).is_ok(),
                is_accepted,
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_without_an_offset_is_one_of_utc() {
        let seconds = |text| moment(text).map(|time| time.as_secs());
        assert_eq!(seconds("1970-01-02T00:00:00"), Some(86_400));
        assert_eq!(seconds("1970-01-02T00:00:00.25"), Some(86_400));
        assert_eq!(seconds("1970-01-02T00:00:00Z"), Some(86_400));
        assert_eq!(seconds("1970-01-02T01:00:00+01:00"), Some(86_400));
        for text in ["", "soon", "1970-01-02", "1970-01-02T00:00:00ZZ", "Z"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
