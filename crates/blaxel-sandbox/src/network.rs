//! The network of a sandbox: the ports of its processes, and its tunnel.

mod tunnel;

use std::fmt;

use blaxel_core::{Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
use bytes::Bytes;
use http::Method;
use serde::Serialize;

pub use self::tunnel::TunnelConfig;
use crate::process::{ListProcessPorts, ProcessPort};
use crate::remote::{DataOperation, Remote};
use crate::sandbox::SandboxHandle;

/// The network of a sandbox. [`SandboxHandle::network`] returns it.
#[derive(Clone)]
pub struct Network<S> {
    remote: Remote<S>,
}

impl<S: HttpService> SandboxHandle<S> {
    /// Returns a handle on the network of the sandbox.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// for port in sandbox.network().ports(42).await? {
    ///     println!("{} {:?}", port.local_port, port.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn network(&self) -> Network<S> {
        Network {
            remote: self.remote().clone(),
        }
    }
}

impl<S: HttpService> Network<S> {
    /// Returns the sockets of the process `pid` and of its descendants (`GET /network/process/{pid}/ports`).
    ///
    /// [`Process::ports`](crate::Process::ports) does the same for a process with a handle.
    ///
    /// A process that does not exist has no ports; that is not an error.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn ports(&self, pid: u32) -> Result<Vec<ProcessPort>, Error> {
        let pid = pid.to_string();
        self.remote.call(&ListProcessPorts(&pid)).await
    }

    /// Reports each port that the process `pid` opens from now on to an address
    /// (`POST /network/process/{pid}/monitor`).
    ///
    /// The sandbox sends a `POST` with the JSON `{"pid": 42, "port": 3000}` to `callback_url`, once for each port.
    /// It does not repeat a failed one. Each call adds an address; [`stop_monitor`](Self::stop_monitor) removes
    /// all of them.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the address is not an `http` or `https` URL; otherwise the error of the call.
    pub async fn monitor(&self, pid: u32, callback_url: &str) -> Result<(), Error> {
        let callback = callback_url;
        self.remote.call(&MonitorPorts { pid, callback }).await
    }

    /// Ends the reports of [`monitor`](Self::monitor) for the process `pid`
    /// (`DELETE /network/process/{pid}/monitor`).
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn stop_monitor(&self, pid: u32) -> Result<(), Error> {
        self.remote.call(&StopMonitoringPorts { pid }).await
    }

    /// Connects the sandbox to a `WireGuard` tunnel, which replaces an existing one
    /// (`PUT /network/tunnel/config`). The configuration cannot be read back.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use blaxel_sandbox::network::TunnelConfig;
    ///
    /// let private_key = std::env::var("TUNNEL_KEY").unwrap_or_default();
    /// let peer_key = "hIA3ikjlSOAo0qqrI+rXaS3ZH04nx7Q2YQ4m2Syzkzc=";
    /// let config = TunnelConfig::new("10.0.0.1/32", "192.0.2.7:51820", peer_key, private_key);
    /// sandbox.network().connect_tunnel(&config).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an address or key that is malformed; otherwise the error of the call: 422 for a
    /// configuration that the server refuses, 500 if it cannot be applied.
    pub async fn connect_tunnel(&self, config: &TunnelConfig) -> Result<(), Error> {
        self.remote.call(&ConnectTunnel { config }).await
    }

    /// Disconnects the tunnel (`DELETE /network/tunnel`).
    ///
    /// The sandbox then has no outgoing connections any more, until a tunnel is connected again. Incoming ones
    /// continue to work.
    ///
    /// # Errors
    ///
    /// The error of the call: 400 if there is no tunnel.
    pub async fn disconnect_tunnel(&self) -> Result<(), Error> {
        self.remote.call(&DisconnectTunnel).await
    }
}

impl<S> fmt::Debug for Network<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.remote).finish()
    }
}

/// Monitors the ports of a process: `POST /network/process/{pid}/monitor`.
struct MonitorPorts<'a> {
    pid: u32,
    callback: &'a str,
}

impl DataOperation for MonitorPorts<'_> {
    type Output = ();
    // A second request adds the address a second time.
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "MonitorPorts",
        Method::POST,
        "/network/process/{pid}/monitor",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            callback: &'a str,
        }
        check_callback(self.callback)?;
        request.path([self.pid.to_string().as_str()])?;
        request.json(&Body {
            callback: self.callback,
        })
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Checks that an address is an `http` or `https` URL. The error does not show it: it may contain a secret.
fn check_callback(url: &str) -> Result<(), Error> {
    let uri: Option<http::Uri> = url.parse().ok();
    let is_web = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    if is_web {
        Ok(())
    } else {
        let problem = "it is not an http or https URL";
        Err(Error::input("callback URL", &Source::Code, problem))
    }
}

/// Ends the monitoring of a process: `DELETE /network/process/{pid}/monitor`.
struct StopMonitoringPorts {
    pid: u32,
}

impl DataOperation for StopMonitoringPorts {
    type Output = ();
    const INFO: &'static OperationInfo = &OperationInfo::new(
        "StopMonitoringPorts",
        Method::DELETE,
        "/network/process/{pid}/monitor",
    )
    .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.pid.to_string().as_str()])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Connects a tunnel: `PUT /network/tunnel/config`.
struct ConnectTunnel<'a> {
    config: &'a TunnelConfig,
}

impl DataOperation for ConnectTunnel<'_> {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("ConnectTunnel", Method::PUT, "/network/tunnel/config")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            config: &'a str,
        }
        let config = self.config.encode()?;
        request.path([])?;
        request.json(&Body {
            config: config.expose(),
        })
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// Disconnects the tunnel: `DELETE /network/tunnel`.
struct DisconnectTunnel;

impl DataOperation for DisconnectTunnel {
    type Output = ();
    const INFO: &'static OperationInfo =
        &OperationInfo::new("DisconnectTunnel", Method::DELETE, "/network/tunnel")
            .with_plane(Plane::Run);

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([])
    }

    fn read(_: &http::Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}
