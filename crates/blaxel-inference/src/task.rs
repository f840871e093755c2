//! Inside a job: the task that a process was started for.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{
    Error, HttpService, Operation, OperationInfo, Plane, RequestWriter, Secret, Source, call,
    response,
};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::chat::nothing_for_null;

const DATA_URL: &str = "BL_EXECUTION_DATA_URL";

/// A text of a variable that another variable may name, and may say a prefix of.
struct Named {
    key: &'static str,
    default: &'static str,
    prefix: &'static str,
}

const TASK_INDEX: Named = Named {
    key: "BL_TASK_KEY",
    default: "TASK_INDEX",
    prefix: "BL_TASK_PREFIX",
};
const EXECUTION_ID: Named = Named {
    key: "BL_EXECUTION_KEY",
    default: "BL_EXECUTION_ID",
    prefix: "BL_EXECUTION_PREFIX",
};

/// The task of a job that this process was started for. It is got from
/// [`Inference::task`](crate::Inference::task).
#[derive(Clone)]
pub struct JobTask<S> {
    service: S,
    index: usize,
    execution: Option<String>,
    /// Whoever has this address can read the tasks.
    data_url: Secret,
}

impl<S: HttpService> JobTask<S> {
    pub(crate) fn find(
        service: S,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        let set = |name: &str| variables(name).filter(|value| !value.trim().is_empty());
        let Some(data_url) = set(DATA_URL) else {
            return Ok(None);
        };
        let (variable, index) = TASK_INDEX.read(set);
        let source = Source::variable(variable);
        let index = index.ok_or_else(|| Error::input("task index", &source, "it is not set"))?;
        let index = index
            .parse()
            .map_err(|problem| Error::input("task index", &source, problem))?;
        Ok(Some(Self {
            service,
            index,
            execution: EXECUTION_ID.read(set).1,
            data_url: Secret::from(data_url.trim()),
        }))
    }

    /// Which task of the execution it is, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The id of the execution, if the platform told it.
    #[must_use]
    pub fn execution(&self) -> Option<&str> {
        self.execution.as_deref()
    }

    /// Reads the arguments that the execution was created with for this task. `GET` of the address in
    /// `BL_EXECUTION_DATA_URL`.
    ///
    /// The address points to a storage and is its own permission, so no credential is sent there. A
    /// storage fails now and then; a client that tries reads again, as `blaxel_transport::Client` does,
    /// tries this one too.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the address is unusable; the storage's own error, for an address that has
    /// expired for instance; [`Error::is_decode`] if there is no task of this index, or it is not what
    /// was expected.
    pub async fn arguments<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let operation = GetTasks {
            url: self.data_url.expose(),
        };
        let in_operation = |error: Error| error.in_operation(Some(GetTasks::INFO));
        let mut tasks = call(&self.service, &operation).await?;
        let (index, count) = (self.index, tasks.len());
        if index >= count {
            let message = format!("there is no task {index} among the {count} of the execution");
            return Err(in_operation(Error::decode(message)));
        }
        serde_json::from_value(tasks.swap_remove(index)).map_err(|problem| {
            let message = format!("the arguments of task {index} are not what was expected");
            in_operation(Error::decode(message).caused_by(problem))
        })
    }
}

impl Named {
    /// The name of the variable, and its text without the prefix.
    fn read(&self, set: impl Fn(&str) -> Option<String>) -> (String, Option<String>) {
        let variable = set(self.key).unwrap_or_else(|| self.default.to_owned());
        let value = set(&variable).map(|value| {
            let value = value.trim();
            let prefix = set(self.prefix).unwrap_or_default();
            value
                .strip_prefix(prefix.trim())
                .unwrap_or(value)
                .to_owned()
        });
        (variable, value)
    }
}

impl<S> fmt::Debug for JobTask<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobTask")
            .field("index", &self.index)
            .field("execution", &self.execution)
            .finish_non_exhaustive()
    }
}

struct GetTasks<'a> {
    url: &'a str,
}

impl Operation for GetTasks<'_> {
    type Output = Vec<Value>;
    const INFO: &'static OperationInfo =
        &OperationInfo::new("GetTasks", Method::GET, "/{tasks}").with_plane(Plane::Presigned);
    // Executions have thousands of tasks, all in one document.
    const RESPONSE_LIMIT: usize = 256 * 1024 * 1024;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.presigned(self.url, &Source::variable(DATA_URL))
    }

    fn read(response: &http::Response<Bytes>) -> Result<Vec<Value>, Error> {
        #[derive(Deserialize)]
        struct Execution {
            #[serde(default, deserialize_with = "nothing_for_null")]
            tasks: Vec<Value>,
        }

        let execution: Execution = response::json(response)?;
        Ok(execution.tasks)
    }
}
