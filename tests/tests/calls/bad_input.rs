//! Promise: invalid input is reported, with its source, before anything is sent.

use blaxel_auth::{Credentials, Variables};
use blaxel_billing::Window;
use blaxel_core::{Error, ListParams, Secret};
use blaxel_emulator::Emulator;
use blaxel_management::Management;
use blaxel_transport::{Client, ClientBuilder};

fn from(variables: &[(&str, &str)]) -> Result<Client, Error> {
    let no_home = [("HOME", "/nonexistent")];
    let variables: Variables = variables.iter().chain(&no_home).copied().collect();
    ClientBuilder::from_variables(&variables)?.build()
}

const KEY: (&str, &str) = ("BL_API_KEY", "bl_key");

#[test]
fn whitespace_around_any_variable_is_ignored() {
    let same = |text: &str| format!("\u{feff}{text}\r\n");
    let names = [
        ("BL_API_KEY", "bl_key"),
        ("BL_API_URL", "https://api.blaxel.dev/v0"),
        ("BL_API_VERSION", "2026-04-16"),
        ("BL_ENV", "prod"),
        ("BL_REGION", "us-pdx-1"),
        ("BL_RUN_URL", "https://run.blaxel.dev"),
        ("BL_WORKSPACE", "team"),
    ];
    let texts = names.map(|(name, text)| (name, same(text)));
    let padded = texts.iter().map(|(name, text)| (*name, text.as_str()));
    let padded = from(&padded.collect::<Vec<_>>()).unwrap();
    assert_eq!(
        format!("{padded:?}"),
        format!("{:?}", from(&names).unwrap())
    );
    assert_eq!(padded.region(), Some("us-pdx-1"));
    let blank = names.map(|(name, _)| (name, " \r\n"));
    let blank = from(&[&blank[1..], &[KEY]].concat()).unwrap();
    assert_eq!(format!("{blank:?}"), format!("{:?}", from(&[KEY]).unwrap()));
}

#[test]
fn every_bad_variable_is_named() {
    for (variables, name, part) in [
        (
            vec![KEY, ("BL_API_VERSION", "newest")],
            "BL_API_VERSION",
            "`newest` is not YYYY-MM-DD",
        ),
        (
            vec![KEY, ("BL_API_VERSION", "2026-02-30")],
            "BL_API_VERSION",
            "not a day of the calendar",
        ),
        (
            vec![KEY, ("BL_WORKSPACE", "a\nb")],
            "BL_WORKSPACE",
            "more than one line",
        ),
        (
            vec![KEY, ("BL_REGION", "us\u{1b}[0m")],
            "BL_REGION",
            "control character",
        ),
        (
            vec![KEY, ("BL_WORKSPACE", "a/b")],
            "BL_WORKSPACE",
            "letters",
        ),
        (
            vec![KEY, ("BL_API_URL", "api.blaxel.ai")],
            "BL_API_URL",
            "expected an address",
        ),
        (
            vec![KEY, ("BL_API_URL", "http://api.blaxel.ai/v0")],
            "BL_API_URL",
            "loopback",
        ),
        (
            vec![KEY, ("BL_RUN_URL", "ftp://run.blaxel.ai")],
            "BL_RUN_URL",
            "neither https",
        ),
        (
            vec![KEY, ("BL_ENV", "production")],
            "BL_ENV",
            "`production`",
        ),
        (vec![("BL_API_KEY", "two\nlines")], "BL_API_KEY", ""),
        (
            vec![("BL_CLIENT_CREDENTIALS", "no-colon-and-no-base64!")],
            "BL_CLIENT_CREDENTIALS",
            "",
        ),
        (
            vec![("BL_CLIENT_CREDENTIALS", ":secret-only")],
            "BL_CLIENT_CREDENTIALS",
            "",
        ),
    ] {
        let error = from(&variables).unwrap_err();
        assert!(error.is_input(), "{variables:?}: {error}");
        let text = error.to_string();
        assert!(
            text.contains(name) && text.contains(part),
            "{variables:?}: {text}"
        );
        assert!(
            !text.contains("secret-only") && !text.contains("two\nlines"),
            "{text}"
        );
    }
}

#[test]
fn empty_variables_count_as_unset() {
    let client = from(&[
        KEY,
        ("BL_WORKSPACE", ""),
        ("BL_API_URL", ""),
        ("BL_ENV", ""),
    ])
    .unwrap();
    assert_eq!(
        client.endpoints().control.to_string(),
        "https://api.blaxel.ai/v0"
    );
    assert!(client.workspace().is_none());
}

#[test]
fn the_deployment_decides_the_addresses() {
    let client = from(&[KEY, ("BL_ENV", "dev")]).unwrap();
    assert_eq!(
        client.endpoints().control.to_string(),
        "https://api.blaxel.dev/v0"
    );
    assert_eq!(client.endpoints().run.to_string(), "https://run.blaxel.dev");
}

#[test]
fn missing_credentials_name_the_ways_to_set_them() {
    for error in [
        from(&[]).unwrap_err(),
        Client::builder().build().unwrap_err(),
    ] {
        assert_eq!(error.kind(), blaxel_core::ErrorKind::Credentials);
    }
    let error = from(&[]).unwrap_err().to_string();
    assert!(
        error.contains("BL_API_KEY") && error.contains("bl login"),
        "{error}"
    );
}

#[test]
fn settings_in_code_are_checked_when_the_client_is_built() {
    let builder = || Client::builder().api_key("bl_key");
    for (builder, part) in [
        (builder().workspace(""), "workspace"),
        (builder().api_url("nonsense"), "nonsense"),
        (builder().run_url("http://example.com"), "loopback"),
        (builder().trust("https://user@host"), "names a user"),
        (builder().user_agent("two\nlines"), "user agent"),
        (Client::builder().api_key(Secret::from("")), "empty"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(part),
            "{error}"
        );
    }
    assert!(Credentials::client_credentials("id:with-colon", "secret").is_err());
}

#[tokio::test]
async fn a_zero_limit_and_a_reversed_window_are_refused_before_sending() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .api_url(emulator.url())
        .build()
        .unwrap();
    let agents = Management::new(client).agents();
    assert!(
        agents
            .list_with(&ListParams::new().limit(0))
            .await
            .unwrap_err()
            .is_input()
    );
    assert!(
        agents
            .items_with(&ListParams::new().limit(0))
            .try_next()
            .await
            .unwrap_err()
            .is_input()
    );
    let (start, end) = (
        "2026-05-01T00:00:00Z".parse().unwrap(),
        "2026-04-01T00:00:00Z".parse().unwrap(),
    );
    assert!(Window::new(start, end).unwrap_err().is_input());
    assert!(emulator.journal().is_empty());
}
