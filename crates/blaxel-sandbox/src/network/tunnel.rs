//! The configuration of a tunnel.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::{Error, Secret, Source};
use serde::Serialize;

/// The configuration of a `WireGuard` tunnel. Its private key is never printed.
#[derive(Clone)]
#[must_use]
pub struct TunnelConfig {
    local_ip: String,
    peer_endpoint: String,
    peer_public_key: String,
    private_key: Secret,
    mtu: Option<u16>,
    listen_port: Option<u16>,
    interface_name: Option<String>,
    allowed_ips: Vec<String>,
    keepalive: Option<Duration>,
    route_all: bool,
}

/// The JSON that the server reads.
#[derive(Serialize)]
struct Document<'a> {
    local_ip: &'a str,
    peer_endpoint: &'a str,
    peer_public_key: &'a str,
    private_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed_ips: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    persistent_keepalive: Option<u64>,
    route_all: bool,
}

impl TunnelConfig {
    /// Creates a configuration with the defaults of the server.
    ///
    /// `local_ip` is the address of the sandbox in the tunnel, such as `10.0.0.1/32`, and `peer_endpoint` the
    /// address of the peer, such as `192.0.2.7:51820`. The keys have 32 bytes and are encoded in base64.
    pub fn new(
        local_ip: impl Into<String>,
        peer_endpoint: impl Into<String>,
        peer_public_key: impl Into<String>,
        private_key: impl Into<Secret>,
    ) -> Self {
        Self {
            local_ip: local_ip.into(),
            peer_endpoint: peer_endpoint.into(),
            peer_public_key: peer_public_key.into(),
            private_key: private_key.into(),
            mtu: None,
            listen_port: None,
            interface_name: None,
            allowed_ips: Vec::new(),
            keepalive: None,
            route_all: false,
        }
    }

    /// Sets the maximum size of a packet, in bytes, at least 68. The default is 1420.
    pub fn mtu(mut self, bytes: u16) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// Sets the UDP port of the sandbox. The default is 51820.
    pub fn listen_port(mut self, port: u16) -> Self {
        self.listen_port = Some(port);
        self
    }

    /// Sets the name of the network interface. The default is `wg0`.
    pub fn interface_name(mut self, name: impl Into<String>) -> Self {
        self.interface_name = Some(name.into());
        self
    }

    /// Adds a range of addresses that the peer may use, such as `10.0.0.0/24`. The default is `0.0.0.0/0`.
    pub fn allowed_ip(mut self, range: impl Into<String>) -> Self {
        self.allowed_ips.push(range.into());
        self
    }

    /// Sets the interval of packets that keep the tunnel open, in whole seconds. Zero sends none. The default is
    /// 25 seconds.
    pub fn persistent_keepalive(mut self, interval: Duration) -> Self {
        self.keepalive = Some(interval);
        self
    }

    /// Sets whether all outgoing connections of the sandbox go through the tunnel. The default is `false`.
    pub fn route_all(mut self, route_all: bool) -> Self {
        self.route_all = route_all;
        self
    }

    /// Returns the JSON in base64.
    pub(super) fn encode(&self) -> Result<Secret, Error> {
        self.check()?;
        let document = Document {
            local_ip: &self.local_ip,
            peer_endpoint: &self.peer_endpoint,
            peer_public_key: &self.peer_public_key,
            private_key: self.private_key.expose(),
            mtu: self.mtu,
            listen_port: self.listen_port,
            interface_name: self.interface_name.as_deref(),
            allowed_ips: &self.allowed_ips,
            persistent_keepalive: self.keepalive.map(|interval| interval.as_secs()),
            route_all: self.route_all,
        };
        let json = serde_json::to_string(&document)
            .map(Secret::new)
            .map_err(|problem| invalid("configuration", problem))?;
        Ok(Secret::new(STANDARD.encode(json.expose())))
    }

    /// Checks the members by the rules of the server. No error shows a key.
    fn check(&self) -> Result<(), Error> {
        if !is_range(&self.local_ip) {
            return Err(invalid("local_ip", NO_RANGE));
        }
        let endpoint = self.peer_endpoint.rsplit_once(':');
        if endpoint.is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
            let problem = "it is not an address with a port, such as `192.0.2.7:51820`";
            return Err(invalid("peer_endpoint", problem));
        }
        for (name, key) in [
            ("peer_public_key", self.peer_public_key.as_str()),
            ("private_key", self.private_key.expose()),
        ] {
            if STANDARD.decode(key).map_or(true, |key| key.len() != 32) {
                return Err(invalid(name, "it is not a key of 32 bytes in base64"));
            }
        }
        if !self.allowed_ips.iter().all(|range| is_range(range)) {
            return Err(invalid("allowed_ips", NO_RANGE));
        }
        match self.mtu {
            Some(..68) => Err(invalid("mtu", "it is less than 68")),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for TunnelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TunnelConfig")
            .field("local_ip", &self.local_ip)
            .field("peer_endpoint", &self.peer_endpoint)
            .field("peer_public_key", &self.peer_public_key)
            .finish_non_exhaustive()
    }
}

const NO_RANGE: &str = "it is not an address with a prefix length, such as `10.0.0.1/32`";

/// Returns `true` for an address with a prefix length.
fn is_range(text: &str) -> bool {
    let range = text.split_once('/').and_then(|(address, length)| {
        let address: IpAddr = address.parse().ok()?;
        let length: u8 = length.parse().ok()?;
        Some(length <= if address.is_ipv4() { 32 } else { 128 })
    });
    range == Some(true)
}

fn invalid(member: &str, problem: impl fmt::Display) -> Error {
    Error::input(&format!("tunnel {member}"), &Source::Code, problem)
}
