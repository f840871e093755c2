//! Egress gateways and IP addresses of all virtual private clouds.

use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{get, names, post};

async fn create(emulator: &Emulator, collection: &str, name: &str, spec: Value) -> Value {
    let sent = json!({"metadata": {"name": name}, "spec": spec});
    post(collection, &sent).on(emulator).await.expect(200)
}

async fn with_gateways() -> Emulator {
    let emulator = Emulator::offline();
    for vpc in ["one", "two"] {
        create(&emulator, "/vpcs", vpc, json!({})).await;
        let gateways = format!("/vpcs/{vpc}/egressgateways");
        let gateway = format!("out-{vpc}");
        create(
            &emulator,
            &gateways,
            &gateway,
            json!({"region": "eu-lon-1"}),
        )
        .await;
        let ips = format!("{gateways}/{gateway}/ips");
        create(
            &emulator,
            &ips,
            &format!("ip-{vpc}"),
            json!({"ipFamily": "IPv6"}),
        )
        .await;
    }
    emulator
}

#[tokio::test]
async fn gateways_and_addresses_are_listed_across_all_vpcs() {
    let emulator = with_gateways().await;
    let gateways = get("/egressgateways").on(&emulator).await.expect(200);
    assert_eq!(names(&gateways), ["out-two", "out-one"]);
    assert_eq!(gateways[0]["metadata"]["vpcName"], "two");
    let ips = get("/egressips").on(&emulator).await.expect(200);
    assert_eq!(names(&ips), ["ip-two", "ip-one"]);
    assert!(
        ips[0]["spec"]["publicIp"]
            .as_str()
            .unwrap()
            .starts_with("2001:db8::")
    );
}

#[tokio::test]
async fn usage_lists_the_sandboxes_of_each_gateway() {
    let emulator = with_gateways().await;
    for (sandbox, gateway) in [("a", "out-one"), ("b", "out-one"), ("c", "")] {
        let spec = json!({"network": {"egress": {"gateway": gateway}}});
        create(&emulator, "/sandboxes", sandbox, spec).await;
    }
    let usage = get("/egressgateways/usage").on(&emulator).await.expect(200);
    assert_eq!(usage, json!({"out-one": ["a", "b"]}));
}

#[tokio::test]
async fn the_server_chooses_the_address_and_the_client_its_family() {
    let emulator = with_gateways().await;
    let ips = "/vpcs/one/egressgateways/out-one/ips";
    let ip = create(
        &emulator,
        ips,
        "mine",
        json!({"ipFamily": "IPv4", "publicIp": "1.2.3.4"}),
    )
    .await;
    assert!(
        ip["spec"]["publicIp"]
            .as_str()
            .unwrap()
            .starts_with("203.0.113.")
    );
    let bad = json!({"metadata": {"name": "x"}, "spec": {"ipFamily": "IPX"}});
    post(ips, &bad).on(&emulator).await.control_error(400);
    let bad = json!({"metadata": {"name": "x"}, "spec": {}});
    post("/vpcs/one/egressgateways", &bad)
        .on(&emulator)
        .await
        .control_error(400);
}
