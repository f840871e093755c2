//! Checks a registry after a release, by its index and by what the proxy has recorded.

use std::time::Duration;

use super::proxy::{Fault, Upload};

/// Returns what is wrong with a release of these packages. Each must be in the index once, must have
/// been taken once and not been sent again, and no upload may come before a wait is over.
pub(super) fn complaints(packages: &[String], index: &[String], uploads: &[Upload]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        let listed = index.iter().filter(|listed| *listed == package).count();
        let mut of_it = uploads.iter().filter(|upload| upload.package == *package);
        if listed != 1 {
            complaints.push(format!("{package} is in the index {listed} times"));
        } else if !of_it.any(|upload| upload.taken) {
            complaints.push(format!("{package} was never taken"));
        } else if of_it.next().is_some() {
            complaints.push(format!("{package} was sent again after it was taken"));
        }
    }
    let others = index.iter().filter(|package| !packages.contains(package));
    complaints.extend(others.map(|package| format!("{package} is in the index")));
    for pair in uploads.windows(2) {
        let [Upload { fault, at, .. }, later] = pair else {
            continue;
        };
        let (package, waited) = (&later.package, later.at.saturating_duration_since(*at));
        match fault {
            Some(Fault::Refused(wait, _)) if waited < Duration::from_secs(*wait) => {
                complaints.push(format!("{package} was sent after {waited:?}, not {wait} s"));
            }
            _ => {}
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_audit_finds_what_is_twice_never_or_too_early() {
        // The time of each upload in milliseconds, `+` if it was taken, `!` if it was refused for 2 s.
        for (listed, uploads, expected) in [
            (1, "0+", ""),
            (1, "0! 2000+", ""),
            (1, "0! 1999+", "kite@1 was sent after 1.999s, not 2 s"),
            (1, "0+ 1+", "kite@1 was sent again after it was taken"),
            (1, "0+ 1-", "kite@1 was sent again after it was taken"),
            (1, "0-", "kite@1 was never taken"),
            (0, "0+", "kite@1 is in the index 0 times"),
            (2, "0+", "kite@1 is in the index 2 times"),
        ] {
            let start = Instant::now();
            let upload = |text: &str| Upload {
                package: "kite@1".to_owned(),
                fault: text.ends_with('!').then_some(Fault::Refused(2, true)),
                taken: text.ends_with('+'),
                at: start + Duration::from_millis(text[..text.len() - 1].parse().unwrap()),
            };
            let index = vec!["kite@1".to_owned(); listed];
            let uploads: Vec<Upload> = uploads.split(' ').map(upload).collect();
            let complaints = complaints(&["kite@1".to_owned()], &index, &uploads);
            assert_eq!(complaints.join("\n"), expected);
        }
        assert_eq!(
            complaints(&[], &["kite@1".to_owned()], &[]),
            ["kite@1 is in the index"]
        );
    }
}
