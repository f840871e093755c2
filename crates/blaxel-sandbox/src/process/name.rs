//! Names of processes, and names that nothing else has.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use blaxel_core::{Error, Source};

/// Maximum size of a name in bytes. The server uses it in the names of log files.
const MAX_BYTES: usize = 200;

/// Returns a name with this start that nothing else has.
pub(crate) fn unique(start: &str) -> String {
    static RANDOM: OnceLock<RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);

    // The standard library seeds its hashers from the system's random numbers. The time tells apart programs that
    // were copied with their memory.
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.map_or(0, |time| time.as_nanos());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = RANDOM.get_or_init(RandomState::new);
    let (high, low) = (
        random.hash_one((count, time)),
        random.hash_one((time, count)),
    );
    format!("{start}-{high:016x}{:08x}", low >> 32)
}

/// Checks the name of a process that is to be started.
///
/// The server takes a number, with or without a sign, for a PID, so a process with such a name could not be found
/// by it.
pub(super) fn check(name: &str) -> Result<(), Error> {
    let problem = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_BYTES {
        "it is longer than 200 bytes"
    } else if is_pid(name) {
        "a number would be taken for a PID"
    } else if name == "." || name == ".." || name.contains('/') {
        "the server uses it as a file name"
    } else if name.chars().any(char::is_control) {
        "it contains a control character"
    } else {
        return Ok(());
    };
    Err(Error::input("process name", &Source::Code, problem))
}

/// Returns `true` if the server takes this identifier for a PID.
pub(super) fn is_pid(identifier: &str) -> bool {
    let digits = identifier.strip_prefix(['+', '-']).unwrap_or(identifier);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn unique_names_are_valid_and_differ() {
        let names: HashSet<String> = (0..10_000).map(|_| unique("run")).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| check(name).is_ok()));
    }

    #[test]
    fn a_name_that_the_server_would_misread_is_refused() {
        for name in ["", "1", "0042", "+7", "-7", ".", "..", "a/b", "a\0", "a\nb"] {
            assert!(check(name).unwrap_err().is_input(), "{name:?}");
        }
        assert!(check(&"a".repeat(201)).is_err());
        for name in ["web", "web 1", "1a", "ärger", "-", "a.b", "%2F"] {
            check(name).unwrap();
        }
    }
}
