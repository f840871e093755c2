//! The steps of a report, gaps filled.

use crate::calendar::Moment;
use crate::window::{Resolution, Window};

/// The steps told by the server, which are in order, and those between them and up to the ends of
/// the window that it left out.
///
/// Where the server's steps begin is not documented for weeks and for windows that begin within a
/// step. So its own ones are taken as they are, and others are counted off from them; the calendar
/// is asked where there are none.
pub(super) fn fill(told: &[Moment], window: &Window, resolution: &Resolution) -> Vec<Moment> {
    let (from, to) = (window.from(), window.to());
    let later =
        |(second, nanos): Moment, steps| Some((resolution.step_from(second, steps)?, nanos));
    let Some(first) = told.first().copied().or_else(|| {
        let floor = resolution.floor(from.0)?;
        Some((floor, 0))
    }) else {
        return Vec::new();
    };
    let mut steps = Vec::with_capacity(told.len());
    // Backwards to the one that the window's start lies in. A step that is told far outside of the
    // window is odd enough; it is kept, and not led up to.
    let mut at = first;
    while at > from && at < to {
        let Some(before) = later(at, -1) else { break };
        steps.push(before);
        at = before;
    }
    steps.reverse();
    steps.push(first);
    let mut at = first;
    let rest = told.iter().copied().skip(1).map(Some);
    for next in rest.chain([None]) {
        let limit = next.unwrap_or(to).min(to);
        // After a first step that the window's start cut short, the others are whole.
        let whole = next.is_some_and(|(second, _)| resolution.floor(second) == Some(second));
        let base = match resolution.floor(at.0) {
            Some(floor) if whole => (floor, 0),
            _ => at,
        };
        let inside = later(base, 1).filter(|after| *after > from);
        let missing = std::iter::successors(inside, |step| later(*step, 1));
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

    /// Resolution, window, steps told, and the steps that come out.
    #[test]
    fn gaps_are_filled_from_the_server_s_own_steps() {
        for (resolution, start, end, told, expected) in [
            // Nothing told: by the calendar.
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
            // What lies far outside is kept, and nothing more.
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
            let told: Vec<_> = told.into_iter().map(moment).collect();
            let expected: Vec<_> = expected.into_iter().map(moment).collect();
            let resolution = Resolution::from(resolution);
            assert_eq!(
                fill(&told, &window, &resolution),
                expected,
                "{resolution} {window}"
            );
        }
    }
}
