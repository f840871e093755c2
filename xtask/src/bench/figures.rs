//! Figures, one a line as the benchmarks print them: subject, measure, value and, after several
//! rounds, the least value, separated by tabs.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// Values and the texts of their cells by `subject measure`; reasons by `absent measure`.
pub(super) struct Figures(BTreeMap<String, Result<(f64, String), String>>);

impl Figures {
    /// Reads the output of benchmarks. Lines without a tab are not figures.
    pub(super) fn parse(output: &str) -> Result<Self> {
        let mut figures = BTreeMap::new();
        for line in output.lines().filter(|line| line.contains('\t')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let numbers = fields.iter().skip(2).flat_map(|field| field.parse());
            let numbers: Vec<f64> = numbers.filter(|one| (0.0..1e18).contains(one)).collect();
            let figure = match (&fields[..], &numbers[..]) {
                (["absent", _, reason], _) => Err((*reason).to_owned()),
                ([_, _, _], [value]) => Ok((*value, written(*value))),
                ([_, _, _, _], [value, least]) => {
                    Ok((*value, written(*value) + " (" + &written(*least) + ")"))
                }
                _ => bail!("cannot read the figure `{line}`: expected one or two numbers from 0"),
            };
            figures.insert(fields[..2].join(" "), figure);
        }
        Ok(Self(figures))
    }

    /// Returns the figure of `subject measure`, or the reason for which the measure is absent.
    pub(super) fn get(&self, key: &str) -> Result<&Result<(f64, String), String>> {
        let absent = format!("absent {}", key.rsplit(' ').next().unwrap_or(key));
        let found = self.0.get(key).or_else(|| self.0.get(&absent));
        found.with_context(|| format!("the benchmarks printed no figure `{key}`"))
    }

    /// Returns two values, or the reason for which one is absent.
    pub(super) fn pair(&self, one: &str, other: &str) -> Result<Result<(f64, f64), &str>> {
        Ok(match (self.get(one)?, self.get(other)?) {
            (Ok((one, _)), Ok((other, _))) => Ok((*one, *other)),
            (Err(reason), _) | (_, Err(reason)) => Err(reason),
        })
    }
}

/// Writes a number as `12,345`, and as `7.5` if it is small and not whole.
pub(super) fn written(value: f64) -> String {
    if value < 1000.0 && (value - value.round()).abs() > 0.049 {
        return format!("{value:.1}");
    }
    let mut digits = format!("{value:.0}");
    for at in (1..digits.len()).rev().skip(2).step_by(3) {
        digits.insert(at, ',');
    }
    digits
}
