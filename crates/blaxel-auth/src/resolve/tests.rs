use blaxel_core::{ErrorKind, Source};

use super::*;

fn resolve_from<const N: usize>(pairs: [(&str, &str); N]) -> Result<Credentials, Error> {
    Credentials::resolve(&Variables::from_iter(pairs))
}

#[test]
fn the_api_key_takes_precedence() {
    let found = resolve_from([
        ("BL_API_KEY", "key"),
        ("BL_CLIENT_CREDENTIALS", "malformed, but not read"),
        ("BL_WORKSPACE", "team"),
    ])
    .unwrap();
    assert_eq!(found.kind(), CredentialKind::ApiKey);
    assert_eq!(found.source(), &Source::variable("BL_API_KEY"));
    assert_eq!(found.workspace().unwrap().as_str(), "team");
}

#[test]
fn an_explicit_workspace_takes_precedence_over_the_variable() {
    let team = "other".parse::<Workspace>().unwrap();
    let variables = Variables::from_iter([("BL_API_KEY", "key"), ("BL_WORKSPACE", "not a name")]);
    let found = Credentials::resolve_in(&variables, &team).unwrap();
    assert_eq!(found.workspace(), Some(&team));
    let error = Credentials::resolve(&variables).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("BL_WORKSPACE"),
        "{error}"
    );
}

#[test]
fn an_unusable_variable_is_an_error_and_ends_the_search() {
    for (name, value) in [
        ("BL_API_KEY", "can ary"),
        ("BL_CLIENT_CREDENTIALS", "canary"),
    ] {
        let error = resolve_from([(name, value)]).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(name),
            "{error}"
        );
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn the_error_without_credentials_says_what_to_do() {
    assert!(
        Credentials::from_variables(&Variables::default())
            .unwrap()
            .is_none()
    );
    let error = resolve_from([("BL_API_KEY", ""), ("BL_CLIENT_CREDENTIALS", "")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    let text = error.to_string();
    for part in [
        "BL_API_KEY",
        "BL_CLIENT_CREDENTIALS",
        "BL_WORKSPACE",
        "bl login",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[cfg(feature = "oauth")]
#[test]
fn client_credentials_come_second() {
    let found = resolve_from([
        ("BL_API_KEY", ""),
        ("BL_CLIENT_CREDENTIALS", "aWQ6c2VjcmV0\n"),
    ])
    .unwrap();
    assert_eq!(found.kind(), CredentialKind::ClientCredentials);
    assert_eq!(found.source(), &Source::variable("BL_CLIENT_CREDENTIALS"));
}

#[cfg(not(feature = "oauth"))]
#[test]
fn client_credentials_without_oauth_name_the_feature() {
    let error = resolve_from([("BL_CLIENT_CREDENTIALS", "id:canary")]).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("feature `oauth`"),
        "{error}"
    );
    assert!(!error.to_string().contains("canary"), "{error}");
}
