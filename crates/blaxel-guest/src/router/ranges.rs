//! The header `Range`.

/// The part of a file that a request asks for. Offsets are those of the first byte and of the byte
/// after the last one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    Whole,
    One(u64, u64),
    Many(Vec<(u64, u64)>),
    Refused {
        message: &'static str,
        /// `true` if all ranges begin after the end of the file.
        is_beyond: bool,
    },
}

const MALFORMED: Ranges = Ranges::Refused {
    message: "invalid range",
    is_beyond: false,
};
const BEYOND: Ranges = Ranges::Refused {
    message: "invalid range: failed to overlap",
    is_beyond: true,
};

/// Reads the header; an empty one asks for the whole file.
pub(super) fn parse(header: &str, size: u64) -> Ranges {
    if header.is_empty() {
        return Ranges::Whole;
    }
    let Some(list) = header.strip_prefix("bytes=") else {
        return MALFORMED;
    };
    let mut ranges = Vec::new();
    let mut has_missed = false;
    for text in list
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        match range(text, size) {
            Some(Some(range)) => ranges.push(range),
            Some(None) => has_missed = true,
            None => return MALFORMED,
        }
    }
    if ranges.is_empty() && has_missed {
        // Nothing can overlap with an empty file.
        return if size == 0 { Ranges::Whole } else { BEYOND };
    }
    // More than the file is likely an attack, and sending the file is correct too.
    let total = ranges
        .iter()
        .fold(0_u64, |sum, (start, end)| sum.saturating_add(end - start));
    if total > size {
        return Ranges::Whole;
    }
    match ranges.as_slice() {
        [] => Ranges::Whole,
        [(start, end)] => Ranges::One(*start, *end),
        _ => Ranges::Many(ranges),
    }
}

/// Reads one range. `Some(None)` is one that begins after the end.
#[allow(clippy::option_option)]
fn range(text: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let count = number(last)?.min(size);
        return Some(Some((size - count, size)));
    }
    let first = number(first)?;
    if first >= size {
        return Some(None);
    }
    if last.is_empty() {
        return Some(Some((first, size)));
    }
    let last = number(last)?;
    if last < first {
        return None;
    }
    Some(Some((first, last.saturating_add(1).min(size))))
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_by_the_server() {
        for (header, size, expected) in [
            ("", 10, Ranges::Whole),
            ("bytes=0-0", 10, Ranges::One(0, 1)),
            ("bytes=2-", 10, Ranges::One(2, 10)),
            ("bytes=-3", 10, Ranges::One(7, 10)),
            ("bytes=-30", 10, Ranges::One(0, 10)),
            ("bytes=5-99", 10, Ranges::One(5, 10)),
            ("bytes=0-1, 4-5", 10, Ranges::Many(vec![(0, 2), (4, 6)])),
            ("bytes=0-1,20-", 10, Ranges::One(0, 2)),
            ("bytes=0-,0-", 10, Ranges::Whole),
            ("bytes=10-", 10, BEYOND),
            ("bytes=0-", 0, Ranges::Whole),
            ("bytes=5-4", 10, MALFORMED),
            ("bytes=x", 10, MALFORMED),
            ("bytes=+1-2", 10, MALFORMED),
            ("lines=1-2", 10, MALFORMED),
        ] {
            assert_eq!(parse(header, size), expected, "{header} of {size}");
        }
    }
}
