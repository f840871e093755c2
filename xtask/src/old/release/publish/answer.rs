//! What cargo says of an upload, read for what to do next.

use std::time::{Duration, SystemTime};

/// How an upload ended, as far as cargo could tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The registry took it.
    Taken,
    /// The registry has had this version before.
    TakenBefore,
    /// It did not work, as far as cargo could tell.
    Failed(Failure),
}

/// Why an upload did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What cargo, or the registry through it, said.
    pub(super) said: String,
    pub(super) retry: Retry,
}

/// When an upload may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// Soon: a connection broke or a server failed, which may be gone the next time.
    Soon,
    /// When the registry wants to be asked again: from this time on, if it named one.
    Later(Option<SystemTime>),
    /// Not before a person has done something.
    Never,
}

/// Failures of the network by the numbers that curl has for them.
const OF_THE_NETWORK: [u32; 13] = [5, 6, 7, 16, 18, 28, 35, 52, 55, 56, 92, 95, 96];

/// How cargo speaks of a network that failed it when it does not give curl's number.
const BROKEN_CONNECTIONS: [&str; 3] = [
    "network failure seems to have happened",
    "Request timed out after",
    "spurious network error",
];

/// How registries, and cargo after a look at the index, say that a version is there.
const TAKEN_BEFORE: [&str; 2] = ["is already uploaded", "already exists"];

/// The longest time that is believed; no registry means more, and dates come to an end.
const LONGEST_TIME: Duration = Duration::from_secs(366 * 86_400);

/// The longest reason that is repeated in our own words; all of it stands in cargo's output.
const MOST_SAID: usize = 300;

/// Reads what cargo printed at this time.
pub(super) fn read(success: bool, printed: &str, now: SystemTime) -> Answer {
    if success {
        return Answer::Taken;
    }
    let complaint = complaint(printed);
    let said = reason(complaint);
    let status = status(complaint);
    let until = until(complaint, now).map(|until| until.min(now + LONGEST_TIME));
    let retry = match status {
        Some(429) => Retry::Later(until),
        Some(503) if until.is_some() => Retry::Later(until),
        Some(408 | 500..) => Retry::Soon,
        _ if TAKEN_BEFORE.iter().any(|words| complaint.contains(words)) => {
            return Answer::TakenBefore;
        }
        None if is_of_the_network(complaint, printed) => Retry::Soon,
        _ => Retry::Never,
    };
    Answer::Failed(Failure { said, retry })
}

/// The error that cargo ends with, without the warnings before it.
fn complaint(printed: &str) -> &str {
    let start = match printed.rfind("\nerror: ") {
        Some(before) => before + 1,
        None => 0,
    };
    printed.get(start..).unwrap_or(printed)
}

/// The status of the server's answer, which cargo words in two ways: one for answers in the
/// registries' own form, one for all others.
fn status(complaint: &str) -> Option<u32> {
    let words = ["an error (status ", "a 200 OK response, got "];
    words.iter().find_map(|words| {
        let (_, rest) = complaint.split_once(words)?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// When the registry wants to be asked again.
fn until(complaint: &str, now: SystemTime) -> Option<SystemTime> {
    let header = complaint.lines().find_map(|line| {
        let (name, value) = line.trim().split_once(':')?;
        name.eq_ignore_ascii_case("retry-after")
            .then(|| value.trim())
    });
    if let Some(value) = header {
        return match value.parse().map(Duration::from_secs) {
            Ok(seconds) => Some(now + seconds.min(LONGEST_TIME)),
            Err(_) => date(value),
        };
    }
    let (_, rest) = complaint.split_once("try again after ")?;
    let (date_and_time, _) = rest.split_once(" GMT")?;
    date(&format!("{date_and_time} GMT"))
}

/// The end of the second that a date names: the time that was meant lies in it.
fn date(text: &str) -> Option<SystemTime> {
    let time = httpdate::parse_http_date(text).ok()?;
    time.checked_add(Duration::from_secs(1))
}

fn is_of_the_network(complaint: &str, printed: &str) -> bool {
    let numbered = complaint.lines().any(|line| {
        let number = line.trim().strip_prefix('[');
        let number = number.and_then(|rest| rest.split_once("] "));
        let number = number.and_then(|(number, _)| number.parse().ok());
        number.is_some_and(|number: u32| OF_THE_NETWORK.contains(&number))
    });
    numbered
        || BROKEN_CONNECTIONS
            .iter()
            .any(|words| printed.contains(words))
}

/// The innermost cause that cargo names, on one line.
fn reason(complaint: &str) -> String {
    let (_, cause) = complaint
        .rsplit_once("Caused by:")
        .unwrap_or(("", complaint));
    let cause = cause.trim();
    let cause = cause.strip_prefix("error: ").unwrap_or(cause);
    // What follows is the answer as it came, headers and all.
    let cause = cause.split("\n  headers:").next().unwrap_or(cause);
    let words: Vec<&str> = cause.split_whitespace().collect();
    let mut said = words.join(" ");
    if let Some((end, _)) = said.char_indices().nth(MOST_SAID) {
        said.truncate(end);
        said.push_str(" ...");
    }
    if said.is_empty() {
        "cargo failed without a word".to_owned()
    } else {
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cargo 1.95 prints before the cause.
    const FAILED: &str = "   Packaging blaxel-auth v0.1.0 (/kite/crates/blaxel-auth)\n    \
        Packaged 44 files, 344.4KiB (88.4KiB compressed)\n   \
        Uploading blaxel-auth v0.1.0 (/kite/crates/blaxel-auth)\n\
        error: failed to publish blaxel-auth v0.1.0 to registry at http://127.0.0.1:8932\n\n\
        Caused by:\n  ";

    fn now() -> SystemTime {
        httpdate::parse_http_date("Wed, 25 Nov 2026 18:04:24 GMT").unwrap()
    }

    fn cause(text: &str) -> Answer {
        read(false, &format!("{FAILED}{text}\n"), now())
    }

    fn retry(answer: Answer) -> Retry {
        match answer {
            Answer::Failed(failure) => failure.retry,
            other => panic!("{other:?}"),
        }
    }

    /// How many seconds from now the registry wants to be asked again.
    fn later(text: &str) -> Option<u64> {
        match retry(cause(text)) {
            Retry::Later(until) => {
                until.map(|until| until.duration_since(now()).unwrap_or_default().as_secs())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_public_registry_tells_the_time_in_its_message() {
        let message = "the remote server responded with an error (status 429 Too Many Requests): \
            You have published too many new crates in a short period of time. Please try again \
            after Wed, 25 Nov 2026 18:14:24 GMT and see https://kite.example/docs/rate-limits for \
            more details.";
        assert_eq!(later(message), Some(601));
    }

    #[test]
    fn other_servers_tell_it_in_a_header_by_seconds_or_by_date() {
        let answer = |status: &str, header: &str| {
            format!(
                "failed to get a 200 OK response, got {status}\n  headers:\n  \tHTTP/1.1 {status} \
                 Whatever\n  \tDate: Wed, 25 Nov 2026 18:04:24 GMT\n  \t{header}\n  \t\n  body:\n  \
                 slow down"
            )
        };
        assert_eq!(later(&answer("429", "Retry-After: 7")), Some(7));
        assert_eq!(later(&answer("429", "retry-after: 120")), Some(120));
        let date = "Retry-After: Wed, 25 Nov 2026 18:05:24 GMT";
        assert_eq!(later(&answer("503", date)), Some(61));
        let year = Some(366 * 86_400);
        assert_eq!(
            later(&answer("429", &format!("Retry-After: {}", u64::MAX))),
            year
        );
        let last = "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT";
        assert_eq!(later(&answer("429", last)), year);
        assert_eq!(later(&answer("429", "Retry-After: soon")), None);
        assert_eq!(later(&answer("429", "Via: kite")), None);
        assert_eq!(retry(cause(&answer("503", "Via: kite"))), Retry::Soon);
    }

    #[test]
    fn a_time_long_past_is_a_time_all_the_same() {
        let message = "the remote server responded with an error (status 429 Too Many Requests): \
            Please try again after Wed, 09 Jul 2025 18:12:54 GMT and see";
        assert_eq!(later(message), Some(0));
    }

    #[test]
    fn broken_connections_and_failing_servers_are_transient() {
        for text in [
            "[52] Server returned nothing (no headers, no data) (Empty reply from server)",
            "[7] Could not connect to server (Failed to connect to 127.0.0.1 port 8932 after 0 ms)",
            "Request timed out after 30 seconds.\n  If you're trying to upload a crate it may be \
             too large.",
            "failed to get a 200 OK response, got 500\n  headers:\n  \tHTTP/1.1 500\n  body:\n  oops",
            "the remote server responded with an error (status 502 Bad Gateway): bad gateway",
        ] {
            assert_eq!(retry(cause(text)), Retry::Soon, "{text}");
        }
        let index = "warning: spurious network error (1 try remaining): [7] Could not connect\n\
            error: download of config.json failed\n";
        assert_eq!(retry(read(false, index, now())), Retry::Soon);
    }

    #[test]
    fn what_a_person_must_put_right_is_permanent() {
        for text in [
            "the remote server responded with an error (status 403 Forbidden): this crate exists \
             but you don't seem to be an owner",
            "the remote server responded with an error (status 400 Bad Request): missing or empty \
             metadata fields: description",
            "the remote server responded with an error: invalid upload request",
            "[60] SSL peer certificate or SSH remote key was not OK",
            "expected value at line 1 column 1",
        ] {
            assert_eq!(retry(cause(text)), Retry::Never, "{text}");
        }
        let no_token = "error: no token found for `kite`, please run `cargo login --registry kite`\n\
            or use environment variable CARGO_REGISTRIES_KITE_TOKEN\n";
        let said = "no token found for `kite`, please run `cargo login --registry kite` or use \
            environment variable CARGO_REGISTRIES_KITE_TOKEN";
        let failure = Failure {
            said: said.to_owned(),
            retry: Retry::Never,
        };
        assert_eq!(read(false, no_token, now()), Answer::Failed(failure));
    }

    #[test]
    fn a_version_that_is_there_is_no_failure() {
        let ahead = "    Updating `kite` index\nerror: crate blaxel-core@0.1.0 already exists on \
            `kite` index\n";
        assert_eq!(read(false, ahead, now()), Answer::TakenBefore);
        let after = "the remote server responded with an error: crate version `0.1.0` is already \
            uploaded";
        assert_eq!(cause(after), Answer::TakenBefore);
        assert_eq!(read(true, "    Uploaded blaxel-core", now()), Answer::Taken);
    }

    #[test]
    fn a_reason_is_one_line_of_bearable_length() {
        let said = |answer| match answer {
            Answer::Failed(failure) => failure.said,
            other => panic!("{other:?}"),
        };
        let long = said(cause(&"wind \n  ".repeat(500)));
        assert!(long.starts_with("wind wind") && long.len() < MOST_SAID + 10);
        assert!(said(read(false, "", now())).contains("without a word"));
        let raw =
            "failed to get a 200 OK response, got 500\n  headers:\n  \tVia: kite\n  body:\n  oops";
        assert_eq!(said(cause(raw)), "failed to get a 200 OK response, got 500");
    }
}
