//! The ports that the processes of a sandbox listen on.
//!
//! Sandboxes share the network of the host. A port belongs to a sandbox if one of its processes has
//! the listening socket open.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::members::{Members, command_of};
use crate::port::Listener;

/// The state of a listening socket in the kernel's tables.
const LISTENING: &str = "0A";

/// A listening socket.
struct Socket {
    address: IpAddr,
    port: u16,
    protocol: &'static str,
}

/// Returns the ports that members listen on, one for each process that has it open. The process id is
/// that of the command which started the process.
pub(super) fn listeners(members: &Members) -> Vec<Listener> {
    let mut sockets = BTreeMap::new();
    for (table, protocol) in [("/proc/net/tcp", "tcp"), ("/proc/net/tcp6", "tcp6")] {
        let text = fs::read_to_string(table).unwrap_or_default();
        sockets.extend(text.lines().filter_map(|line| parse(line, protocol)));
    }
    if sockets.is_empty() {
        return Vec::new();
    }
    let mut listeners = Vec::new();
    let all = members.all();
    for member in &all {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", member.host.pid));
        let mut own: Vec<u64> = descriptors
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|descriptor| {
                inode(&fs::read_link(descriptor.path()).ok()?.to_string_lossy())
            })
            .collect();
        own.sort_unstable();
        own.dedup();
        for socket in own.iter().filter_map(|inode| sockets.get(inode)) {
            listeners.push(Listener {
                pid: Some(command_of(member, &all)),
                process_name: member.host.stat.name.clone(),
                protocol: socket.protocol.to_owned(),
                address: socket.address.to_string(),
                port: socket.port,
            });
        }
    }
    listeners.sort_by_key(|listener| (listener.port, listener.pid));
    listeners
}

/// Returns the addresses on which a listener can be reached from this machine.
pub(super) fn address(listener: &Listener) -> Option<SocketAddr> {
    let address: IpAddr = listener.address.parse().ok()?;
    let address = match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Some(SocketAddr::new(address, listener.port))
}

/// Returns the number of the socket that a descriptor leads to.
fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// Reads a line of one of the kernel's tables. Returns the number of the socket if it listens.
fn parse(line: &str, protocol: &'static str) -> Option<(u64, Socket)> {
    let mut fields = line.split_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    if fields.nth(1)? != LISTENING {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    // The kernel prints words of 32 bits in the order of the machine.
    let word = |text: &str| Some(u32::from_str_radix(text, 16).ok()?.to_ne_bytes());
    let address = match address.len() {
        8 => IpAddr::from(word(address)?),
        32 => {
            let mut bytes = [0; 16];
            for (index, place) in bytes.chunks_exact_mut(4).enumerate() {
                place.copy_from_slice(&word(address.get(index * 8..index * 8 + 8)?)?);
            }
            IpAddr::from(bytes)
        }
        _ => return None,
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    Some((
        inode,
        Socket {
            address,
            port,
            protocol,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn the_kernels_tables_are_read() {
        let lines = [
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 77 1 x",
            "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 78 1 x",
            "   2: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A \
             00000000:00000000 00:00000000 00000000 0 0 79 1 x",
            "   3: 0100007F:1F92 0100007F:9999 01 00000000:00000000 00:00000000 00000000  0  0 80 1 x",
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
        ];
        let found: Vec<_> = lines
            .iter()
            .filter_map(|line| parse(line, "tcp"))
            .map(|(inode, socket)| (inode, socket.address.to_string(), socket.port))
            .collect();
        let expected = [
            (77, "127.0.0.1".to_owned(), 8080),
            (78, "0.0.0.0".to_owned(), 80),
            (79, "::1".to_owned(), 8081),
        ];
        assert_eq!(found, expected);
    }
}
