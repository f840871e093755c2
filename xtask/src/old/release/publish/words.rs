//! Times and numbers as a person reads them.

use std::time::Duration;

/// A time in its two largest units, nothing of it cut off: `12 s`, `10 min`, `1 h 5 min`.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (large, unit, rest, small) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        _ => {
            let minutes = seconds.div_ceil(60);
            (minutes / 60, "h", minutes % 60, "min")
        }
    };
    match rest {
        0 => format!("{large} {unit}"),
        rest => format!("{large} {unit} {rest} {small}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_that_fit() {
        let told = |seconds: u64| time(Duration::from_secs(seconds));
        assert_eq!(told(0), "0 s");
        assert_eq!(told(59), "59 s");
        assert_eq!(told(600), "10 min");
        assert_eq!(told(601), "10 min 1 s");
        assert_eq!(told(3900), "1 h 5 min");
        assert_eq!(told(7199), "2 h");
        assert_eq!(time(Duration::from_millis(1)), "1 s");
    }
}
