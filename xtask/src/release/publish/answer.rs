//! Cargo's output after an upload, read for what to do next.

use std::time::{Duration, SystemTime};

use super::Item;

/// The end of an upload of several crates.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The names of the crates that the registry has taken, now or before.
    pub(super) taken: Vec<String>,
    /// The time to try again, and the reason of the failure.
    pub(super) failure: Option<(Retry, String)>,
}

/// The time at which a failed upload may be tried again.
#[derive(Debug)]
pub(super) enum Retry {
    /// Soon: a connection broke, or a server failed.
    Soon,
    /// As the registry wants it: at this time, if it named one.
    Later(Option<SystemTime>),
    /// Not before a person has done something.
    Never,
}

/// Cargo's words for failures that may go away: curl's numbers of those of the network, and others.
const TRANSIENT: &str = "[6] |[7] |[16] |[18] |[28] |[35] |[52] |[55] |[56] |[65] |[92] |spurious network \
    error|network failure seems to have happened|Request timed out after|due to a timeout while waiting";

/// Reads what `cargo publish` of these crates has printed.
pub(super) fn read(success: bool, printed: &str, group: &[&Item], now: SystemTime) -> Answer {
    // The error comes last, after warnings.
    let start = printed.rfind("\nerror: ").unwrap_or_default();
    let error = printed.get(start..).unwrap_or(printed);
    let has = |words: String| error.contains(&words);
    let mut answer = Answer::default();
    let mut is_known = success;
    for Item { name, version, .. } in group {
        // The words of cargo after a look at the index, and of registries.
        let is_there = has(format!("crate {name}@{version} already exists"))
            || has(format!("failed to publish {name} v{version} "))
                && has("is already uploaded".to_owned());
        is_known |= is_there;
        if success || is_there || printed.contains(&format!("Uploaded {name} v{version} ")) {
            answer.taken.push(name.clone());
        }
    }
    let until = until(error, now);
    let retry = match status(error) {
        _ if is_known => return answer,
        Some(429) => Retry::Later(until),
        Some(503) if until.is_some() => Retry::Later(until),
        Some(408 | 500..) => Retry::Soon,
        None if TRANSIENT.split('|').any(|words| error.contains(words)) => Retry::Soon,
        _ => Retry::Never,
    };
    // The response follows as it came.
    let reason = error.split("\n  headers:").next().unwrap_or(error);
    let words: Vec<&str> = reason.split_whitespace().collect();
    answer.failure = Some((retry, words.join(" ")));
    answer
}

/// Returns the status of the response; the second wording is of those not in the form of registries.
fn status(error: &str) -> Option<u32> {
    let words = ["an error (status ", "a 200 OK response, got "];
    let (_, rest) = words.iter().find_map(|words| error.split_once(words))?;
    rest.get(..3)?.parse().ok()
}

/// Returns when the registry wants to be asked again: by a header, which cargo prints of responses
/// that are not in the form of registries, or by a sentence.
fn until(error: &str, now: SystemTime) -> Option<SystemTime> {
    // The time that was meant lies in the second that a date names.
    let date = |text: &str| Some(httpdate::parse_http_date(text).ok()? + Duration::from_secs(1));
    let lines = error.lines().filter_map(|line| line.trim().split_once(':'));
    let mut headers = lines.filter(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    if let Some((_, value)) = headers.next() {
        return match value.trim().parse::<u32>() {
            Ok(seconds) => Some(now + Duration::from_secs(seconds.into())),
            Err(_) => date(value.trim()),
        };
    }
    let (_, rest) = error.split_once("try again after ")?;
    date(&format!("{} GMT", rest.split_once(" GMT")?.0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::item;
    use super::*;
    use crate::release::registry::Standing;

    /// Outcomes of an error, or of a cause of the second upload's failure; ` / ` is a new line.
    const CASES: &str = "\
        core, 601 s: ERROR (status 429 Too Many Requests): Please try again after DATE:14:24 GMT and see
        core, 7 s: STATUS 429 / headers: / HTTP/1.1 429 / Date: DATE:04:24 GMT / Retry-After: 7 / Via: a
        core, 61 s: STATUS 503 / headers: / HTTP/1.1 503 / retry-after: DATE:05:24 GMT
        core, Later(None): STATUS 429 / headers: / HTTP/1.1 429 / Retry-After: soon
        core, Soon: STATUS 503 / headers: / HTTP/1.1 503 / Via: kite
        core, Soon: ERROR (status 502 Bad Gateway): bad
        core, Soon: [52] Server returned nothing (no headers, no data)
        core, Soon: [65] Send failed since rewinding of the data stream failed (Recv failure)
        core, Never: ERROR (status 403 Forbidden): not an owner
        core, Never: ERROR: invalid upload request
        core, Never: [60] SSL peer certificate was not OK
        core auth: ERROR: crate version `0.2.0` is already uploaded
        front: / error: crate front@0.2.0 already exists on `kite` index
        , Never: / error: something already exists
        , Never: / error: no token found, please run `cargo login`
        , Soon: / error: unable to publish front v0.2.0 due to a timeout while waiting";
    // What cargo 1.95 prints before the cause of an upload's failure.
    const BEFORE: &str = "Uploaded core v0.2.0 to registry `kite` / Uploading auth v0.2.0 (/kite/auth) / \
        error: failed to publish auth v0.2.0 to registry at http://127.0.0.1:8932 / Caused by: / ";

    #[test]
    fn an_error_tells_what_is_taken_and_when_to_try_again() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 18:04:24 GMT").unwrap();
        let items = ["core", "auth", "front"].map(|name| item(name, Standing::Nothing));
        for case in CASES.lines() {
            let (expected, printed) = case.trim_start().split_once(": ").unwrap();
            let before = [BEFORE, " "][usize::from(printed.starts_with("/ "))];
            let printed = format!("{before}{printed}")
                .replace("ERROR", "the remote server responded with an error")
                .replace("STATUS", "failed to get a 200 OK response, got")
                .replace("DATE", "Wed, 25 Nov 2026 18")
                .replace(" / ", "\n  ")
                .replace("\n  error", "\nerror");
            let Answer { taken, failure } = read(false, &printed, &items.each_ref(), now);
            let seconds = |at: SystemTime| at.duration_since(now).unwrap().as_secs();
            let retry = match failure {
                Some((Retry::Later(Some(at)), _)) => format!(", {} s", seconds(at)),
                Some((retry, _)) => format!(", {retry:?}"),
                None => String::new(),
            };
            assert_eq!(taken.join(" ") + &retry, expected, "{printed}");
        }
        let published = read(true, "", &items.each_ref(), now);
        assert_eq!(published.taken, ["core", "auth", "front"]);
    }
}
