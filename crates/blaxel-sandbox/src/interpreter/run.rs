//! The builder of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use blaxel_core::__private::decoded;
use blaxel_core::{CallOptions, Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
use bytes::Bytes;
use http::Method;
use serde::Serialize;

use super::CodeInterpreter;
use super::execution::Execution;
use super::records::Decoder;
use super::stream::ExecutionStream;
use crate::remote::DataOperation;

/// A run of code, before it is sent. [`CodeInterpreter::run`] returns it.
#[must_use = "nothing is sent before `output` or `stream` is called"]
pub struct Run<S> {
    interpreter: CodeInterpreter<S>,
    request: Request,
    idle_timeout: Option<Duration>,
    #[cfg(feature = "wait")]
    timeout: Option<Duration>,
    max_output: usize,
}

/// The body of the request.
#[derive(Serialize)]
struct Request {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env_vars: BTreeMap<String, String>,
}

impl<S: HttpService> Run<S> {
    pub(super) fn new(interpreter: CodeInterpreter<S>, code: String) -> Self {
        Self {
            interpreter,
            request: Request {
                code,
                context_id: None,
                language: None,
                env_vars: BTreeMap::new(),
            },
            idle_timeout: None,
            #[cfg(feature = "wait")]
            timeout: None,
            max_output: 32 * 1024 * 1024,
        }
    }

    /// Sets the language. The code runs in the context that all runs of this language without a context share. The
    /// default is `python`.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.request.language = Some(language.into());
        self
    }

    /// Sets the id of the context, which has a language already. By default it is the one of the
    /// [language](Self::language).
    pub fn context(mut self, id: impl Into<String>) -> Self {
        self.request.context_id = Some(id.into());
        self
    }

    /// Adds an environment variable for this run.
    ///
    /// The server puts the value between single quotes of the language, without escaping it. So a value with a quote, a
    /// backslash or a line break is refused.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.env_vars.insert(name.into(), value.into());
        self
    }

    /// Sets the time limit on the silence between two events. [`Duration::MAX`] sets none, for code that prints nothing
    /// for a long time. By default the limit of the client applies, 120 seconds for `blaxel_transport::Client`.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Sets the time limit on the whole run, for [`output`](Self::output). The code continues to run after it; restart
    /// the context to end it. By default there is no limit.
    #[cfg(feature = "wait")]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets the maximum size of everything that the code prints and displays, in bytes, for [`output`](Self::output).
    /// The default is 32 MiB. [`stream`](Self::stream) has no limit.
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Runs the code, and returns everything that it printed, displayed and ended with. A failure of the code is not an
    /// error: it is in [`Execution::error`].
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if both a language and a context are set, and for an environment variable that cannot be
    /// sent; [`Error::is_not_found`] if there is no such context; [`Error::is_truncated`] if the response or the
    /// connection to the kernel ends before the run does; [`Error::is_timeout`] after a time limit;
    /// [`Error::is_decode`] if the output is larger than the limit; otherwise the error of the call. If
    /// [`Error::maybe_applied`] is `true`, the code may have run, or may still run.
    pub async fn output(self) -> Result<Execution, Error> {
        let limit = self.max_output;
        #[cfg(feature = "wait")]
        if let Some(time) = self.timeout {
            return in_time(time, async {
                Execution::read(self.stream().await?, limit).await
            })
            .await;
        }
        Execution::read(self.stream().await?, limit).await
    }

    /// Runs the code, and returns its events as they arrive.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(interpreter: blaxel_sandbox::CodeInterpreter<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::interpreter::ExecutionEvent;
    ///
    /// let mut events = interpreter.run("import train").stream().await?;
    /// while let Some(event) = events.try_next().await? {
    ///     match event {
    ///         ExecutionEvent::Stdout(printed) => print!("{}", printed.text),
    ///         ExecutionEvent::Error(error) => eprintln!("{error}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if both a language and a context are set, and for an environment variable that cannot be
    /// sent; [`Error::is_not_found`] if there is no such context; otherwise the error of the call.
    pub async fn stream(self) -> Result<ExecutionStream, Error> {
        let remote = match self.idle_timeout {
            Some(limit) => {
                let options = self.interpreter.remote.options().unwrap_or_default();
                let options: CallOptions = options.with_idle_limit(limit);
                self.interpreter.remote.with_options(options)
            }
            None => self.interpreter.remote.clone(),
        };
        let execute = Execute {
            request: &self.request,
        };
        let patience = self.interpreter.patience;
        let response = patience.call(|| remote.open(&execute)).await?;
        let records = decoded(response, Execute::INFO, Decoder::default(), true);
        Ok(ExecutionStream::new(records))
    }
}

/// Runs a future with a time limit.
#[cfg(feature = "wait")]
async fn in_time<T>(
    limit: Duration,
    run: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    use blaxel_core::__private::{ErrorParts, bounded_wait};

    match tokio::time::timeout(bounded_wait(limit), run).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::timeout("run", limit).in_operation(Some(Execute::INFO))),
    }
}

impl<S> fmt::Debug for Run<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("language", &self.request.language)
            .field("context", &self.request.context_id)
            .finish_non_exhaustive()
    }
}

impl Request {
    fn check(&self) -> Result<(), Error> {
        if self.language.is_some() && self.context_id.is_some() {
            let problem = "a run has a language or a context, not both";
            return Err(Error::input("language", &Source::Code, problem));
        }
        for (name, value) in &self.env_vars {
            let problem = if !is_variable(name) {
                "its name is not that of a variable"
            } else if value.contains(['\'', '\\', '\n', '\r']) {
                "its value contains a quote, a backslash or a line break"
            } else {
                continue;
            };
            return Err(Error::input("environment variable", &Source::Code, problem));
        }
        Ok(())
    }
}

/// Returns `true` for a name that every language accepts.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Runs code: `POST /port/8888/execute`.
struct Execute<'a> {
    request: &'a Request,
}

impl DataOperation for Execute<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ExecuteCode", Method::POST, "/port/8888/execute")
            .with_plane(Plane::Run)
            .streaming();

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.request.check()?;
        request.path([])?;
        request.json(self.request)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
