//! API versions: three are known, and the first is the default.

use blaxel_emulator::Emulator;

use crate::support::{get, names};

#[tokio::test]
async fn lists_are_pages_from_the_second_version_on() {
    let emulator = Emulator::offline();
    for version in ["2026-04-28", "2026-09-22"] {
        let reply = get("/models?limit=3")
            .header("blaxel-version", version)
            .on(&emulator)
            .await;
        let page = reply.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), 3);
        assert_eq!(page["meta"]["total"], 7);
    }
}

#[tokio::test]
async fn the_first_version_returns_bare_arrays_and_ignores_parameters() {
    let emulator = Emulator::offline();
    let uri = "/models?limit=0&sort=sideways&cursor=none&q=zz&status=FAILED&externalId=none";
    let reply = get(uri)
        .header("blaxel-version", "2026-04-16")
        .on(&emulator)
        .await;
    assert_eq!(names(&reply.expect(200)).len(), 7);
}

#[tokio::test]
async fn an_unknown_status_is_rejected_in_every_version() {
    let emulator = Emulator::offline();
    for version in ["2026-04-16", "2026-04-28", "2026-09-22"] {
        for (status, answered) in [("sleepy", 400), ("failed,SLEEPY", 400), ("archived", 200)] {
            let reply = get(format!("/agents?status={status}"))
                .header("blaxel-version", version)
                .on(&emulator)
                .await;
            assert_eq!(reply.status, answered, "{status} in {version}");
        }
    }
}

#[tokio::test]
async fn no_version_means_the_first_one() {
    let emulator = Emulator::offline();
    let service = emulator.service().verbatim();
    let key = format!("Bearer {}", emulator.api_key());
    let reply = get("/models")
        .header("authorization", &key)
        .to(&service)
        .await;
    assert!(reply.expect(200).is_array());
}

#[tokio::test]
async fn unknown_versions_are_rejected_with_the_list_of_valid_ones() {
    let emulator = Emulator::offline();
    for version in [
        "2026-99-99",
        "2026-04-20",
        "2026-04-28.preview",
        "latest",
        "",
    ] {
        let reply = get("/models")
            .header("blaxel-version", version)
            .on(&emulator)
            .await;
        let body = reply.expect(400);
        assert_eq!(body["error"], "invalid_api_version");
        assert!(body.get("code").is_none(), "{body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(&format!("{version:?}")), "{message}");
        let valid = "Valid versions: 2026-04-16, 2026-04-28, 2026-09-22";
        assert!(
            message.contains(valid) && message.contains("https://"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_version_is_checked_before_the_credential() {
    let emulator = Emulator::offline();
    let service = emulator.service().verbatim();
    let reply = get("/models")
        .header("blaxel-version", "2026-99-99")
        .to(&service)
        .await;
    assert_eq!(reply.expect(400)["error"], "invalid_api_version");
}
