use std::time::Duration;

use base64::Engine as _;
use blaxel_core::Idempotency;
use blaxel_sandbox::network::TunnelConfig;
use serde_json::{Value, json};

use crate::script::{self, assert_round_trip, refusal, sandbox};

const KEY: &str = "hIA3ikjlSOAo0qqrI+rXaS3ZH04nx7Q2YQ4m2Syzkzc=";
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test]
async fn the_ports_of_a_process_are_listed() {
    let answer = json!({"pid": 42, "ports": [
        {"pid": 43, "protocol": "tcp", "localAddr": "0.0.0.0", "localPort": 3000, "remoteAddr": "", "remotePort": 0,
            "state": "LISTEN", "processName": "node"},
        {"localPort": 8000, "state": null},
    ]});
    let (listed, log) = sandbox([script::json(&answer)]);
    let ports = listed.network().ports(42).await.unwrap();
    assert_eq!(log.only().line, "GET /network/process/42/ports");
    assert_eq!((ports[0].local_port, ports[0].is_reachable()), (3000, true));
    assert_eq!(
        (ports[1].local_port, ports[1].state.as_deref()),
        (8000, None)
    );
    ports.iter().for_each(assert_round_trip);
    let (none, _) = sandbox([script::json(&json!({"pid": 42, "ports": null}))]);
    assert!(none.network().ports(42).await.unwrap().is_empty());
    let (refused, _) = sandbox([refusal(422, r#"{"error":"ss failed"}"#)]);
    assert!(refused.network().ports(42).await.is_err());
}

#[tokio::test]
async fn ports_are_monitored() {
    let answer = json!({"message": "Port monitoring started", "path": ""});
    let (sandbox, log) = sandbox([script::json(&answer)]);
    let network = sandbox.network();
    let callback = "http://localhost:3000/callback?key=s3cret";
    network.monitor(42, callback).await.unwrap();
    network.stop_monitor(42).await.unwrap();
    let seen = log.all();
    assert_eq!(
        log.lines(),
        [
            "POST /network/process/42/monitor",
            "DELETE /network/process/42/monitor"
        ]
    );
    assert_eq!(seen[0].json(), json!({"callback": callback}));
    assert_eq!(seen[0].idempotency, Idempotency::None);
    assert_eq!(seen[1].idempotency, Idempotency::Idempotent);
    for bad in [
        "",
        "localhost:3000",
        "ftp://example.com/s3cret",
        "/s3cret",
        "http:///s3cret",
    ] {
        let error = network.monitor(42, bad).await.unwrap_err();
        assert!(
            error.is_input() && !error.to_string().contains("s3cret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_tunnel_is_connected_and_disconnected() {
    let answer = json!({"message": "Tunnel configuration updated successfully"});
    let (sandbox, log) = sandbox([script::json(&answer)]);
    let network = sandbox.network();
    let config = TunnelConfig::new("10.0.0.1/32", "192.0.2.7:51820", KEY, SECRET);
    network.connect_tunnel(&config).await.unwrap();
    let full = config
        .clone()
        .mtu(1300)
        .listen_port(5000)
        .interface_name("wg7")
        .allowed_ip("10.0.0.0/24")
        .allowed_ip("fd00::/8")
        .persistent_keepalive(Duration::ZERO)
        .route_all(true);
    network.connect_tunnel(&full).await.unwrap();
    network.disconnect_tunnel().await.unwrap();
    assert_eq!(
        log.lines(),
        [
            "PUT /network/tunnel/config",
            "PUT /network/tunnel/config",
            "DELETE /network/tunnel"
        ]
    );
    let sent = |index: usize| -> Value {
        let body = log.all()[index].json();
        let members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["config"]);
        let config =
            base64::engine::general_purpose::STANDARD.decode(body["config"].as_str().unwrap());
        serde_json::from_slice(&config.unwrap()).unwrap()
    };
    assert_eq!(
        sent(0),
        json!({"local_ip": "10.0.0.1/32", "peer_endpoint": "192.0.2.7:51820", "peer_public_key": KEY,
            "private_key": SECRET, "route_all": false})
    );
    assert_eq!(
        sent(1),
        json!({"local_ip": "10.0.0.1/32", "peer_endpoint": "192.0.2.7:51820", "peer_public_key": KEY,
            "private_key": SECRET, "mtu": 1300, "listen_port": 5000, "interface_name": "wg7",
            "allowed_ips": ["10.0.0.0/24", "fd00::/8"], "persistent_keepalive": 0, "route_all": true})
    );
}

#[tokio::test]
async fn a_malformed_tunnel_is_not_sent_and_no_error_shows_the_key() {
    let good = || TunnelConfig::new("10.0.0.1/32", "192.0.2.7:51820", KEY, SECRET);
    let short = &SECRET[4..];
    let (sandbox, log) = sandbox([refusal(422, r#"{"error":"invalid tunnel config"}"#)]);
    for bad in [
        TunnelConfig::new("10.0.0.1", "192.0.2.7:51820", KEY, SECRET),
        TunnelConfig::new("10.0.0.1/33", "192.0.2.7:51820", KEY, SECRET),
        TunnelConfig::new("10.0.0.1/32", "192.0.2.7", KEY, SECRET),
        TunnelConfig::new("10.0.0.1/32", ":51820", KEY, SECRET),
        TunnelConfig::new("10.0.0.1/32", "192.0.2.7:51820", &KEY[4..], SECRET),
        TunnelConfig::new("10.0.0.1/32", "192.0.2.7:51820", KEY, short),
        TunnelConfig::new("10.0.0.1/32", "192.0.2.7:51820", KEY, ""),
        good().allowed_ip("everything"),
        good().mtu(67),
    ] {
        let error = sandbox.network().connect_tunnel(&bad).await.unwrap_err();
        let printed = format!("{error} {error:?} {bad:?}");
        assert!(error.is_input(), "{error}");
        assert!(
            !printed.contains(short) && !printed.contains(SECRET),
            "{printed}"
        );
    }
    assert!(log.all().is_empty());
    let error = sandbox.network().connect_tunnel(&good()).await.unwrap_err();
    assert!(
        error.to_string().contains("invalid tunnel config"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains(SECRET));
}
