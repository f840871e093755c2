use std::sync::{Arc, Mutex};

use blaxel_core::Body;
use http::{Request, Response};
use serde_json::{Value, json};

use super::*;
use crate::CredentialKind;

type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// Creates a platform on which every login is confirmed at once, and the list of its requests.
fn platform() -> (impl HttpService, Requests) {
    let requests = Requests::default();
    let received = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Body>| {
        let address = request.uri().to_string();
        let body = request.body().bytes().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let refreshed = body["grant_type"] == "refresh_token";
        let response = if address.ends_with("/login/device") {
            json!({
                "device_code": "d",
                "user_code": "ABCD-EFGH",
                "verification_uri": "https://app.blaxel.ai/device",
            })
        } else if refreshed {
            json!({"access_token": "a2", "refresh_token": "r2", "expires_in": 7200})
        } else {
            json!({"access_token": "a", "refresh_token": "r", "expires_in": 100})
        };
        received.lock().unwrap().push((address, body));
        async move { Ok::<_, Error>(Response::new(Body::from(response.to_string()))) }
    });
    (service, requests)
}

fn addresses(requests: &Requests) -> Vec<String> {
    let requests = requests.lock().unwrap();
    requests
        .iter()
        .map(|(address, _)| address.clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_variables_select_the_platform_and_the_workspace() {
    let (service, requests) = platform();
    let variables = Variables::from_iter([("BL_ENV", "dev"), ("BL_WORKSPACE", "team")]);
    let login = DeviceLogin::from_variables(&variables, service).unwrap();
    let mut shown = String::new();
    let show = |prompt: &PendingLogin| shown = format!("{} {}", prompt.url(), prompt.user_code());
    let credentials = login.sign_in(show).await.unwrap();
    assert_eq!(shown, "https://app.blaxel.ai/device ABCD-EFGH");
    assert_eq!(credentials.kind(), CredentialKind::RefreshToken);
    assert_eq!(credentials.environment(), Some(Environment::Development));
    assert_eq!(credentials.workspace().unwrap().as_str(), "team");
    assert_eq!(
        addresses(&requests),
        [
            "https://api.blaxel.dev/v0/login/device",
            "https://api.blaxel.dev/v0/oauth/token"
        ]
    );
    assert_eq!(requests.lock().unwrap()[0].1["workspace"], "team");
}

#[tokio::test(start_paused = true)]
async fn the_default_is_production_and_any_workspace() {
    let (service, requests) = platform();
    let login = DeviceLogin::from_variables(&Variables::default(), service).unwrap();
    let credentials = login.sign_in(|_| ()).await.unwrap();
    assert_eq!(credentials.environment(), Some(Environment::Production));
    assert_eq!(credentials.workspace(), None);
    assert!(addresses(&requests)[0].starts_with("https://api.blaxel.ai/v0/"));
    assert!(requests.lock().unwrap()[0].1.get("workspace").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_api_url_variable_takes_precedence_and_an_unusable_variable_is_named() {
    let (service, requests) = platform();
    let variables = Variables::from_iter([("BL_ENV", "dev"), ("BL_API_URL", "http://[::1]:1/v0")]);
    let login = DeviceLogin::from_variables(&variables, service).unwrap();
    login.sign_in(|_| ()).await.unwrap();
    assert_eq!(addresses(&requests)[0], "http://[::1]:1/v0/login/device");
    for name in ["BL_ENV", "BL_API_URL", "BL_WORKSPACE"] {
        let variables = Variables::from_iter([(name, "a/b")]);
        let error = DeviceLogin::from_variables(&variables, platform().0).unwrap_err();
        let text = error.to_string();
        assert!(error.is_input() && text.contains(name), "{text}");
    }
}

#[cfg(feature = "config-write")]
#[tokio::test(start_paused = true)]
async fn a_stored_sign_in_is_found_again_and_kept_up_to_date() {
    use std::time::Duration;

    use blaxel_core::Workspace;

    use crate::{Authenticator, ConfigFile};

    let unique = format!("blaxel-auth-login-{}", std::process::id());
    let home = std::env::temp_dir().join(unique);
    let path = home.join(".blaxel/config.yaml");
    let writer = ConfigFile::writer(&path);
    let (service, requests) = platform();
    let variables = Variables::from_iter([("BL_ENV", "dev")]);
    let login = DeviceLogin::from_variables(&variables, service.clone()).unwrap();

    let error = login.sign_in_and_store(&writer, |_| ()).await.unwrap_err();
    let text = error.to_string();
    assert!(error.is_input() && text.contains("BL_WORKSPACE"), "{text}");
    assert!(requests.lock().unwrap().is_empty() && !path.exists());

    let team = "team".parse::<Workspace>().unwrap();
    let login = login.with_workspace(team.clone());
    let credentials = login.sign_in_and_store(&writer, |_| ()).await.unwrap();
    assert_eq!(credentials.source(), &Source::File(path.clone()));
    let stored = || {
        let file = ConfigFile::read(&path).unwrap().unwrap();
        file.credentials(Some(&team)).unwrap().unwrap()
    };
    assert_eq!(stored().environment(), Some(Environment::Development));
    let refresh = |credentials: &Credentials| {
        let tokens = credentials.tokens().unwrap();
        tokens.refresh_token().unwrap().expose().to_owned()
    };
    assert_eq!(refresh(&stored()), "r");

    let base = "https://api.blaxel.dev/v0".parse::<BaseUrl>().unwrap();
    let authenticator = Authenticator::new(&credentials, &base, service);
    assert_eq!(authenticator.header().await.unwrap(), "Bearer a");
    tokio::time::sleep(Duration::from_secs(101)).await;
    assert_eq!(authenticator.header().await.unwrap(), "Bearer a2");
    assert_eq!(refresh(&stored()), "r2");
    assert!(credentials.save_error().is_none());
    std::fs::remove_dir_all(home).unwrap();
}
