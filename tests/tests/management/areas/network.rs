//! VPCs, their gateways and addresses, custom domains, and the platform's own addresses.

use blaxel_management::custom_domains::{
    CustomDomain, CustomDomainSpec, DomainKind, ValidationMethod, WHOLE_ACCOUNT,
};
use blaxel_management::sandboxes::{EgressConfig, Sandbox, SandboxNetwork};
use blaxel_management::vpcs::{EgressGateway, EgressIp, Vpc};
use serde_json::json;

use crate::support::lifecycle::{Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    vpcs(world).await;
    custom_domains(world).await;
    domains_of_applications(world).await;
    public_ips(world).await;
}

async fn vpcs(world: &World) {
    let vpcs = Lifecycle::of(world, "VPC", "VPCs", Api::vpcs);
    let draft = Vpc::new("office").label("team", "care");
    let sent = json!({"metadata": {"name": "office", "labels": {"team": "care"}}, "spec": {}});
    vpcs.assert_missing("office").await;
    vpcs.create(&draft, sent.clone()).await;
    vpcs.assert_unique(&draft, sent).await;
    vpcs.get("office").await;
    vpcs.assert_count(1).await;

    let gateways = Lifecycle::of(world, "EgressGateway", "EgressGateways", |api| {
        api.vpcs().gateways("office")
    })
    .under(["office"]);
    let draft = EgressGateway::new("west").region("us-pdx-1");
    let sent = json!({"metadata": {"name": "west"}, "spec": {"region": "us-pdx-1"}});
    gateways.assert_missing("west").await;
    gateways.create(&draft, sent.clone()).await;
    gateways.assert_unique(&draft, sent).await;
    gateways.get("west").await;
    gateways.assert_count(1).await;

    let ips = Lifecycle::of(world, "EgressIP", "EgressIPs", |api| {
        api.vpcs().gateways("office").ips("west")
    })
    .under(["office", "west"]);
    let draft = EgressIp::new("first");
    let sent = json!({"metadata": {"name": "first"}, "spec": {"ipFamily": "IPv4"}});
    ips.assert_missing("first").await;
    ips.create(&draft, sent.clone()).await;
    ips.assert_unique(&draft, sent).await;
    ips.get("first").await;
    ips.assert_count(1).await;

    all_of_the_workspace(world).await;
    ips.delete("first").await;
    ips.assert_not_deletable("first").await;
    gateways.delete("west").await;
    gateways.assert_not_deletable("west").await;
    vpcs.delete("office").await;
    vpcs.assert_not_deletable("office").await;
}

async fn all_of_the_workspace(world: &World) {
    let vpcs = world.api().vpcs();
    let gateways = vpcs.all_gateways().await.unwrap();
    let exchange = world.assert_sent(request("ListAllEgressGateways"));
    assert_keeps_all(&gateways, exchange.response());
    assert_eq!(gateways.len(), 1);
    let ips = vpcs.all_ips().await.unwrap();
    let exchange = world.assert_sent(request("ListAllEgressIPs"));
    assert_keeps_all(&ips, exchange.response());
    assert_eq!(ips.len(), 1);

    let egress = EgressConfig::new().gateway("west").mode("dedicated");
    let sandbox = Sandbox::new("box").network(SandboxNetwork::new().egress(egress));
    world.api().sandboxes().create(&sandbox).await.unwrap();
    world.take();
    let usage = vpcs.gateway_usage().await.unwrap();
    let exchange = world.assert_sent(request("GetEgressGatewayUsage"));
    assert_keeps_all(&usage, exchange.response());
    assert_eq!(usage["west"], ["box"]);
    world.api().sandboxes().delete("box").await.unwrap();
    world.take();
}

async fn custom_domains(world: &World) {
    let domains = Lifecycle::of(world, "CustomDomain", "CustomDomains", Api::custom_domains);
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
            apply: |domain| domain.spec.fallback_preview_id = Some("pv".to_owned()),
            expected: ("/spec/fallbackPreviewId", json!("pv")),
        },
        modified: Change {
            apply: |domain| domain.metadata.display_name = Some("Previews".to_owned()),
            expected: ("/metadata/displayName", json!("Previews")),
        },
        applying: REPLACE_FIRST,
    };
    domains.create_and_modify(&plan).await;
    domains.assert_count(1).await;

    let verified = domains.all().verify("preview.example.com").await.unwrap();
    let exchange =
        world.assert_sent(request("VerifyCustomDomain").path_params(["preview.example.com"]));
    assert_keeps_all(&verified, exchange.response());
    assert!(verified.is_verified(), "{verified:?}");

    let shared = domains
        .all()
        .share("preview.example.com", WHOLE_ACCOUNT)
        .await
        .unwrap();
    let share = request("ShareCustomDomain")
        .path_params(["preview.example.com"])
        .body(json!({"targetWorkspace": "account"}));
    let exchange = world.assert_sent(share);
    assert_keeps_all(&shared, exchange.response());

    let shares = domains.all().shares("preview.example.com").await.unwrap();
    let exchange =
        world.assert_sent(request("ListCustomDomainShares").path_params(["preview.example.com"]));
    assert_keeps_all(&shares, exchange.response());
    assert_eq!(shares.len(), 1);

    let kept = domains
        .all()
        .unshare("preview.example.com", "account")
        .await
        .unwrap();
    let unshare = request("UnshareCustomDomain").path_params(["preview.example.com", "account"]);
    let exchange = world.assert_sent(unshare);
    assert_keeps_all(&kept, exchange.response());
    domains.change(plan).await;
}

async fn domains_of_applications(world: &World) {
    world.emulator.add("applications", "shop").unwrap();
    let domain = CustomDomain::new("shop.example.com").validation_method(ValidationMethod::Http);
    let domains = world.api().custom_domains();
    let made = domains
        .create_for_application("shop", &domain)
        .await
        .unwrap();
    let create = request("CreateApplicationCustomDomain")
        .path_params(["shop"])
        .body(json!({
            "metadata": {"name": "shop.example.com"}, "spec": {"validationMethod": "http"},
        }));
    let exchange = world.assert_sent(create);
    assert_keeps_all(&made, exchange.response());
    assert_eq!(made.spec.validation_method, Some(ValidationMethod::Http));

    let changed = made.validation_method(ValidationMethod::Dns);
    let refused = domains.replace(&changed).await.unwrap_err();
    assert_eq!(
        refused.status().map(|status| status.as_u16()),
        Some(400),
        "{refused}"
    );
    world.take();
}

async fn public_ips(world: &World) {
    let all = world.api().public_ips().await.unwrap();
    let exchange = world.assert_sent(request("ListPublicIps"));
    assert_keeps_all(&all, exchange.response());
    let region = all.keys().next().expect("a region").clone();

    let one = world.api().public_ips_in(&region).await.unwrap();
    let exchange = world.assert_sent(request("ListPublicIps").query("region", &region));
    assert_keeps_all(&one, exchange.response());
    assert_eq!(one.keys().collect::<Vec<_>>(), [&region]);
}
