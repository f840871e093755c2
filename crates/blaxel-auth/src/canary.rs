//! Tests that no public type shows a secret in its output.

use blaxel_core::{BaseUrl, Body, Error, HttpService};

use crate::{Authenticator, CredentialKind, Credentials, Variables};

const CANARY: &str = "canary0123456789";

fn check(shown: &[String]) {
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
    }
}

fn debug(value: &impl std::fmt::Debug) -> String {
    format!("{value:?} {value:#?}")
}

fn working(credentials: &Credentials) -> Authenticator {
    let service = tower::service_fn(async |_: http::Request<Body>| {
        let token = format!(r#"{{"access_token":"{CANARY}","token_type":"Bearer"}}"#);
        Ok::<_, Error>(http::Response::new(Body::from(token)))
    });
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    Authenticator::new(credentials, &base, service.boxed())
}

#[tokio::test]
async fn nothing_public_shows_a_secret() {
    #[cfg_attr(not(feature = "oauth"), expect(unused_mut))]
    let mut all = vec![
        Credentials::api_key(CANARY).unwrap(),
        Credentials::access_token(CANARY).unwrap(),
    ];
    #[cfg(feature = "oauth")]
    {
        all.push(Credentials::client_credentials(CANARY, CANARY).unwrap());
        let tokens = crate::Tokens::new()
            .with_access_token(CANARY)
            .with_refresh_token(CANARY)
            .with_device_code(CANARY);
        check(&[debug(&crate::Dialect::Blaxel), debug(&tokens)]);
        all.push(Credentials::from_tokens(tokens).unwrap());
        all.push(Credentials::from_fn(async || Ok::<_, Error>(CANARY)));
        let token = crate::AccessToken::new(CANARY);
        check(&[debug(&token)]);
    }
    for credentials in all {
        let authenticator = working(&credentials);
        let header = authenticator.header().await.unwrap();
        assert!(header.to_str().unwrap().contains(CANARY));
        check(&[
            debug(&credentials),
            debug(&credentials.kind()),
            credentials.kind().to_string(),
            debug(&authenticator),
            debug(&crate::HeaderProvider::new(authenticator.clone())),
            debug(&header),
        ]);
    }
    check(&[debug(&CredentialKind::ApiKey)]);
    let variables = Variables::from_iter([("BL_API_KEY", CANARY)]);
    check(&[debug(&variables)]);
}

#[cfg(feature = "config-file")]
#[test]
fn the_configuration_file_shows_no_secret() {
    let path = std::env::temp_dir().join(format!("blaxel-auth-canary-{}.yaml", std::process::id()));
    let text = format!(
        "workspaces:\n- name: a\n  credentials: {{apiKey: {CANARY}}}\n\
         - name: b\n  credentials: {{client_credentials: '{CANARY}:{CANARY}'}}\n\
         - name: c\n  credentials: {{access_token: {CANARY}, refresh_token: {CANARY}}}\n"
    );
    std::fs::write(&path, text).unwrap();
    let file = crate::ConfigFile::read(&path).unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(file.workspaces().count(), 3);
    check(&[debug(&file)]);
}
