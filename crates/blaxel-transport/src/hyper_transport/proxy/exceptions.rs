//! The hosts that are reached without a proxy: the format of `NO_PROXY`.

use std::net::{IpAddr, Ipv4Addr};

use blaxel_core::__private::{Address, ip_address, port_of};
use blaxel_core::Source;
use http::Uri;

use crate::hosts::matches;

/// The hosts that are reached directly.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    hosts: Vec<Exception>,
    /// The entries that are none, and where they are from.
    unusable: Vec<(String, Source)>,
}

/// An entry of the list.
#[derive(Debug)]
struct Exception {
    hosts: Hosts,
    /// The only port to which the entry applies.
    port: Option<u16>,
}

/// The hosts of an entry.
#[derive(Debug)]
enum Hosts {
    All,
    /// A domain, as `.corp.test`, and the host of that name too if `itself`.
    Domain {
        dotted: String,
        itself: bool,
    },
    /// All addresses with the same first bits.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Adds the entries of a list, which are separated by commas or spaces.
    pub(super) fn add(&mut self, list: &str, source: &Source) {
        let separator = |c: char| c == ',' || c.is_whitespace();
        for entry in list.split(separator).filter(|entry| !entry.is_empty()) {
            match Exception::read(entry) {
                Some(exception) => self.hosts.push(exception),
                None => self.unusable.push((entry.to_owned(), source.clone())),
            }
        }
    }

    /// Logs the entries that have no effect.
    pub(super) fn warn(&self) {
        for problem in self.problems() {
            tracing::warn!("{problem}");
        }
    }

    /// Describes the entries that have no effect.
    fn problems(&self) -> impl Iterator<Item = String> + '_ {
        self.unusable.iter().map(|(entry, source)| {
            // Only a URL with a password contains an `@`.
            let shown = if entry.contains('@') {
                "an entry".to_owned()
            } else {
                format!("the entry {entry:?}")
            };
            format!(
                "{shown} of the hosts to reach without a proxy ({source}) is ignored: it is no host, domain, IP \
                 address or network"
            )
        })
    }

    /// Returns `true` if an address is reached directly.
    pub(super) fn contain(&self, target: &Uri) -> bool {
        let host = target.host().unwrap_or_default();
        let ip = ip_address(host).map(|ip| ip.to_canonical());
        let port = port_of(target);
        self.hosts.iter().any(|exception| {
            exception.port.is_none_or(|only| only == port)
                && match (&exception.hosts, ip) {
                    (Hosts::All, _) => true,
                    (Hosts::Domain { dotted, itself }, None) => {
                        matches(dotted, host) || (*itself && matches(&dotted[1..], host))
                    }
                    (Hosts::Network(network, length), Some(ip)) => {
                        is_in_network(ip, *network, *length)
                    }
                    _ => false,
                }
        })
    }
}

impl Exception {
    /// Reads an entry, or returns `None` if it is not understood.
    fn read(entry: &str) -> Option<Self> {
        let of_hosts = |hosts| Some(Self { hosts, port: None });
        if entry == "*" {
            return of_hosts(Hosts::All);
        }
        if let Some((network, length)) = entry.split_once('/') {
            return of_hosts(network_of(network_address(network)?, Some(length))?);
        }
        if let Some(ip) = network_address(entry) {
            return of_hosts(network_of(ip, None)?);
        }
        let (below, name) = match entry.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, entry.strip_prefix('.').unwrap_or(entry)),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        // The rest is a host with an optional port, as in a URL.
        let address = Address::read(&format!("http://{name}")).ok()?;
        let uri = address.uri();
        if name.contains(['/', '?', '#']) {
            return None;
        }
        let hosts = match ip_address(address.host()) {
            Some(_) if entry.starts_with(['.', '*']) => return None,
            Some(ip) => network_of(ip, None)?,
            None => Hosts::Domain {
                dotted: format!(".{}", address.host()),
                itself: !below,
            },
        };
        Some(Self {
            hosts,
            port: uri.port_u16(),
        })
    }
}

/// Reads an IP address, in brackets or without.
fn network_address(text: &str) -> Option<IpAddr> {
    ip_address(text).or_else(|| text.parse().ok())
}

/// Creates a network from an address and the number of its fixed bits, by default all.
fn network_of(ip: IpAddr, length: Option<&str>) -> Option<Hosts> {
    let bits = |ip| if matches!(ip, IpAddr::V4(_)) { 32 } else { 128 };
    let length = match length {
        Some(length) if !length.bytes().all(|byte| byte.is_ascii_digit()) => return None,
        Some(length) => length.parse().ok().filter(|length| *length <= bits(ip))?,
        None => bits(ip),
    };
    match ip.to_canonical() {
        IpAddr::V4(v4) if ip.is_ipv6() && length >= 96 => {
            Some(Hosts::Network(v4.into(), length - 96))
        }
        _ => Some(Hosts::Network(ip, length)),
    }
}

/// Returns `true` if an address has the same first bits as a network.
fn is_in_network(ip: IpAddr, network: IpAddr, length: u32) -> bool {
    let left_aligned = |ip| match ip {
        IpAddr::V4(v4) => u128::from(Ipv4Addr::to_bits(v4)) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let difference = left_aligned(ip) ^ left_aligned(network);
    ip.is_ipv4() == network.is_ipv4() && difference.leading_zeros() >= length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceptions(list: &str) -> Exceptions {
        let mut exceptions = Exceptions::default();
        exceptions.add(list, &Source::variable("NO_PROXY"));
        exceptions
    }

    #[test]
    fn entries_have_the_meaning_that_curl_and_go_give_them() {
        for (list, reached_directly, through_the_proxy) in [
            (
                "*",
                &["https://a", "http://1.2.3.4", "https://[::1]"][..],
                &[][..],
            ),
            (
                "corp.test",
                &["https://corp.test", "https://a.b.CORP.test:8"],
                &["https://acorp.test", "https://test"],
            ),
            (
                ".corp.test",
                &["https://corp.test", "https://a.corp.test"],
                &["https://acorp.test"],
            ),
            (
                "*.corp.test",
                &["https://a.corp.test", "https://a.b.corp.test"],
                &["https://corp.test", "https://acorp.test"],
            ),
            (
                "CORP.test.",
                &["https://corp.test"],
                &["https://corp.test.example"],
            ),
            (
                "host:443",
                &[
                    "https://host",
                    "https://host:443",
                    "http://host:443",
                    "https://x.host",
                ],
                &["http://host", "https://host:444"],
            ),
            ("host:80", &["http://host/"], &["https://host"]),
            (
                "*.corp.test:8443",
                &["https://a.corp.test:8443"],
                &["https://a.corp.test", "https://corp.test:8443"],
            ),
            (
                ".corp.test:8443",
                &["https://corp.test:8443"],
                &["https://corp.test"],
            ),
            (
                "a.test b.test\tc.test , d.test,,e.test",
                &[
                    "https://a.test",
                    "https://b.test",
                    "https://c.test",
                    "https://d.test",
                    "https://e.test",
                ],
                &["https://f.test"],
            ),
            (
                "1.2.3.4",
                &["https://1.2.3.4:9", "https://[::ffff:1.2.3.4]"],
                &["https://1.2.3.5", "https://x.1.2.3.4.example"],
            ),
            ("1.2.3.4:443", &["https://1.2.3.4"], &["http://1.2.3.4"]),
            (
                "10.0.0.0/8",
                &["https://10.1.2.3"],
                &["https://11.0.0.1", "https://10.example", "https://[a00::1]"],
            ),
            (
                "10.42.1.1/24",
                &["https://10.42.1.200"],
                &["https://10.42.2.1"],
            ),
            (
                "0.0.0.0/0",
                &["https://9.9.9.9"],
                &["https://[2001:db8::1]", "https://a"],
            ),
            ("1.2.3.4/32", &["https://1.2.3.4"], &["https://1.2.3.5"]),
            (
                "2001:db8::1",
                &["https://[2001:db8::1]", "https://[2001:DB8:0::1]:8"],
                &["https://[2001:db8::2]"],
            ),
            (
                "[2001:db8::1]",
                &["https://[2001:db8::1]:8"],
                &["https://[2001:db8::2]"],
            ),
            (
                "[2001:db8::1]:443",
                &["https://[2001:db8::1]"],
                &["https://[2001:db8::1]:8"],
            ),
            (
                "2001:db8::/32",
                &["https://[2001:db8:9::1]"],
                &["https://[2001:db9::1]", "https://1.2.3.4"],
            ),
            (
                "[2001:db8::]/32",
                &["https://[2001:db8:9::1]"],
                &["https://[2001:db9::1]"],
            ),
            (
                "::ffff:10.0.0.0/104",
                &["https://10.1.2.3"],
                &["https://11.1.2.3"],
            ),
            ("::/0", &["https://[2001:db8::1]"], &["https://1.2.3.4"]),
            (
                "localhost",
                &["https://localhost", "https://a.localhost"],
                &[],
            ),
        ] {
            let exceptions = exceptions(list);
            assert_eq!(exceptions.problems().count(), 0, "{list}: {exceptions:?}");
            for (targets, expected) in [(reached_directly, true), (through_the_proxy, false)] {
                for target in targets {
                    let uri = target.parse().unwrap();
                    assert_eq!(exceptions.contain(&uri), expected, "{list}: {target}");
                }
            }
        }
    }

    #[test]
    fn an_entry_that_is_not_understood_is_named() {
        for entry in [
            "10.*",
            "*corp.test",
            "a.*.test",
            "*.",
            ".",
            "..",
            "<local>",
            "a;b",
            "http://a.test",
            "a.test/x",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "::1/129",
            "a.test:0",
            "a.test:99999",
            "a.test:",
            "[::1",
            "fe80::1%eth0",
            "*.10.0.0.1",
            "127.1",
            "a?b",
            "a#b",
            "a\u{7}b",
            "bücher.test",
        ] {
            let exceptions = exceptions(entry);
            let problem = exceptions.problems().next().unwrap_or_default();
            let named = problem.contains(&format!("{entry:?}")) && problem.contains("NO_PROXY");
            assert!(named, "{entry}: {problem} {exceptions:?}");
            assert!(
                !exceptions.contain(&Uri::from_static("https://a.test")),
                "{entry}"
            );
        }
        let hidden = exceptions("http://user:canary@a.test");
        let problem = hidden.problems().next().unwrap();
        assert!(!problem.contains("canary"), "{problem}");
    }
}
