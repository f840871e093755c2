//! The call that starts a process, in its two forms.

use std::collections::BTreeMap;

use blaxel_core::{CallOptions, Error, OperationInfo, RequestWriter, response};
use bytes::Bytes;
use http::Method;
use http::header::ACCEPT;
use serde::Serialize;

use super::info::ProcessInfo;
use super::operations::described;
use crate::remote::DataOperation;

/// The body of `POST /process`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProcessRequest {
    pub(super) command: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) working_dir: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) restart_on_failure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_restarts: Option<i64>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) keep_alive: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) stdin: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Starts a process, and does not wait for its end.
pub(super) struct StartProcess<'a> {
    pub(super) request: &'a ProcessRequest,
    pub(super) options: Option<CallOptions>,
}

/// Starts a process, and streams a copy of its output until its end.
pub(super) struct ExecuteProcess<'a> {
    pub(super) request: &'a ProcessRequest,
    pub(super) options: Option<CallOptions>,
}

fn write_start(
    writer: &mut RequestWriter,
    request: &ProcessRequest,
    options: Option<CallOptions>,
) -> Result<(), Error> {
    writer.path([])?;
    if let Some(options) = options {
        // A start is never repeated, whatever the options of other calls say.
        writer.options(options.with_idempotent(false));
    }
    writer.json(request)
}

impl DataOperation for StartProcess<'_> {
    type Output = ProcessInfo;
    const INFO: &'static OperationInfo = &described("StartProcess", Method::POST, "/process");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.header(ACCEPT, "application/json")?;
        write_start(request, self.request, self.options)
    }

    fn read(response: &http::Response<Bytes>) -> Result<ProcessInfo, Error> {
        response::json(response)
    }
}

impl DataOperation for ExecuteProcess<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &described("ExecuteProcess", Method::POST, "/process").streaming();

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        // All servers answer this with JSON lines, and old ones only this.
        request.header(ACCEPT, "text/event-stream")?;
        write_start(request, self.request, self.options)
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
