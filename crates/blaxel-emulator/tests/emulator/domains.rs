//! Custom domains: verification and sharing.

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, names, post};

const ONE: &str = "/customdomains/shop.example.com";

fn domain() -> Value {
    json!({"metadata": {"name": "shop.example.com"}, "spec": {"domainType": "previews"}})
}

async fn with_domain() -> Emulator {
    let emulator = Emulator::offline();
    post("/customdomains", &domain())
        .on(&emulator)
        .await
        .expect(200);
    emulator
}

async fn verify(emulator: &Emulator) -> Value {
    ask(Method::POST, format!("{ONE}/verify"))
        .on(emulator)
        .await
        .expect(200)["spec"]
        .clone()
}

#[tokio::test]
async fn a_domain_is_verified_by_its_records() {
    let emulator = with_domain().await;
    let pending = get(ONE).on(&emulator).await.expect(200);
    assert_eq!(pending["spec"]["status"], "pending");
    assert!(pending["spec"]["cnameRecords"].is_string());
    let records = &pending["spec"]["txtRecords"];
    assert!(records["_blaxel.shop.example.com"].is_string(), "{records}");

    emulator
        .fail_next(Failure::verification("shop.example.com"))
        .unwrap();
    let failed = verify(&emulator).await;
    assert_eq!(failed["status"], "failed");
    assert!(
        failed["verificationError"]
            .as_str()
            .unwrap()
            .contains("TXT")
    );
    assert_eq!(failed["lastVerifiedAt"], emulator.clock().now().as_str());
    let verified = verify(&emulator).await;
    assert_eq!(verified["status"], "verified");
    assert!(verified.get("verificationError").is_none());
    assert_eq!(&verified["txtRecords"], records, "the proof stays the same");
    let missing = ask(Method::POST, "/customdomains/none.example.com/verify");
    assert_eq!(
        missing.on(&emulator).await.control_error(404),
        "Custom domain not found"
    );
}

#[tokio::test]
async fn a_verified_domain_is_shared_within_the_account() {
    let emulator = with_domain().await;
    let all = format!("{ONE}/share");
    let share = |target: &str| post(&all, &json!({"targetWorkspace": target}));
    share("staging").on(&emulator).await.control_error(400);
    verify(&emulator).await;
    for target in ["staging", "account"] {
        let answered = share(target).on(&emulator).await.expect(200);
        assert_eq!(answered["metadata"]["name"], "shop.example.com");
        let again = share(target).on(&emulator).await;
        assert_eq!(again.control_error(409), "Custom domain already shared");
    }
    let shares = get(&all).on(&emulator).await.expect(200);
    let told = json!([
        {"workspace": "account", "workspaceDisplayName": "", "status": "active"},
        {"workspace": "staging", "workspaceDisplayName": "staging", "status": "active"},
    ]);
    assert_eq!(shares, told);
    for bad in [
        json!({}),
        json!({"targetWorkspace": "demo"}),
        json!({"targetWorkspace": "none"}),
    ] {
        post(&all, &bad).on(&emulator).await.control_error(400);
    }
    let one = format!("{all}/staging");
    ask(Method::DELETE, &one).on(&emulator).await.expect(200);
    let again = ask(Method::DELETE, &one).on(&emulator).await;
    assert_eq!(again.control_error(404), "Custom domain share not found");
    let missing = get("/customdomains/none.example.com/share")
        .on(&emulator)
        .await;
    assert_eq!(missing.control_error(404), "Custom domain not found");
}

#[tokio::test]
async fn an_application_gets_a_domain_of_its_own() {
    let emulator = Emulator::offline();
    let uri = "/applications/shop/customdomains";
    let missing = post(uri, &domain()).on(&emulator).await;
    assert_eq!(missing.control_error(404), "Application not found");
    emulator.add("applications", "shop").unwrap();
    let made = post(uri, &domain()).on(&emulator).await.expect(200);
    assert_eq!(made["spec"]["domainType"], "applications");
    let list = get("/customdomains").on(&emulator).await.expect(200);
    assert_eq!(names(&list), ["shop.example.com"]);
    post(uri, &domain()).on(&emulator).await.control_error(409);
}

#[tokio::test]
async fn the_validation_method_is_dns_by_default_and_cannot_change() {
    let emulator = Emulator::offline();
    let sent = |name: &str, spec: Value| json!({"metadata": {"name": name}, "spec": spec});
    let create = async |name: &str, spec: Value| {
        post("/customdomains", &sent(name, spec))
            .on(&emulator)
            .await
    };
    let kind = "applications";
    let made = create("a.example.com", json!({"domainType": kind})).await;
    assert_eq!(made.expect(200)["spec"]["validationMethod"], "dns");
    let http = json!({"domainType": kind, "validationMethod": "http"});
    let made = create("b.example.com", http.clone()).await;
    assert_eq!(made.expect(200)["spec"]["validationMethod"], "http");

    for (name, spec) in [
        (
            "c.example.com",
            json!({"domainType": "previews", "validationMethod": "http"}),
        ),
        ("*.example.com", http.clone()),
        ("d.example.com", json!({"validationMethod": "post"})),
    ] {
        create(name, spec).await.control_error(400);
    }

    let put = async |spec: Value| {
        let document = sent("b.example.com", spec);
        let put = ask(Method::PUT, "/customdomains/b.example.com").json(&document);
        put.on(&emulator).await
    };
    put(json!({"domainType": kind, "validationMethod": "dns"}))
        .await
        .control_error(400);
    // A document without it keeps it.
    let kept = put(json!({"domainType": kind, "region": "eu-lon-1"}))
        .await
        .expect(200);
    assert_eq!(kept["spec"]["validationMethod"], "http");
    assert_eq!(
        put(http).await.expect(200)["spec"]["validationMethod"],
        "http"
    );
}
