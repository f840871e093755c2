//! Export of reports as CSV and JSON.

use std::io::{self, Write};

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::{Breakdown, Report, Row};
use crate::usage::{Quantity, Unit};

/// The level of detail of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// A line per group, with its cost in the window.
    Totals,
    /// A line per group and step.
    Steps,
}

impl Report {
    /// Writes the report as CSV: a header, then a line per group, or per group and step.
    ///
    /// The columns are the labels that any group has, then `timestamp` for [`Detail::Steps`], then `cost`,
    /// and `usage` and `unit` if usage is reported. Amounts are exact decimals with a point. Fields are
    /// quoted as in RFC 4180, and lines end in CRLF.
    ///
    /// ```no_run
    /// # fn example(report: &blaxel_billing::Report) -> std::io::Result<()> {
    /// use blaxel_billing::Detail;
    /// use std::fs::File;
    ///
    /// report.write_csv(File::create("april.csv")?, Detail::Steps)?;
    /// report.write_json(File::create("april.json")?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_csv(&self, to: impl Write, detail: Detail) -> io::Result<()> {
        let mut csv = Csv(to);
        let labels = self.label_names();
        let has_usage = self.rows.iter().any(|row| row.usage.is_some());
        let mut header: Vec<&str> = labels.clone();
        if detail == Detail::Steps {
            header.push("timestamp");
        }
        header.push("cost");
        if has_usage {
            header.extend(["usage", "unit"]);
        }
        csv.line(&header)?;
        for row in &self.rows {
            let values: Vec<&str> = labels.iter().map(|name| row.label(name)).collect();
            let unit = row.usage().map(|usage| usage.unit);
            let mut line = |step: Option<&str>, cost: String, usage: Option<Quantity>| {
                let usage = usage.map(|usage| usage.to_string()).unwrap_or_default();
                let mut fields = values.clone();
                fields.extend(step);
                fields.push(&cost);
                if has_usage {
                    fields.extend([usage.as_str(), unit.as_ref().map_or("", Unit::as_str)]);
                }
                csv.line(&fields)
            };
            match detail {
                Detail::Totals => line(None, exact(row.cost), row.usage)?,
                Detail::Steps => {
                    let usages = row.usages.iter().copied().map(Some);
                    let usages = usages.chain(std::iter::repeat(None));
                    for ((step, cost), usage) in self.steps.iter().zip(&row.costs).zip(usages) {
                        line(Some(step.as_str()), exact(*cost), usage)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the report as JSON, as its [`Serialize`] implementation does: the steps once, and for each
    /// group its labels and one number per step. Amounts are strings, which no reader rounds. See
    /// [`write_csv`](Self::write_csv) for an example.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_json(&self, to: impl Write) -> io::Result<()> {
        serde_json::to_writer(to, self).map_err(io::Error::from)
    }

    /// Returns the names of the labels that any group has, in the order of the API's dimensions.
    fn label_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for known in [
            "workspace",
            "resourceType",
            "resourceName",
            "resourceUuid",
            "billingDimension",
        ] {
            if self.rows.iter().any(|row| !row.label(known).is_empty()) {
                names.push(known);
            }
        }
        let others = self.rows.iter().flat_map(|row| row.labels.others.keys());
        let mut others: Vec<&str> = others.map(String::as_str).collect();
        others.sort_unstable();
        others.dedup();
        names.extend(others);
        names
    }
}

impl Breakdown {
    /// Writes the breakdown as CSV: a header, then a line per entry with its label and cost, or per
    /// entry and step. The label of [`Label::Unnamed`](super::Label::Unnamed) is empty. See
    /// [`Report::write_csv`] for an example.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_csv(&self, to: impl Write, detail: Detail) -> io::Result<()> {
        let mut csv = Csv(to);
        match detail {
            Detail::Totals => csv.line(&["label", "cost"])?,
            Detail::Steps => csv.line(&["label", "timestamp", "cost"])?,
        }
        for entry in self.entries() {
            let label = match entry.label() {
                super::Label::Unnamed => String::new(),
                label => label.to_string(),
            };
            match detail {
                Detail::Totals => csv.line(&[&label, &exact(entry.cost())])?,
                Detail::Steps => {
                    for (step, cost) in self.steps().iter().zip(entry.costs()) {
                        csv.line(&[&label, step.as_str(), &exact(*cost)])?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Row {
    fn label(&self, name: &str) -> &str {
        let mut labels = self.labels.iter();
        labels
            .find(|(member, _)| *member == name)
            .map_or("", |(_, value)| value)
    }
}

fn exact(cost: crate::Usd) -> String {
    crate::decimal::Exact(cost.billionths()).to_string()
}

/// Comma-separated values. The format is a single rule of quoting, too little for a dependency.
struct Csv<W>(W);

impl<W: Write> Csv<W> {
    fn line(&mut self, fields: &[&str]) -> io::Result<()> {
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                self.0.write_all(b",")?;
            }
            if field.contains(['"', ',', '\r', '\n']) {
                write!(self.0, "\"{}\"", field.replace('"', "\"\""))?;
            } else {
                self.0.write_all(field.as_bytes())?;
            }
        }
        self.0.write_all(b"\r\n")
    }
}

impl Serialize for Report {
    /// Serializes as `{window, resolution, groupBy, total, steps, rows}`. Each row has its labels, `cost`
    /// and `costs`, and `usage`, `unit` and `usages` if usage is reported.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Report", 6)?;
        object.serialize_field("window", &self.window)?;
        object.serialize_field("resolution", &self.resolution)?;
        object.serialize_field("groupBy", &self.grouping)?;
        object.serialize_field("total", &self.total)?;
        object.serialize_field("steps", &self.steps)?;
        object.serialize_field("rows", &Rows(&self.rows))?;
        object.end()
    }
}

struct Rows<'a>(&'a [Row]);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Plain<'a> {
            #[serde(flatten)]
            labels: &'a crate::Labels,
            cost: crate::Usd,
            #[serde(flatten)]
            usage: Option<Used<'a>>,
            costs: &'a [crate::Usd],
        }
        #[derive(Serialize)]
        struct Used<'a> {
            usage: Quantity,
            unit: Unit,
            usages: &'a [Quantity],
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for row in self.0 {
            let usage = row.usage().map(|usage| Used {
                usage: usage.quantity,
                unit: usage.unit,
                usages: &row.usages,
            });
            list.serialize_element(&Plain {
                labels: &row.labels,
                cost: row.cost,
                usage,
                costs: &row.costs,
            })?;
        }
        list.end()
    }
}
