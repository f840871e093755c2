//! [`Workload`], the name of an agent, a function or a model.

use std::fmt;
use std::str::FromStr;

use crate::state::{AGENTS, FUNCTIONS, Kind, MODELS, rule};

/// The name of an agent, a function or a model.
///
/// The text form is `agents/support-bot`, `functions/search` or `models/gpt-4o-mini`. Parsing also
/// accepts the collection in the singular, and a bare name as the name of an agent.
///
/// ```
/// use blaxel_emulator::Workload;
///
/// assert_eq!("support-bot".parse(), Ok(Workload::agent("support-bot")));
/// assert_eq!("model/gpt-4o-mini".parse(), Ok(Workload::model("gpt-4o-mini")));
/// assert_eq!(Workload::function("search").to_string(), "functions/search");
/// assert_eq!(Workload::function("search").name(), "search");
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

    /// Returns the type of the workloads in a collection such as `agents`.
    fn of(collection: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|workload_type| workload_type.kind().path == collection)
    }
}

impl Workload {
    /// Names an agent. See [`Workload`] for an example.
    #[must_use]
    pub fn agent(name: impl Into<String>) -> Self {
        let (workload_type, name) = (WorkloadType::Agent, name.into());
        Self {
            workload_type,
            name,
        }
    }

    /// Names a function, which is an MCP server. See [`Workload`] for an example.
    #[must_use]
    pub fn function(name: impl Into<String>) -> Self {
        let (workload_type, name) = (WorkloadType::Function, name.into());
        Self {
            workload_type,
            name,
        }
    }

    /// Names a model. See [`Workload`] for an example.
    #[must_use]
    pub fn model(name: impl Into<String>) -> Self {
        let (workload_type, name) = (WorkloadType::Model, name.into());
        Self {
            workload_type,
            name,
        }
    }

    /// Returns the name alone, such as `support-bot`. See [`Workload`] for an example.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the workload of that name in a collection such as `agents`, or `None` if the
    /// resources of the collection are not workloads of this type.
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

/// The error for text that does not name a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidWorkload(String);

impl fmt::Display for InvalidWorkload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid workload `{}`: expected a name such as `agents/support-bot`",
            self.0
        )
    }
}

impl std::error::Error for InvalidWorkload {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_parses_from_its_own_text_form() {
        for workload in [
            Workload::agent("a-1"),
            Workload::function("a-1"),
            Workload::model("a-1"),
        ] {
            assert_eq!(workload.to_string().parse(), Ok(workload));
        }
    }

    #[test]
    fn text_that_names_no_workload_is_rejected() {
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
