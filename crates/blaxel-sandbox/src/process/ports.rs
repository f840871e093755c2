//! The sockets of a process.

use std::net::IpAddr;

use blaxel_core::__private::lenient;
use serde::{Deserialize, Serialize};

/// A socket of a process or one of its children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProcessPort {
    /// The port.
    pub local_port: u16,
    /// The local address. `*`, `0.0.0.0` and `::` stand for all interfaces.
    #[serde(deserialize_with = "lenient::text")]
    pub local_addr: Option<String>,
    /// The protocol, such as `tcp`.
    #[serde(deserialize_with = "lenient::text")]
    pub protocol: Option<String>,
    /// The state of the socket, such as `LISTEN` or `ESTAB`.
    #[serde(deserialize_with = "lenient::text")]
    pub state: Option<String>,
    /// The PID of the process that has the socket, or 0 if it is unknown.
    #[serde(deserialize_with = "lenient::count")]
    pub pid: u64,
    /// The name of the program that has the socket.
    #[serde(deserialize_with = "lenient::text")]
    pub process_name: Option<String>,
}

impl ProcessPort {
    /// Returns `true` if the port can be reached from outside of the sandbox: the socket waits for connections, and not
    /// only on the loopback interface.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let state = self.state.as_deref().unwrap_or_default();
        let waits = ["", "LISTEN", "UNCONN"];
        let address = self.local_addr.as_deref().unwrap_or_default();
        let address = address.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = address
            .parse::<IpAddr>()
            .map_or(address == "localhost", |address| address.is_loopback());
        waits.iter().any(|wait| state.eq_ignore_ascii_case(wait)) && !is_loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_is_reachable_if_it_listens_on_more_than_loopback() {
        for (state, address, expected) in [
            ("LISTEN", "0.0.0.0", true),
            ("listen", "*", true),
            ("UNCONN", "::", true),
            ("", "10.0.0.4", true),
            ("LISTEN", "127.0.0.1", false),
            ("LISTEN", "::1", false),
            ("LISTEN", "[::1]", false),
            ("ESTAB", "0.0.0.0", false),
        ] {
            let value =
                json!({"localPort": 80, "localAddr": address, "state": state, "remotePort": 1});
            let port: ProcessPort = serde_json::from_value(value).unwrap();
            assert_eq!(port.is_reachable(), expected, "{state} {address}");
        }
    }
}
