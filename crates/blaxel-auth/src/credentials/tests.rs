use super::*;

fn variable() -> Source {
    Source::variable("BL_TEST")
}

/// Returns the header of credentials that are sent as they are.
fn header(credentials: &Credentials) -> &str {
    match &credentials.grant {
        Grant::Bearer { header, .. } => header.to_str().unwrap(),
        #[cfg(feature = "oauth")]
        _ => panic!("these are exchanged"),
    }
}

#[test]
fn a_key_is_sent_as_a_bearer_token_without_surrounding_whitespace() {
    let key = Credentials::api_key(" bl_abc\n").unwrap();
    assert_eq!(header(&key), "Bearer bl_abc");
    assert_eq!(key.kind(), CredentialKind::ApiKey);
    let token = Credentials::access_token("a.b-c_d~e+f/g=").unwrap();
    assert_eq!(header(&token), "Bearer a.b-c_d~e+f/g=");
    assert_eq!(token.kind(), CredentialKind::AccessToken);
}

#[test]
fn the_error_for_a_malformed_key_names_its_source_and_not_the_key() {
    for (key, part) in [
        ("", "empty"),
        (" \n", "empty"),
        ("canary\u{7}", "character 7"),
        ("canary canary", "character 7"),
        ("canarÿ", "character 6"),
        ("can\r\nX-Evil: ary", "character 4"),
        ("Bearer canary", "give only the part after"),
        ("bEARER canary", "give only the part after"),
    ] {
        let kind = CredentialKind::ApiKey;
        let error = Credentials::bearer(kind, &key.into(), variable()).unwrap_err();
        let text = error.to_string();
        assert!(error.is_input(), "{text}");
        assert!(
            text.contains("API key") && text.contains("BL_TEST"),
            "{text}"
        );
        assert!(text.contains(part), "{text}");
        assert!(!format!("{error:?}{text}").contains("canar"), "{text}");
    }
}

#[test]
fn kind_source_and_workspace_have_getters() {
    let key = Credentials::api_key("k").unwrap();
    assert_eq!((key.source(), key.workspace()), (&Source::Code, None));
    let team = "team".parse::<Workspace>().unwrap();
    let key = key.with_workspace(team.clone());
    assert_eq!((key.workspace(), key.environment()), (Some(&team), None));
    assert_eq!(
        format!("{key:?}"),
        r#"Credentials { kind: ApiKey, source: Code, workspace: Some(Workspace("team")), environment: None, .. }"#
    );
}

#[cfg(feature = "oauth")]
mod client {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    fn pair(credentials: &Credentials) -> (&str, &str) {
        match &credentials.grant {
            Grant::Client { id, secret, .. } => (id, secret.expose()),
            _ => panic!("these are not exchanged"),
        }
    }

    #[test]
    fn plain_and_base64_client_credentials_are_parsed() {
        let long = format!("{}:{}", "i".repeat(36), "s".repeat(64));
        let wrapped = BASE64_STANDARD.encode(&long);
        let wrapped = format!("{}\r\n{}\n", &wrapped[..76], &wrapped[76..]);
        for (text, id, secret) in [
            ("id:secret", "id", "secret"),
            (" id:secret\n", "id", "secret"),
            ("id:se:cr:et", "id", "se:cr:et"),
            ("aWQ6c2VjcmV0", "id", "secret"),
            ("aWQ6c2VjcmV0\n", "id", "secret"),
            ("aWQ6c2VjcmV0IQ==", "id", "secret!"),
            ("aWQ6c2VjcmV0IQ", "id", "secret!"),
            ("aWQ6c2VjcmV0Cg==", "id", "secret"),
            ("aWQ6c2U6Y3JldA==", "id", "se:cret"),
            (&wrapped, &"i".repeat(36), &"s".repeat(64)),
        ] {
            let credentials = Credentials::service_account(text, variable()).unwrap();
            assert_eq!(pair(&credentials), (id, secret), "{text}");
            assert_eq!(credentials.source(), &variable());
            assert_eq!(credentials.kind(), CredentialKind::ClientCredentials);
        }
    }

    #[test]
    fn the_error_for_malformed_client_credentials_names_their_source_and_not_the_text() {
        let no_text = BASE64_STANDARD.encode(b"canary:\xff\xfe");
        let no_colon = BASE64_STANDARD.encode("canary");
        for (text, part) in [
            ("", "empty"),
            ("\n", "empty"),
            ("canary!", "neither"),
            ("Basic Y2FuYXJ5OmNhbmFyeQ==", "neither"),
            (":canary", "id is empty"),
            ("canary:", "secret is empty"),
            ("can\u{7}ary:x", "id contains"),
            ("x:canary\r\ncanary", "secret contains"),
            ("x:canarÿ", "secret contains"),
            (&no_text, "neither"),
            (&no_colon, "neither"),
            ("Og==", "id is empty"),
        ] {
            let error = Credentials::service_account(text, variable()).unwrap_err();
            let shown = error.to_string();
            assert!(error.is_input(), "{shown}");
            assert!(
                shown.contains("client credentials") && shown.contains("BL_TEST"),
                "{shown}"
            );
            assert!(shown.contains(part), "{text:?}: {shown}");
            assert!(!format!("{error:?}{shown}").contains("canar"), "{shown}");
        }
        assert!(
            Credentials::client_credentials("a:b", "c")
                .unwrap_err()
                .is_input()
        );
        assert!(
            Credentials::client_credentials("", "c")
                .unwrap_err()
                .is_input()
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = Credentials::service_account(&text, variable());
        }

        #[test]
        fn client_credentials_are_read_back_equal(id in "[!-9;-~]{1,40}", secret in "[!-~]([ -~]{0,60}[!-~])?") {
            let raw = format!("{id}:{secret}");
            let encoded = BASE64_STANDARD.encode(&raw);
            for text in [&raw, &encoded, encoded.trim_end_matches('='), &format!("{encoded}\n")] {
                let read = Credentials::service_account(text, variable()).unwrap();
                prop_assert_eq!(pair(&read), (id.as_str(), secret.as_str()));
            }
        }
    }
}
