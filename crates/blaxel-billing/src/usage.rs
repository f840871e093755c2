//! Quantities of usage and their units.

use std::fmt;

use blaxel_core::{Error, Source, open_enum};
use serde::Serialize;

use crate::decimal::{Exact, exact_number};

exact_number! {
    /// A quantity of usage, exact to a billionth of its unit.
    ///
    /// ```
    /// use blaxel_billing::Quantity;
    ///
    /// let requests: Quantity = "1200".parse()?;
    /// assert_eq!((requests + "0.5".parse()?).to_string(), "1200.5");
    /// # Ok::<(), blaxel_core::ParseError>(())
    /// ```
    pub struct Quantity; "quantity", "12.5"
}

impl fmt::Display for Quantity {
    /// Writes the number with as many decimals as it has, or with the precision of the format.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.precision() {
            Some(decimals) => crate::decimal::write(self.0, decimals, f),
            None => Exact(self.0).fmt(f),
        }
    }
}

open_enum! {
    /// A unit of usage.
    pub enum Unit {
        /// Gigabyte-seconds.
        GbSeconds = "gbs",
        /// A plain count, such as of requests.
        Count = "count",
        /// Hours.
        Hours = "hours",
    }
}

/// A quantity of usage and its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// The quantity.
    pub quantity: Quantity,
    /// The unit.
    pub unit: Unit,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quantity.fmt(f)?;
        write!(f, " {}", self.unit)
    }
}

/// Sums of usage, one per unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(Vec<Usage>);

impl Tally {
    /// Adds a quantity to the sum of its unit.
    pub(crate) fn add(&mut self, quantity: Quantity, unit: &Unit) {
        match self.0.iter_mut().find(|usage| usage.unit == *unit) {
            Some(usage) => usage.quantity += quantity,
            None => self.0.push(Usage {
                quantity,
                unit: unit.clone(),
            }),
        }
    }

    /// Adds all sums of another tally.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for usage in &other.0 {
            self.add(usage.quantity, &usage.unit);
        }
    }

    /// Returns the sums, one per unit.
    pub(crate) fn units(&self) -> &[Usage] {
        &self.0
    }

    /// Returns the usage if there is exactly one unit.
    pub(crate) fn single(&self) -> Result<&Usage, Error> {
        let problem = match self.0.as_slice() {
            [usage] => return Ok(usage),
            [] => "no usage is reported; group the query by billing dimension".to_owned(),
            several => {
                let units: Vec<_> = several.iter().map(|usage| usage.unit.as_str()).collect();
                format!(
                    "{} do not add up; take the usage by billing dimension, or filter by one billing \
                    dimension",
                    units.join(" and ")
                )
            }
        };
        Err(Error::input("usage", &Source::Code, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_never_mixed() {
        let mut tally = Tally::default();
        assert!(tally.single().unwrap_err().is_input());
        tally.add("1.5".parse().unwrap(), &Unit::GbSeconds);
        tally.add("2".parse().unwrap(), &Unit::GbSeconds);
        assert_eq!(tally.single().unwrap().to_string(), "3.5 gbs");
        tally.add("7".parse().unwrap(), &Unit::Count);
        let error = tally.single().unwrap_err().to_string();
        assert!(error.contains("gbs and count"), "{error}");
        assert_eq!(tally.units().len(), 2);
    }
}
