//! Completes the steps of a report where the server left some out.

use crate::calendar::Moment;
use crate::window::{Resolution, Window};

/// Returns the steps that the server reported, which must be in order, and those that it left out between
/// them and up to both ends of the window.
///
/// The API does not document where its steps begin, for weeks and for windows that begin within a step.
/// The reported steps are therefore taken as they are, and missing ones are counted from them; only if there
/// are none, the calendar decides.
pub(super) fn fill(reported: &[Moment], window: &Window, resolution: &Resolution) -> Vec<Moment> {
    let (from, to) = (window.from(), window.to());
    let shift =
        |(second, nanos): Moment, steps| Some((resolution.step_from(second, steps)?, nanos));
    let Some(first) = reported.first().copied().or_else(|| {
        let floor = resolution.floor(from.0)?;
        Some((floor, 0))
    }) else {
        return Vec::new();
    };
    let mut steps = Vec::with_capacity(reported.len());
    // Go back to the step that contains the start of the window. A step far outside of the window is
    // kept, but the gap to it is not filled.
    let mut at = first;
    while at > from && at < to {
        let Some(before) = shift(at, -1) else { break };
        steps.push(before);
        at = before;
    }
    steps.reverse();
    steps.push(first);
    let mut at = first;
    let rest = reported.iter().copied().skip(1).map(Some);
    for next in rest.chain([None]) {
        let limit = next.unwrap_or(to).min(to);
        // Only the first step can be cut short by the start of the window; the steps after it are whole.
        let whole = next.is_some_and(|(second, _)| resolution.floor(second) == Some(second));
        let base = match resolution.floor(at.0) {
            Some(floor) if whole => (floor, 0),
            _ => at,
        };
        let inside = shift(base, 1).filter(|after| *after > from);
        let missing = std::iter::successors(inside, |step| shift(*step, 1));
        steps.extend(missing.take_while(|step| *step < limit));
        if let Some(next) = next {
            steps.push(next);
            at = next;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::timestamp;
    use blaxel_core::Timestamp;

    fn moment(text: &str) -> Moment {
        let text = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            _ => format!("{text}:00Z"),
        };
        text.parse::<Timestamp>().unwrap().unix().unwrap()
    }

    /// Each case: resolution, window, reported steps, expected steps.
    #[test]
    fn gaps_are_filled_from_the_steps_of_the_server() {
        for (resolution, start, end, reported, expected) in [
            // Without reported steps, the calendar decides.
            (
                "daily",
                "2026-04-01",
                "2026-04-03T12:00",
                vec![],
                vec!["2026-04-01", "2026-04-02", "2026-04-03"],
            ),
            (
                "weekly",
                "2026-04-01",
                "2026-04-13",
                vec![],
                vec!["2026-03-30", "2026-04-06"],
            ),
            (
                "monthly",
                "2026-01-31",
                "2026-04-01",
                vec![],
                vec!["2026-01-01", "2026-02-01", "2026-03-01"],
            ),
            // Before, between and after.
            (
                "daily",
                "2026-04-01",
                "2026-04-07",
                vec!["2026-04-03", "2026-04-05"],
                vec![
                    "2026-04-01",
                    "2026-04-02",
                    "2026-04-03",
                    "2026-04-04",
                    "2026-04-05",
                    "2026-04-06",
                ],
            ),
            // Weeks that begin on another day.
            (
                "weekly",
                "2026-04-01",
                "2026-04-20",
                vec!["2026-04-05"],
                vec!["2026-03-29", "2026-04-05", "2026-04-12", "2026-04-19"],
            ),
            // A first step that is cut short.
            (
                "daily",
                "2026-04-01T12:00",
                "2026-04-05",
                vec!["2026-04-01T12:00", "2026-04-04"],
                vec!["2026-04-01T12:00", "2026-04-02", "2026-04-03", "2026-04-04"],
            ),
            (
                "monthly",
                "2026-01-01",
                "2026-06-01",
                vec!["2026-02-01", "2026-05-01"],
                vec![
                    "2026-01-01",
                    "2026-02-01",
                    "2026-03-01",
                    "2026-04-01",
                    "2026-05-01",
                ],
            ),
            // A step far outside of the window is kept, and the gap to it is not filled.
            (
                "hourly",
                "2026-04-01",
                "2026-04-01T02:00",
                vec!["0001-01-01", "2026-04-01T01:00", "9999-01-01"],
                vec!["0001-01-01", "2026-04-01T01:00", "9999-01-01"],
            ),
            ("fortnightly", "2026-04-01", "2026-05-01", vec![], vec![]),
            (
                "fortnightly",
                "2026-04-01",
                "2026-05-01",
                vec!["2026-04-01", "2026-04-15"],
                vec!["2026-04-01", "2026-04-15"],
            ),
        ] {
            let window = Window::new(timestamp(moment(start)), timestamp(moment(end))).unwrap();
            let reported: Vec<_> = reported.into_iter().map(moment).collect();
            let expected: Vec<_> = expected.into_iter().map(moment).collect();
            let resolution = Resolution::from(resolution);
            assert_eq!(
                fill(&reported, &window, &resolution),
                expected,
                "{resolution} {window}"
            );
        }
    }
}
