use blaxel_core::ErrorKind as Kind;

use super::*;
use crate::jwt::sample;
use crate::{CredentialKind, Credentials, Environment};

fn file(text: &str) -> Result<ConfigFile, Error> {
    let path = Path::new("/nowhere/.blaxel/config.yaml");
    let problem =
        |problem: &dyn fmt::Display| Error::input("configuration", &Source::Code, problem);
    let root = Node::parse(text).map_err(|error| problem(&error))?;
    ConfigFile::from_node(path, &root).map_err(|error| problem(&error))
}

/// A temporary home directory, removed when dropped.
pub(super) struct Home(pub(super) PathBuf);

impl Home {
    pub(super) fn new(name: &str) -> Self {
        let unique = format!("blaxel-auth-{name}-{}", std::process::id());
        let home = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(home.join(".blaxel")).unwrap();
        Self(home)
    }

    pub(super) fn with(self, text: &str) -> Self {
        std::fs::write(self.0.join(".blaxel/config.yaml"), text).unwrap();
        self
    }

    fn variables<const N: usize>(&self, pairs: [(&str, &str); N]) -> Variables {
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let home = [(home, self.0.to_str().unwrap())];
        Variables::from_iter(home.into_iter().chain(pairs))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn entry(credentials: &str) -> String {
    format!("context:\n  workspace: team\nworkspaces:\n- name: team\n  credentials:\n{credentials}")
}

fn workspace(name: &str) -> Workspace {
    name.parse::<Workspace>().unwrap()
}

#[test]
fn the_credential_of_an_entry_is_taken_by_precedence() {
    use CredentialKind::{AccessToken, ApiKey};
    #[cfg(feature = "oauth")]
    let refreshable = Some(CredentialKind::RefreshToken);
    #[cfg(not(feature = "oauth"))]
    let refreshable = None;
    let fresh = sample(r#"{"exp":4102444800}"#);
    for (credentials, kind) in [
        ("    apiKey: \"bl_x\"\n    access_token: t\n", Some(ApiKey)),
        ("    access_token: t\n    apiKey: bl_x\n", Some(ApiKey)),
        (
            "    apiKey: ''\n    access_token: opaque\n",
            Some(AccessToken),
        ),
        (
            "    apiKey: null\n    access_token: opaque\n",
            Some(AccessToken),
        ),
        (
            &format!("    access_token: {fresh}\n    refresh_token: r\n"),
            refreshable.or(Some(AccessToken)),
        ),
        ("    apiKey: 12345\n", Some(ApiKey)),
        ("    refresh_token: r\n    device_code: d\n", refreshable),
        ("    refresh_token: ''\n    device_code: d\n", None),
        ("    apiKey:\n", None),
        ("    null\n", None),
        ("    []\n", None),
        ("", None),
    ] {
        let found = file(&entry(credentials))
            .unwrap()
            .credentials(None)
            .unwrap();
        assert_eq!(found.as_ref().map(Credentials::kind), kind, "{credentials}");
        if let Some(found) = found {
            assert_eq!(found.workspace(), Some(&workspace("team")));
            assert!(matches!(found.source(), Source::File(_)));
        }
    }
}

#[cfg(feature = "oauth")]
#[test]
fn client_credentials_in_both_spellings_rank_between_the_key_and_the_token() {
    for name in ["client_credentials", "clientCredentials"] {
        for value in ["id:secret", "\"id:secret\"", "aWQ6c2VjcmV0"] {
            let text = entry(&format!("    access_token: t\n    {name}: {value}\n"));
            let found = file(&text).unwrap().credentials(None).unwrap().unwrap();
            assert_eq!(found.kind(), CredentialKind::ClientCredentials, "{text}");
        }
        let text = entry(&format!("    {name}: id:secret\n    apiKey: k\n"));
        let found = file(&text).unwrap().credentials(None).unwrap().unwrap();
        assert_eq!(found.kind(), CredentialKind::ApiKey, "{text}");
    }
}

#[test]
fn names_that_yaml_reads_as_other_types_are_names() {
    for name in [
        "123",
        "true",
        "1e3",
        "0123",
        "null-team",
        "1.50",
        "'null'",
        "\"~x\"",
    ] {
        let text = format!(
            "context: {{workspace: {name}}}\nworkspaces:\n- {{name: {name}, credentials: {{apiKey: k}}}}\n"
        );
        let read = file(&text).unwrap();
        let plain = name.trim_matches(['"', '\'']);
        assert_eq!(read.workspaces().collect::<Vec<_>>(), [plain], "{text}");
        if name != "\"~x\"" {
            let found = read.credentials(None).unwrap().unwrap();
            assert_eq!(found.workspace().unwrap().as_str(), plain);
        }
    }
}

#[test]
fn missing_and_null_members_are_not_errors() {
    for text in [
        "",
        "# only a comment\n",
        "---\n",
        "null\n",
        "{}",
        "tracking: true\n",
        "context:\nworkspaces:\n",
        "context:\n  workspace:\nworkspaces: null\n",
        "context:\n  workspace: ''\nworkspaces: []\n",
        "context: text\nworkspaces: [null, 1, {}, {name: null}, [1]]\n",
        "? [complex, key]\n: value\nother: {nested: [1, {deep: 2}]}\n",
    ] {
        let read = file(text).unwrap();
        assert!(read.is_blank(), "{text}");
        assert!(read.credentials(None).unwrap().is_none(), "{text}");
        assert!(
            read.credentials(Some(&workspace("team")))
                .unwrap()
                .is_none(),
            "{text}"
        );
    }
}

#[test]
fn the_error_for_a_malformed_file_shows_nothing_of_it() {
    let deep = "[".repeat(10_000);
    for text in [
        "canary",
        "[canary]",
        "workspaces: canary\n",
        "workspaces:\n- name: team\n  credentials: {apiKey: \"canary",
        "a: b: canary\n",
        "x: &anchor canary\ny: *anchor\n",
        &deep,
    ] {
        let error = file(text).expect_err(text);
        assert!(error.is_input(), "{error}");
        assert!(!format!("{error:?}{error}").contains("canary"), "{error}");
    }
}

#[test]
fn a_value_of_several_lines_is_an_error_of_its_own_sign_in_only() {
    let text = "workspaces:\n- name: good\n  credentials: {apiKey: \"bl_x\\r\\n\"}\n\
                - {name: \"a\\nb\", credentials: {apiKey: bl_y}}\n\
                - {name: \"\\uFEFFbad\\r\", credentials: {refresh_token: \"r\", device_code: \"can\\u0007ary\"}}\n";
    let file = file(&format!("\u{feff}{text}")).unwrap();
    assert_eq!(file.workspaces().collect::<Vec<_>>(), ["good", "bad"]);
    assert!(
        file.credentials(Some(&workspace("good")))
            .unwrap()
            .is_some()
    );
    let bad = file.credentials(Some(&workspace("bad")));
    #[cfg(feature = "oauth")]
    {
        let error = bad.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            error.is_input() && shown.contains("`device_code`"),
            "{shown}"
        );
        assert!(
            shown.contains("workspace bad") && !shown.contains("ary"),
            "{shown}"
        );
    }
    #[cfg(not(feature = "oauth"))]
    assert!(bad.unwrap().is_none());
}

#[test]
fn credentials_have_the_environment_of_the_sign_in() {
    for (env, expected) in [
        ("dev", Some(Environment::Development)),
        ("prod", Some(Environment::Production)),
        ("''", None),
    ] {
        let text =
            format!("workspaces:\n- name: team\n  env: {env}\n  credentials:\n    apiKey: k\n");
        let found = file(&text)
            .unwrap()
            .credentials(Some(&workspace("team")))
            .unwrap()
            .unwrap();
        assert_eq!(found.environment(), expected);
    }
    let unknown =
        entry("    apiKey: canary\n").replace("- name: team", "- name: team\n  env: moon");
    let error = file(&unknown).unwrap().credentials(None).unwrap_err();
    let text = error.to_string();
    assert!(error.is_input() && text.contains("`moon`"), "{text}");
    assert!(
        text.contains("config.yaml") && !text.contains("canary"),
        "{text}"
    );
}

#[test]
fn the_error_lists_only_workspaces_with_a_credential() {
    let empty = "- name: three\n  credentials: {}\n";
    let home = Home::new("offered").with(&format!("{TWO}{empty}"));
    let error = Credentials::resolve_in(&home.variables([]), &workspace("three")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("no sign-in for the workspace three, only for one, two;"),
        "{text}"
    );
    let home = Home::new("none-offered").with(&format!("workspaces:\n{empty}"));
    let error = Credentials::resolve_in(&home.variables([]), &workspace("three")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("config.yaml has no sign-in;"), "{text}");
}

#[test]
fn an_expired_sign_in_is_an_error_with_advice() {
    let canary = sample(r#"{"exp":1000}"#);
    let file = file(&entry(&format!("    access_token: {canary}\n"))).unwrap();
    let error = file.credentials(None).unwrap_err();
    assert_eq!(error.kind(), Kind::Credentials);
    let text = error.to_string();
    assert!(
        text.contains("expired") && text.contains("bl login team"),
        "{text}"
    );
    assert!(
        text.contains("config.yaml") && !text.contains(&canary),
        "{text}"
    );
}

const TWO: &str = "
context:
  workspace: one
workspaces:
- name: one
  credentials:
    apiKey: first
- name: two
  env: dev
  credentials:
    apiKey: second
";

#[test]
fn the_workspace_is_the_explicit_one_then_that_of_the_variable_then_the_current_one() {
    let home = Home::new("choice").with(TWO);
    let named = |found: Result<Credentials, Error>| {
        let found = found.unwrap();
        (
            found.workspace().unwrap().as_str().to_owned(),
            found.environment(),
        )
    };
    let one = ("one".to_owned(), None);
    let two = ("two".to_owned(), Some(Environment::Development));
    assert_eq!(named(Credentials::resolve(&home.variables([]))), one);
    let variables = home.variables([("BL_WORKSPACE", "two")]);
    assert_eq!(named(Credentials::resolve(&variables)), two);
    assert_eq!(
        named(Credentials::resolve_in(&variables, &workspace("one"))),
        one
    );
    let error = Credentials::resolve_in(&variables, &workspace("three")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("three") && text.contains("one, two"),
        "{text}"
    );
    assert!(text.contains("bl login three"), "{text}");
}

#[test]
fn a_key_of_the_environment_uses_the_workspace_of_the_file_but_not_its_deployment() {
    let home = Home::new("fallback").with(&TWO.replace("workspace: one", "workspace: two"));
    let found = Credentials::resolve(&home.variables([("BL_API_KEY", "k")])).unwrap();
    assert_eq!(found.workspace().unwrap().as_str(), "two");
    assert_eq!(found.source(), &Source::variable("BL_API_KEY"));
    assert_eq!(found.environment(), None);
}

#[test]
fn a_file_that_is_not_needed_is_not_opened() {
    let home = Home::new("unneeded").with("[not: valid");
    let variables = home.variables([("BL_API_KEY", "k"), ("BL_WORKSPACE", "w")]);
    assert!(Credentials::resolve(&variables).is_ok());
    let error = Credentials::resolve(&home.variables([("BL_API_KEY", "k")])).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("config.yaml"),
        "{error}"
    );
}

#[test]
fn an_absent_file_is_none_and_an_unreadable_one_is_an_error() {
    let home = Home::new("absent");
    let path = ConfigFile::default_path(&home.variables([])).unwrap();
    assert!(ConfigFile::read(&path).unwrap().is_none());
    assert!(
        ConfigFile::read(path.join("below/a/missing/one"))
            .unwrap()
            .is_none()
    );
    let error = Credentials::resolve(&home.variables([])).unwrap_err();
    assert_eq!(error.kind(), Kind::Credentials);
    assert!(error.to_string().contains("there is no file"), "{error}");
    let error = ConfigFile::read(&home.0).unwrap_err();
    assert!(error.is_input(), "{error}");
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(
        ConfigFile::read(&path)
            .unwrap_err()
            .to_string()
            .contains("UTF-8")
    );
}

#[test]
fn without_an_absolute_home_directory_there_is_no_file() {
    assert!(ConfigFile::default_path(&Variables::default()).is_none());
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let relative = Variables::from_iter([(home, "some/where")]);
    assert!(ConfigFile::default_path(&relative).is_none());
    assert_eq!(
        Credentials::resolve(&relative).unwrap_err().kind(),
        Kind::Credentials
    );
}

#[cfg(feature = "oauth")]
mod sign_in {
    use blaxel_core::{BaseUrl, Body, HttpService};
    use serde_json::{Value, json};

    use super::*;
    use crate::Authenticator;

    fn sign_in(tokens: &str) -> String {
        entry(&format!("    client_credentials: id:secret\n{tokens}"))
    }

    /// Creates an authenticator at a server that accepts one refresh token.
    fn working(credentials: &Credentials, good: &'static str) -> Authenticator {
        let service = tower::service_fn(move |request: http::Request<Body>| async move {
            let sent: Value = serde_json::from_slice(&request.body().bytes().unwrap()).unwrap();
            let (status, body) = if sent["refresh_token"] == good {
                (200, json!({"access_token": "new", "expires_in": 7200}))
            } else {
                (400, json!({"error": "invalid_grant"}))
            };
            let response = http::Response::builder().status(status);
            Ok::<_, Error>(response.body(Body::from(body.to_string())).unwrap())
        });
        let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
        Authenticator::new(credentials, &base, service.boxed())
    }

    #[tokio::test]
    async fn the_stored_access_token_is_used_until_it_expires_and_renewed_then() {
        let good = sample(r#"{"exp":4102444800}"#);
        let stale = sample(r#"{"exp":1000}"#);
        for (access, expected) in [
            (good.as_str(), good.as_str()),
            (&stale, "new"),
            ("x", "new"),
        ] {
            let text = sign_in(&format!(
                "    access_token: {access}\n    refresh_token: r\n    device_code: d\n    expires_in: 7200\n"
            ));
            let found = file(&text).unwrap().credentials(None).unwrap().unwrap();
            assert_eq!(found.kind(), CredentialKind::RefreshToken);
            let tokens = found.tokens().unwrap();
            assert_eq!(tokens.device_code().unwrap().expose(), "d");
            let header = working(&found, "r").header().await.unwrap();
            assert_eq!(header, format!("Bearer {expected}"));
        }
    }

    #[tokio::test]
    async fn tokens_that_the_cli_has_renewed_are_taken_from_the_file() {
        let home = Home::new("renewed").with(&sign_in("    refresh_token: old\n"));
        let found = Credentials::resolve(&home.variables([])).unwrap();
        let path = home.0.join(".blaxel/config.yaml");
        std::fs::write(&path, sign_in("    refresh_token: next\n")).unwrap();
        let header = working(&found, "next").header().await.unwrap();
        assert_eq!(header, "Bearer new");
        // The file was not written, which is no secret.
        let error = found.save_error().unwrap().to_string();
        assert!(
            error.contains("only read") && error.contains("config.yaml"),
            "{error}"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, sign_in("    refresh_token: next\n"));
    }

    #[tokio::test]
    async fn a_refusal_names_the_file() {
        let text = sign_in("    refresh_token: canary-old\n");
        let found = file(&text).unwrap().credentials(None).unwrap().unwrap();
        let error = working(&found, "r").header().await.unwrap_err();
        let line = error.to_string();
        assert!(
            line.contains("config.yaml") && line.contains("sign in again"),
            "{line}"
        );
        assert!(!line.contains("canary"), "{line}");
    }
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in proptest::prelude::any::<String>()) {
        let _ = file(&text).map(|file| file.credentials(None).is_ok());
    }

    #[test]
    fn members_of_any_value_never_panic(
        name in "workspaces|context|name|credentials|apiKey|refresh_token|access_token|env|client_credentials",
        value in "[\\PC\n]{0,20}|\\[\\]|\\{\\}|~|!!int 1|&a b|\\*a|- x",
    ) {
        let text = TWO.replace(&format!("{name}:"), &format!("{name}: {value}"));
        let read = file(&text).and_then(|file| file.credentials(Some(&workspace("two"))));
        if let Err(error) = read {
            proptest::prop_assert!(!error.to_string().is_empty());
        }
    }
}
