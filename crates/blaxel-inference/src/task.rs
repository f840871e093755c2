//! The task of a job execution, read from inside the job.

use std::fmt;

use blaxel_core::__private::{ErrorParts, WithOptions, read_setting};
use blaxel_core::{
    CallOptions, Error, HttpService, Operation, OperationInfo, Plane, RequestWriter, Secret,
    Source, call, response,
};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const DATA_URL: &str = "BL_EXECUTION_DATA_URL";

/// The names of variables: `key` may name the variable of a value (`default` if it is unset), and `prefix` the
/// variable with a prefix of that value.
pub(crate) struct VariableNames {
    key: &'static str,
    pub(crate) default: &'static str,
    prefix: &'static str,
}

pub(crate) const TASK_INDEX: VariableNames = VariableNames {
    key: "BL_TASK_KEY",
    default: "TASK_INDEX",
    prefix: "BL_TASK_PREFIX",
};
pub(crate) const EXECUTION_ID: VariableNames = VariableNames {
    key: "BL_EXECUTION_KEY",
    default: "BL_EXECUTION_ID",
    prefix: "BL_EXECUTION_PREFIX",
};

/// The task that this process executes. It is obtained from
/// [`Inference::task`](crate::Inference::task).
#[derive(Clone)]
pub struct JobTask<S> {
    service: S,
    index: usize,
    execution: Option<String>,
    /// A presigned address, which grants access to the tasks.
    data_url: Secret,
    options: Option<CallOptions>,
}

impl<S: HttpService> JobTask<S> {
    pub(crate) fn find(
        service: S,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        let Some(data_url) = setting(&variables, DATA_URL)? else {
            return Ok(None);
        };
        let index = task_index(&variables)?;
        let index = index.map_err(|unset| Error::input("task index", &unset, "it is not set"))?;
        Ok(Some(Self {
            service,
            index,
            execution: execution_id(&variables)?,
            data_url: Secret::new(data_url),
            options: None,
        }))
    }

    /// Returns the index of the task in the execution, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the id of the execution, if the platform has set it.
    #[must_use]
    pub fn execution(&self) -> Option<&str> {
        self.execution.as_deref()
    }

    /// Sets the options of the requests of this task. They replace those of the client. By default the client's
    /// apply.
    ///
    /// ```
    /// # use blaxel_core::{Error, HttpService};
    /// # fn example(task: blaxel_inference::JobTask<impl HttpService>) {
    /// use std::time::Duration;
    /// use blaxel_core::CallOptions;
    ///
    /// let task = task.options(CallOptions::new().with_deadline(Duration::from_secs(60)));
    /// # }
    /// ```
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Reads the arguments of this task, as given when the execution was created (`GET` of the address in
    /// `BL_EXECUTION_DATA_URL`).
    ///
    /// The address is presigned, so no credential is sent there. The request is a read, so a client that
    /// retries reads, such as `blaxel_transport::Client`, retries this one too. The document with all tasks
    /// may have up to 256 MiB. The arguments of an execution that was created without tasks are `{}`. See
    /// [`Inference::task`](crate::Inference::task) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the address is malformed; the storage's own error, for instance if the address
    /// has expired; [`Error::is_decode`] if there is no task with this index, or if its arguments are not the
    /// expected JSON.
    pub async fn arguments<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let operation = GetTasks {
            url: self.data_url.expose(),
        };
        let in_operation = |error: Error| error.in_operation(Some(GetTasks::INFO));
        let service = WithOptions::new(self.service.clone(), self.options);
        let mut tasks = call(&service, &operation).await?;
        if tasks.is_empty() && self.index == 0 {
            tasks.push(Value::Object(Map::new()));
        }
        let (index, count) = (self.index, tasks.len());
        if index >= count {
            let message = format!("there is no task {index} among the {count} of the execution");
            return Err(in_operation(Error::decode(message)));
        }
        serde_json::from_value(tasks.swap_remove(index)).map_err(|problem| {
            let message = format!("the arguments of task {index} are not the expected JSON");
            in_operation(Error::decode(message).caused_by(problem))
        })
    }
}

/// Returns the index of the task; or the variable that should have it, if that is unset.
pub(crate) fn task_index(
    variables: impl Fn(&str) -> Option<String>,
) -> Result<Result<usize, Source>, Error> {
    let (variable, index) = TASK_INDEX.read(variables)?;
    let source = Source::variable(variable);
    match index {
        None => Ok(Err(source)),
        Some(index) => match index.parse() {
            Ok(index) => Ok(Ok(index)),
            Err(problem) => Err(Error::input("task index", &source, problem)),
        },
    }
}

/// Returns the id of the execution, if it is set.
pub(crate) fn execution_id(
    variables: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, Error> {
    Ok(EXECUTION_ID.read(variables)?.1)
}

/// Returns the value of a variable, unless it is unset or empty.
fn setting(
    variables: impl Fn(&str) -> Option<String>,
    name: &str,
) -> Result<Option<String>, Error> {
    let Some(text) = variables(name) else {
        return Ok(None);
    };
    match read_setting(&text) {
        Ok(value) => Ok(value.map(str::to_owned)),
        Err(problem) => {
            let source = Source::variable(name.to_owned());
            Err(Error::input("value", &source, problem))
        }
    }
}

impl VariableNames {
    /// Returns the name of the variable, and its value without the prefix.
    fn read(
        &self,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<(String, Option<String>), Error> {
        let set = |name: &str| setting(&variables, name);
        let variable = set(self.key)?.unwrap_or_else(|| self.default.to_owned());
        let prefix = set(self.prefix)?.unwrap_or_default();
        let value = set(&variable)?.map(|value| match value.strip_prefix(&prefix) {
            Some(rest) => rest.to_owned(),
            None => value,
        });
        Ok((variable, value))
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
            tasks: Option<Vec<Value>>,
        }

        let execution: Execution = response::json(response)?;
        Ok(execution.tasks.unwrap_or_default())
    }
}
