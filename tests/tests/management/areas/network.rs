//! VPCs, their gateways and addresses, custom domains, and the platform's own addresses.

use blaxel_management::custom_domains::{
    CustomDomain, CustomDomainSpec, DomainKind, WHOLE_ACCOUNT,
};
use blaxel_management::sandboxes::{EgressConfig, Sandbox, SandboxNetwork};
use blaxel_management::vpcs::{EgressGateway, EgressIp, Vpc};
use serde_json::json;

use crate::support::life::{Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Life, World, request, tells};

pub async fn perform(world: &World) {
    vpcs(world).await;
    custom_domains(world).await;
    domains_of_applications(world).await;
    public_ips(world).await;
}

async fn vpcs(world: &World) {
    let vpcs = Life::of(world, "VPC", "VPCs", Api::vpcs);
    let draft = Vpc::new("office").label("team", "care");
    let sent = json!({"metadata": {"name": "office", "labels": {"team": "care"}}, "spec": {}});
    vpcs.is_nowhere("office").await;
    vpcs.is_made(&draft, sent.clone()).await;
    vpcs.is_unique(&draft, sent).await;
    vpcs.is_read("office").await;
    vpcs.are_enumerated(1).await;

    let gateways = Life::of(world, "EgressGateway", "EgressGateways", |api| {
        api.vpcs().gateways("office")
    })
    .under(["office"]);
    let draft = EgressGateway::new("west").region("us-pdx-1");
    let sent = json!({"metadata": {"name": "west"}, "spec": {"region": "us-pdx-1"}});
    gateways.is_nowhere("west").await;
    gateways.is_made(&draft, sent.clone()).await;
    gateways.is_unique(&draft, sent).await;
    gateways.is_read("west").await;
    gateways.are_enumerated(1).await;

    let ips = Life::of(world, "EgressIP", "EgressIPs", |api| {
        api.vpcs().gateways("office").ips("west")
    })
    .under(["office", "west"]);
    let draft = EgressIp::new("first");
    let sent = json!({"metadata": {"name": "first"}, "spec": {"ipFamily": "IPv4"}});
    ips.is_nowhere("first").await;
    ips.is_made(&draft, sent.clone()).await;
    ips.is_unique(&draft, sent).await;
    ips.is_read("first").await;
    ips.are_enumerated(1).await;

    all_of_the_workspace(world).await;
    ips.is_deleted("first").await;
    ips.is_not_deleted("first").await;
    gateways.is_deleted("west").await;
    gateways.is_not_deleted("west").await;
    vpcs.is_deleted("office").await;
    vpcs.is_not_deleted("office").await;
}

async fn all_of_the_workspace(world: &World) {
    let vpcs = world.api().vpcs();
    let gateways = vpcs.all_gateways().await.unwrap();
    let exchange = world.sent(request("ListAllEgressGateways"));
    tells(&gateways, exchange.answer());
    assert_eq!(gateways.len(), 1);
    let ips = vpcs.all_ips().await.unwrap();
    let exchange = world.sent(request("ListAllEgressIPs"));
    tells(&ips, exchange.answer());
    assert_eq!(ips.len(), 1);

    let egress = EgressConfig::new().gateway("west").mode("dedicated");
    let sandbox = Sandbox::new("box").network(SandboxNetwork::new().egress(egress));
    world.api().sandboxes().create(&sandbox).await.unwrap();
    world.take();
    let usage = vpcs.gateway_usage().await.unwrap();
    let exchange = world.sent(request("GetEgressGatewayUsage"));
    tells(&usage, exchange.answer());
    assert_eq!(usage["west"], ["box"]);
    world.api().sandboxes().delete("box").await.unwrap();
    world.take();
}

async fn custom_domains(world: &World) {
    let domains = Life::of(world, "CustomDomain", "CustomDomains", Api::custom_domains);
    let spec = CustomDomainSpec::new()
        .domain_type(DomainKind::Previews)
        .region("us-pdx-1");
    let plan = Plan {
        draft: CustomDomain::new("preview.example.com").spec(spec),
        sent: json!({
            "metadata": {"name": "preview.example.com"},
            "spec": {"domainType": "previews", "region": "us-pdx-1"},
        }),
        replaced: Change {
            made: |domain| domain.spec.fallback_preview_id = Some("pv".to_owned()),
            seen: ("/spec/fallbackPreviewId", json!("pv")),
        },
        modified: Change {
            made: |domain| domain.metadata.display_name = Some("Previews".to_owned()),
            seen: ("/metadata/displayName", json!("Previews")),
        },
        applying: REPLACE_FIRST,
    };
    domains.begins(&plan).await;
    domains.are_enumerated(1).await;

    let verified = domains.all().verify("preview.example.com").await.unwrap();
    let exchange = world.sent(request("VerifyCustomDomain").on(["preview.example.com"]));
    tells(&verified, exchange.answer());
    assert!(verified.is_verified(), "{verified:?}");

    let shared = domains
        .all()
        .share("preview.example.com", WHOLE_ACCOUNT)
        .await
        .unwrap();
    let share = request("ShareCustomDomain")
        .on(["preview.example.com"])
        .body(json!({"targetWorkspace": "account"}));
    let exchange = world.sent(share);
    tells(&shared, exchange.answer());

    let shares = domains.all().shares("preview.example.com").await.unwrap();
    let exchange = world.sent(request("ListCustomDomainShares").on(["preview.example.com"]));
    tells(&shares, exchange.answer());
    assert_eq!(shares.len(), 1);

    let kept = domains
        .all()
        .unshare("preview.example.com", "account")
        .await
        .unwrap();
    let unshare = request("UnshareCustomDomain").on(["preview.example.com", "account"]);
    let exchange = world.sent(unshare);
    tells(&kept, exchange.answer());
    domains.changes(plan).await;
}

async fn domains_of_applications(world: &World) {
    world.emulator.add("applications", "shop").unwrap();
    let domain = CustomDomain::new("shop.example.com");
    let domains = world.api().custom_domains();
    let made = domains
        .create_for_application("shop", &domain)
        .await
        .unwrap();
    let create = request("CreateApplicationCustomDomain")
        .on(["shop"])
        .body(json!({"metadata": {"name": "shop.example.com"}, "spec": {}}));
    let exchange = world.sent(create);
    tells(&made, exchange.answer());
}

async fn public_ips(world: &World) {
    let all = world.api().public_ips().await.unwrap();
    let exchange = world.sent(request("ListPublicIps"));
    tells(&all, exchange.answer());
    let region = all.keys().next().expect("a region").clone();

    let one = world.api().public_ips_in(&region).await.unwrap();
    let exchange = world.sent(request("ListPublicIps").query("region", &region));
    tells(&one, exchange.answer());
    assert_eq!(one.keys().collect::<Vec<_>>(), [&region]);
}
