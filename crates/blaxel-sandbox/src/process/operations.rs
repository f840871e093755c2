//! The calls for processes that exist.

use blaxel_core::{
    Body, CallOptions, Error, Idempotency, OperationInfo, Plane, RequestWriter, response,
};
use bytes::Bytes;
use http::Method;
#[cfg(feature = "wait")]
use http::header::ACCEPT;
use http::header::HeaderValue;
use serde::Deserialize;

use super::info::{ProcessInfo, ProcessLogs};
use crate::remote::DataOperation;

pub(super) const fn described(
    name: &'static str,
    method: Method,
    path: &'static str,
) -> OperationInfo {
    OperationInfo::new(name, method, path).with_plane(Plane::Run)
}

/// Lists the processes.
pub(super) struct ListProcesses;

impl DataOperation for ListProcesses {
    type Output = Vec<ProcessInfo>;
    const INFO: &'static OperationInfo = &described("ListProcesses", Method::GET, "/process");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        let list: Option<Vec<ProcessInfo>> = response::json(response)?;
        Ok(list.unwrap_or_default())
    }
}

/// Reads the state of a process.
pub(super) struct GetProcess<'a>(pub(super) &'a str);

impl DataOperation for GetProcess<'_> {
    type Output = ProcessInfo;
    const INFO: &'static OperationInfo =
        &described("GetProcess", Method::GET, "/process/{identifier}");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(response: &http::Response<Bytes>) -> Result<ProcessInfo, Error> {
        response::json(response)
    }
}

/// Waits on the server for the end of a process, for some seconds.
#[cfg(feature = "wait")]
pub(super) struct WaitForProcess<'a> {
    pub(super) process: &'a str,
    pub(super) seconds: u64,
}

#[cfg(feature = "wait")]
impl DataOperation for WaitForProcess<'_> {
    type Output = ProcessInfo;
    const INFO: &'static OperationInfo =
        &described("WaitForProcess", Method::GET, "/process/{identifier}/wait");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.process])?;
        request.query("timeout", self.seconds);
        Ok(())
    }

    fn read(response: &http::Response<Bytes>) -> Result<ProcessInfo, Error> {
        response::json(response)
    }
}

/// Reads the last part of the output as text.
pub(super) struct GetProcessLogs<'a>(pub(super) &'a str);

impl DataOperation for GetProcessLogs<'_> {
    type Output = ProcessLogs;
    const INFO: &'static OperationInfo =
        &described("GetProcessLogs", Method::GET, "/process/{identifier}/logs");
    // Each stream has up to 4 MiB, is in the response twice, and a byte can take six characters.
    const RESPONSE_LIMIT: usize = 128 * 1024 * 1024;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(response: &http::Response<Bytes>) -> Result<ProcessLogs, Error> {
        response::json(response)
    }
}

/// Streams the output from the start of the process, and then as it is written.
#[cfg(feature = "wait")]
pub(super) struct StreamProcessLogs<'a> {
    pub(super) process: &'a str,
    /// Asks for the text form, which all servers have.
    pub(super) as_text: bool,
}

#[cfg(feature = "wait")]
impl DataOperation for StreamProcessLogs<'_> {
    type Output = ();
    const INFO: &'static OperationInfo = &described(
        "StreamProcessLogs",
        Method::GET,
        "/process/{identifier}/logs/stream",
    )
    .streaming();

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        let accept = if self.as_text {
            "text/plain"
        } else {
            "application/x-ndjson"
        };
        request.header(ACCEPT, accept)?;
        request.path([self.process])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Asks a process to end.
pub(super) struct StopProcess<'a>(pub(super) &'a str);

impl DataOperation for StopProcess<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &described("StopProcess", Method::DELETE, "/process/{identifier}");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Ends a process.
pub(super) struct KillProcess<'a>(pub(super) &'a str);

impl DataOperation for KillProcess<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &described("KillProcess", Method::DELETE, "/process/{identifier}/kill");

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Writes bytes to the standard input.
pub(super) struct WriteProcessStdin<'a> {
    pub(super) process: &'a str,
    pub(super) bytes: Bytes,
    pub(super) options: Option<CallOptions>,
}

impl DataOperation for WriteProcessStdin<'_> {
    type Output = ();
    const INFO: &'static OperationInfo = &described(
        "WriteProcessStdin",
        Method::POST,
        "/process/{identifier}/stdin",
    )
    .with_idempotency(Idempotency::None);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.process])?;
        if let Some(options) = self.options {
            // Bytes that are written twice are read twice.
            request.options(options.with_idempotent(false));
        }
        let octets = HeaderValue::from_static("application/octet-stream");
        request.body(Body::from(self.bytes.clone()), octets);
        Ok(())
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Closes the standard input.
pub(super) struct CloseProcessStdin<'a>(pub(super) &'a str);

impl DataOperation for CloseProcessStdin<'_> {
    type Output = ();
    const INFO: &'static OperationInfo = &described(
        "CloseProcessStdin",
        Method::DELETE,
        "/process/{identifier}/stdin",
    );

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Lists the sockets of a process and its children.
pub(crate) struct ListProcessPorts<'a>(pub(crate) &'a str);

/// The response to [`ListProcessPorts`].
#[derive(Deserialize)]
pub(super) struct Ports<T> {
    #[serde(default = "Option::default")]
    pub(super) ports: Option<Vec<T>>,
}

impl DataOperation for ListProcessPorts<'_> {
    type Output = Vec<super::ports::ProcessPort>;
    const INFO: &'static OperationInfo = &described(
        "ListProcessPorts",
        Method::GET,
        "/network/process/{pid}/ports",
    );

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.0])
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        let ports: Ports<_> = response::json(response)?;
        Ok(ports.ports.unwrap_or_default())
    }
}
