//! The ports of processes, their monitors, and the tunnel.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use blaxel_emulator::blaxel_guest::{Files as _, SimulatedGuest};
use blaxel_sandbox::network::TunnelConfig;
use http::Request;

use crate::support::{Age, World};

/// The file into which the program of the sandbox writes the call that it has received.
const RECEIVED: &str = "/received";

/// A key of the right length.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Lets a program of the sandbox receive calls at the port 9000.
pub fn prepare(guest: &SimulatedGuest) {
    let disk = guest.memory().clone();
    let receive = tower::service_fn(move |request: Request<Body>| {
        let disk = disk.clone();
        async move {
            let body = to_bytes(request.into_body(), 1 << 16).await.unwrap();
            disk.write(RECEIVED, &body, 0o644).unwrap();
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    guest.on_port(9000, receive);
}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    ports(world).await;
    tunnel(world).await;
}

async fn ports(world: &World) {
    let (sandbox, network) = (world.sandbox(), world.sandbox().network());
    let server = "sleep 2; python3 -m http.server 8000";
    let child = sandbox.shell(server).spawn().await.unwrap();
    let pid = child.pid().parse().unwrap();
    assert!(network.ports(pid).await.unwrap().is_empty());
    network
        .monitor(pid, "http://localhost:9000/")
        .await
        .unwrap();
    world.expect(&["StartProcess", "ListProcessPorts", "MonitorPorts"]);

    let opened = world.while_time_passes(child.wait_for_port(8000)).await;
    opened.unwrap();
    world.expect_some(&["ListProcessPorts", "GetProcess"]);
    let ports = child.process().ports().await.unwrap();
    assert_eq!(ports.len(), 1);
    assert_eq!(ports[0].local_port, 8000);
    world.expect(&["ListProcessPorts"]);
    let called = async {
        while !world.has(RECEIVED) {
            tokio::task::yield_now().await;
        }
    };
    world.while_time_passes(called).await;
    assert_eq!(
        world.content(RECEIVED),
        format!(r#"{{"pid":{pid},"port":8000}}"#)
    );

    network.stop_monitor(pid).await.unwrap();
    child.kill().await.unwrap();
    world.expect(&["StopMonitoringPorts", "GetProcess", "KillProcess"]);
}

/// The simulated sandbox checks the configuration, and opens no tunnel.
async fn tunnel(world: &World) {
    let network = world.sandbox().network();
    assert!(network.disconnect_tunnel().await.is_err());
    let config = TunnelConfig::new("10.0.0.1/32", "192.0.2.1:51820", KEY, KEY);
    network.connect_tunnel(&config).await.unwrap();
    network.disconnect_tunnel().await.unwrap();
    world.expect(&["DisconnectTunnel", "ConnectTunnel", "DisconnectTunnel"]);
}
