//! Which workload is meant.

use std::fmt;
use std::str::FromStr;

use crate::state::{AGENTS, FUNCTIONS, Kind, MODELS, rule};

/// An agent, a function or a model, by its name.
///
/// Written as text it is `agents/support-bot`, `functions/search` or `models/gpt-4o-mini`. Text is also
/// read with the collection in the singular, and a name alone is that of an agent.
///
/// ```
/// use blaxel_emulator::Workload;
///
/// assert_eq!("support-bot".parse(), Ok(Workload::agent("support-bot")));
/// assert_eq!("model/gpt-4o-mini".parse(), Ok(Workload::model("gpt-4o-mini")));
/// assert_eq!(Workload::function("search").to_string(), "functions/search");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    workload_type: WorkloadType,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum WorkloadType {
    Agent,
    Function,
    Model,
}

impl WorkloadType {
    const ALL: [Self; 3] = [Self::Agent, Self::Function, Self::Model];

    fn kind(self) -> &'static Kind {
        match self {
            Self::Agent => &AGENTS,
            Self::Function => &FUNCTIONS,
            Self::Model => &MODELS,
        }
    }

    /// What is kept under a name such as `agents`.
    fn of(collection: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|workload_type| workload_type.kind().path == collection)
    }
}

impl Workload {
    /// An agent.
    #[must_use]
    pub fn agent(name: impl Into<String>) -> Self {
        let (workload_type, name) = (WorkloadType::Agent, name.into());
        Self {
            workload_type,
            name,
        }
    }

    /// A function, which is an MCP server.
    #[must_use]
    pub fn function(name: impl Into<String>) -> Self {
        let (workload_type, name) = (WorkloadType::Function, name.into());
        Self {
            workload_type,
            name,
        }
    }

    /// A model.
    #[must_use]
    pub fn model(name: impl Into<String>) -> Self {
        let (workload_type, name) = (WorkloadType::Model, name.into());
        Self {
            workload_type,
            name,
        }
    }

    /// Its name, such as `support-bot`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The workload of a collection such as `agents`; `None` if those are called otherwise or not at
    /// all.
    pub(crate) fn of(collection: &str, name: &str) -> Option<Self> {
        let name = name.to_owned();
        WorkloadType::of(collection).map(|workload_type| Self {
            workload_type,
            name,
        })
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        self.workload_type.kind()
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind().path, self.name)
    }
}

impl FromStr for Workload {
    type Err = InvalidWorkload;

    fn from_str(text: &str) -> Result<Self, InvalidWorkload> {
        let invalid = || InvalidWorkload(text.to_owned());
        let (workload_type, name) = match text.split_once('/') {
            None => (WorkloadType::Agent, text),
            Some((collection, name)) => {
                let plural = format!("{collection}s");
                let workload_type =
                    WorkloadType::of(collection).or_else(|| WorkloadType::of(&plural));
                (workload_type.ok_or_else(invalid)?, name)
            }
        };
        rule::name(name, "name").map_err(|_| invalid())?;
        let name = name.to_owned();
        Ok(Self {
            workload_type,
            name,
        })
    }
}

/// Text that names no workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidWorkload(String);

impl fmt::Display for InvalidWorkload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not the name of a workload, such as `agents/support-bot`",
            self.0
        )
    }
}

impl std::error::Error for InvalidWorkload {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_read_as_it_is_written() {
        for workload in [
            Workload::agent("a-1"),
            Workload::function("a-1"),
            Workload::model("a-1"),
        ] {
            assert_eq!(workload.to_string().parse(), Ok(workload));
        }
    }

    #[test]
    fn what_is_no_workload_is_refused() {
        for text in [
            "",
            "A",
            "agents/",
            "agents/A b",
            "jobs/j",
            "/a",
            "agents/a/b",
            "agentss/a",
        ] {
            assert!(text.parse::<Workload>().is_err(), "{text}");
        }
    }
}
