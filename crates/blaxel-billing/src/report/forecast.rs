//! The expected cost of a month.

use blaxel_core::{Error, Source, Timestamp};
use serde::Serialize;

use super::Report;
use crate::calendar::Moment;
use crate::decimal;
use crate::usd::Usd;
use crate::window::Window;

/// The expected cost of a month: the cost so far, extrapolated linearly to the whole month.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The calendar month.
    pub month: Window,
    /// The time up to which costs are known.
    pub known_until: Timestamp,
    /// The cost of the month until [`known_until`](Self::known_until).
    pub spent: Usd,
    /// The expected cost of the whole month.
    pub expected: Usd,
}

impl Report {
    /// Returns the expected cost of the month that the report ends in, by linear extrapolation of its
    /// cost so far.
    ///
    /// Costs are known up to `now`, or to the end of the report's window if that is earlier. They arrive some
    /// minutes late, so early in a month the forecast is more stable if the window ends at the last full
    /// hour. If the report covers the month to its end, the forecast is the reported cost.
    ///
    /// ```no_run
    /// use blaxel_billing::{Billing, MetricsQuery, Window};
    /// use blaxel_core::{Error, HttpService, Timestamp};
    ///
    /// async fn look_ahead(client: impl HttpService, account: &str) -> Result<(), Error> {
    ///     let now = Timestamp::now();
    ///     let query = MetricsQuery::new(Window::month_so_far(&now)?);
    ///     let forecast = Billing::new(client).report(account, &query).await?.forecast(&now)?;
    ///     println!("${} so far, ${} by the end", forecast.spent, forecast.expected);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the window begins after the month does, if no part of it has passed, or if
    /// a step lies in two months, so that its cost cannot be split.
    pub fn forecast(&self, now: &Timestamp) -> Result<Forecast, Error> {
        let end = self.window().to();
        let now = now
            .unix()
            .ok_or_else(|| invalid("now is not an RFC 3339 time"))?;
        let until = now.min(end);
        if until <= self.window().from() {
            return Err(invalid("the window of the report begins after now"));
        }
        // The start of a month belongs to it; the end of a window does not belong to the window.
        let last = match until {
            (second, 0) => (second - 1, 999_999_999),
            (second, nanos) => (second, nanos - 1),
        };
        let month = Window::month_of(&Timestamp::from_unix(last.0, last.1))?;
        let (from, to) = (month.from(), month.to());
        if self.window().from() > from {
            return Err(invalid(
                "the window of the report begins after the start of the month; query from its start",
            ));
        }
        let spent = self.spent(from, until)?;
        let known_until = Timestamp::from_unix(until.0, until.1);
        let expected = extend(spent, span(from, until), span(from, to))
            .ok_or_else(|| invalid("the amounts are too large"))?;
        Ok(Forecast {
            month,
            known_until,
            spent,
            expected,
        })
    }

    /// Returns the cost of the steps from `from` until `until`.
    fn spent(&self, from: Moment, until: Moment) -> Result<Usd, Error> {
        let series = self.series();
        let moments = series
            .iter()
            .filter_map(|(step, cost)| Some((step.unix()?, cost)));
        let moments: Vec<_> = moments.collect();
        // Rows may cost more than the sum of their steps. If the window is the month, use the total, which
        // has everything.
        if self.window().from() == from && self.window().to() <= until {
            return Ok(self.total());
        }
        let begun_before = moments.iter().rev().find(|(step, _)| *step < from);
        if let Some((step, cost)) = begun_before
            && *cost != Usd::ZERO
            && self.window().from() < from
            && self
                .resolution()
                .step_from(step.0, 1)
                .is_none_or(|end| (end, step.1) > from)
        {
            return Err(invalid(
                "a step lies in two months; query with shorter steps",
            ));
        }
        let of_month = moments
            .iter()
            .filter(|(step, _)| (*step >= from || self.window().from() == from) && *step < until);
        Ok(of_month.map(|(_, cost)| *cost).sum())
    }
}

/// Returns the nanoseconds from `from` until `to`.
fn span(from: Moment, to: Moment) -> i128 {
    let nanos = |(second, nanos): Moment| i128::from(second) * 1_000_000_000 + i128::from(nanos);
    nanos(to) - nanos(from)
}

/// Extrapolates a cost from a part of a span to the whole span, rounded half away from zero to the
/// billionth of a dollar.
fn extend(spent: Usd, part: i128, whole: i128) -> Option<Usd> {
    let product = spent.billionths().checked_mul(whole)?;
    decimal::divide(product, part).map(Usd::from_billionths)
}

fn invalid(problem: &str) -> Error {
    Error::input("forecast", &Source::Code, problem)
}
