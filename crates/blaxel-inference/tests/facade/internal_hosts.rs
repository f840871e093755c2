//! Calls of agents by their hosts inside of the platform.

use super::support::{self, scripted};
use blaxel_core::Error;
use blaxel_inference::{Inference, InternalHosts};
use serde_json::{Value, json};

/// Reads the hosts of these variables.
fn hosts(variables: &[(&str, &str)]) -> Result<Option<InternalHosts>, Error> {
    InternalHosts::from_variables(|name| {
        let variable = variables.iter().find(|(other, _)| *other == name);
        variable.map(|(_, value)| (*value).to_owned())
    })
}

const HOST: (&str, &str) = ("BL_RUN_INTERNAL_HOST", " internal.example ");
const GENERATION: (&str, &str) = ("BL_GENERATION", "mk3");
const WORKSPACE: (&str, &str) = ("BL_WORKSPACE", "my-team");

/// The MD5 hash of `my-team-agent-support-bot`, as the program `md5sum` prints it.
const HASH: &str = "400c38e71522e251d3bf859a20b74bd2";

#[test]
fn hosts_are_found_on_the_platform_only() {
    for outside in [
        &[][..],
        &[HOST, WORKSPACE],
        &[GENERATION, WORKSPACE],
        &[HOST, ("BL_GENERATION", " "), WORKSPACE],
        &[("BL_RUN_INTERNAL_HOST", ""), GENERATION, WORKSPACE],
    ] {
        assert_eq!(hosts(outside).unwrap(), None, "{outside:?}");
    }
    for (more, url) in [
        (&[][..], format!("https://bl-prod-{HASH}.internal.example")),
        (
            &[("BL_ENV", "dev")],
            format!("https://bl-dev-{HASH}.internal.example"),
        ),
        (
            &[("BL_RUN_INTERNAL_PROTOCOL", "http"), ("BL_ENV", "")],
            format!("http://bl-prod-{HASH}.internal.example"),
        ),
    ] {
        let variables = [&[HOST, GENERATION, WORKSPACE], more].concat();
        let hosts = hosts(&variables).unwrap().unwrap();
        assert_eq!(hosts.agent_url("support-bot"), url);
        assert_ne!(hosts.agent_url("support-bot-2"), url);
    }
    for bad in [
        &[HOST, GENERATION][..],
        &[HOST, GENERATION, ("BL_WORKSPACE", "a/b")],
    ] {
        let error = hosts(bad).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("BL_WORKSPACE"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_agent_is_called_at_its_internal_host_unless_its_address_is_set() {
    let (service, journal) = scripted(|_| support::json(&json!({})));
    let internal = hosts(&[HOST, GENERATION, WORKSPACE]).unwrap().unwrap();
    let inference = Inference::new(service)
        .internal_hosts(internal.clone())
        .url_overrides(|name| {
            (name == "BL_AGENT_LOCAL_URL").then(|| "http://localhost:1338".to_owned())
        });
    let call = async |agent: blaxel_inference::AgentCall<_>| {
        agent.invoke::<Value>(&json!({})).await.unwrap();
        journal.lock().unwrap().last().unwrap().uri()
    };
    let url = format!("{}/", internal.agent_url("support-bot"));
    assert_eq!(call(inference.agent("support-bot")).await, url);
    // The address is known, so nothing is looked up.
    let resolved = inference.agent("support-bot").resolve().await.unwrap();
    assert_eq!(call(resolved).await, url);
    assert_eq!(journal.lock().unwrap().len(), 2);
    assert_eq!(
        call(inference.agent("local")).await,
        "http://localhost:1338/"
    );
    let given = inference
        .agent("support-bot")
        .url("https://given.example/x");
    assert_eq!(call(given).await, "https://given.example/x");
    // Models have no internal hosts.
    let model = inference
        .model("fast")
        .request(http::Method::GET, "v1/models");
    model.send().await.unwrap();
    let last = journal.lock().unwrap().last().unwrap().uri();
    assert_eq!(last, "/models/fast/v1/models");
}

/// The credential is sent along, so it must not go over an unencrypted connection.
#[tokio::test]
async fn an_unencrypted_internal_host_is_refused() {
    let (service, journal) = scripted(|_| support::json(&json!({})));
    let plain = [
        HOST,
        GENERATION,
        WORKSPACE,
        ("BL_RUN_INTERNAL_PROTOCOL", "http"),
    ];
    let inference = Inference::new(service).internal_hosts(hosts(&plain).unwrap().unwrap());
    let refused = inference
        .agent("a")
        .invoke::<Value>(&json!({}))
        .await
        .unwrap_err();
    assert!(
        refused.is_input() && refused.to_string().contains("BL_RUN_INTERNAL_HOST"),
        "{refused}"
    );
    assert!(journal.lock().unwrap().is_empty());
}
