//! A client's settings do not depend on the order of the setters, and its credentials are those of
//! the workspace that it calls in.

use blaxel_auth::{Credentials, Environment, Variables};
use blaxel_core::{Body, Error, HttpService, Idempotency, OperationInfo, RequestWriter, Workspace};
use blaxel_transport::{Client, ClientBuilder};
use http::{Method, Request, Response};

static LIST: OperationInfo =
    OperationInfo::new("ListThings", Method::GET, "/things").with_idempotency(Idempotency::Safe);

/// Sends one request, and returns it as the transport receives it.
macro_rules! request {
    ($builder:expr) => {{
        let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
        let log = std::sync::Arc::clone(&seen);
        let transport = tower::service_fn(move |request: Request<Body>| {
            *log.lock().unwrap() = Some(request);
            async { Ok::<_, Error>(Response::new(Body::empty())) }
        });
        let client = $builder.transport(transport).build().unwrap();
        let request = RequestWriter::new(&LIST).finish().unwrap();
        client.send(request).await.unwrap();
        seen.lock().unwrap().take().unwrap()
    }};
}

/// Sends one request; returns its host, credential and workspace as the transport receives them.
macro_rules! sent {
    ($builder:expr) => {{
        let request = request!($builder);
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        (
            request.uri().host().unwrap().to_owned(),
            header("x-blaxel-authorization"),
            header("x-blaxel-workspace"),
        )
    }};
}

/// Returns the expected host, credential and workspace.
fn seen(host: &str, key: &str, workspace: &str) -> (String, String, String) {
    let bearer = format!("Bearer {key}");
    (host.to_owned(), bearer, workspace.to_owned())
}

fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Variables {
    Variables::from_iter(pairs)
}

#[tokio::test]
async fn credentials_in_code_need_none_in_the_environment_and_keep_their_workspace() {
    let variables = variables([("BL_WORKSPACE", "env"), ("BL_ENV", "dev")]);
    let builder = || ClientBuilder::from_variables(&variables).unwrap();
    let expected = seen("api.blaxel.dev", "k", "env");
    assert_eq!(sent!(builder().api_key("k")), expected);
    let credentials = Credentials::api_key("k").unwrap();
    assert_eq!(sent!(builder().credentials(credentials.clone())), expected);
    let own = "own".parse::<Workspace>().unwrap();
    let credentials = credentials.with_workspace(own);
    let expected = seen("api.blaxel.dev", "k", "own");
    assert_eq!(sent!(builder().credentials(credentials.clone())), expected);
    let expected = seen("api.blaxel.dev", "k", "code");
    for named in [
        builder().workspace("code").credentials(credentials.clone()),
        builder().credentials(credentials).workspace("code"),
    ] {
        assert_eq!(sent!(named), expected);
    }
    let anonymous = builder().anonymous().build().unwrap();
    assert_eq!(anonymous.workspace().unwrap().as_str(), "env");
}

#[tokio::test]
async fn the_deployment_comes_from_code_then_variables_then_credentials() {
    let made_for = |environment| {
        let key = Credentials::api_key("k").unwrap();
        key.with_environment(environment)
    };
    let local = made_for(Environment::Local);
    let host = |sent: (String, String, String)| sent.0;
    let plain = || Client::builder().credentials(local.clone());
    assert_eq!(host(sent!(plain())), "localhost");
    let variables = variables([("BL_ENV", "dev")]);
    let set = || {
        let builder = ClientBuilder::from_variables(&variables).unwrap();
        builder.credentials(local.clone())
    };
    assert_eq!(host(sent!(set())), "api.blaxel.dev");
    let set = || set().environment(Environment::Production);
    assert_eq!(host(sent!(set())), "api.blaxel.ai");
    assert_eq!(
        host(sent!(set().api_url("https://own.example/v0"))),
        "own.example"
    );
    assert_eq!(
        plain().build().unwrap().endpoints().run.host(),
        "run.blaxel.dev"
    );
}

#[test]
fn missing_credentials_are_an_error_of_build() {
    let builder = ClientBuilder::from_variables(&variables([])).unwrap();
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), blaxel_core::ErrorKind::Credentials);
    assert!(error.to_string().contains("BL_API_KEY"), "{error}");
    let unknown = variables([("BL_ENV", "moon")]);
    let error = ClientBuilder::from_variables(&unknown).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("BL_ENV"),
        "{error}"
    );
}

#[test]
fn the_region_comes_from_code_then_variables() {
    let set = variables([("BL_REGION", "us-pdx-1\n"), ("BL_API_KEY", "k")]);
    let builder = || ClientBuilder::from_variables(&set).unwrap();
    assert_eq!(builder().build().unwrap().region(), Some("us-pdx-1"));
    let client = builder().region("eu-lon-1").build().unwrap();
    assert_eq!(client.boxed().region(), Some("eu-lon-1"));
    let plain = || Client::builder().api_key("k");
    assert_eq!(plain().build().unwrap().region(), None);
    let empty = variables([("BL_REGION", ""), ("BL_API_KEY", "k")]);
    let builder = ClientBuilder::from_variables(&empty).unwrap();
    assert_eq!(builder.build().unwrap().region(), None);
    for bad in ["", "us pdx"] {
        let error = plain().region(bad).build().unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("region"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_user_agent_names_product_integration_and_coding_agent() {
    let pairs = [
        ("BL_API_KEY", "k"),
        ("BL_INTEGRATION", "kit/1.2.3"),
        ("GEMINI_CLI", "1"),
    ];
    let set = variables(pairs);
    let builder = || ClientBuilder::from_variables(&set).unwrap();
    let agent = |request: Request<Body>| {
        let value = request.headers()["user-agent"].to_str().unwrap();
        let (own, rest) = value.split_once(") ").unwrap_or((value, ""));
        assert!(own.starts_with("blaxel/sdk/rust/"), "{value}");
        rest.to_owned()
    };
    assert_eq!(agent(request!(builder())), "kit/1.2.3 agent/gemini-cli");
    let own = builder().integration("own/1.0.0-rc.1").user_agent("app/2");
    assert_eq!(
        agent(request!(own.without_coding_agent())),
        "app/2 own/1.0.0-rc.1"
    );
    // Only a client of the environment reads it.
    assert_eq!(agent(request!(Client::builder().api_key("k"))), "");

    let error = builder().integration("Kit").build().unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("Kit"),
        "{error}"
    );
    for ignored in ["Kit", "kit/1", "kit/1.2.3\n\u{1b}x"] {
        let set = variables([("BL_API_KEY", "k"), ("BL_INTEGRATION", ignored)]);
        let builder = ClientBuilder::from_variables(&set).unwrap();
        assert_eq!(agent(request!(builder)), "", "{ignored:?}");
    }
}

#[cfg(feature = "config-file")]
mod stored {
    use std::path::PathBuf;

    use super::*;

    const FILE: &str = "
context: {workspace: one}
workspaces:
- {name: one, credentials: {apiKey: k1}}
- {name: two, env: dev, credentials: {apiKey: k2}}
";

    /// A home directory with the CLI's configuration file, removed when dropped.
    struct Home(PathBuf);

    impl Home {
        fn new(name: &str) -> Self {
            let unique = format!("blaxel-transport-{name}-{}", std::process::id());
            let home = std::env::temp_dir().join(unique);
            std::fs::create_dir_all(home.join(".blaxel")).unwrap();
            std::fs::write(home.join(".blaxel/config.yaml"), FILE).unwrap();
            Self(home)
        }

        fn builder<const N: usize>(&self, pairs: [(&str, &str); N]) -> Builder {
            let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
            let home = (name, self.0.to_str().unwrap());
            ClientBuilder::from_variables(&[home].into_iter().chain(pairs).collect()).unwrap()
        }
    }

    type Builder = ClientBuilder<
        blaxel_transport::DefaultTransport,
        tower_layer::Identity,
        tower_layer::Identity,
    >;

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn a_workspace_uses_its_own_sign_in_and_deployment() {
        let home = Home::new("named");
        let one = seen("api.blaxel.ai", "k1", "one");
        let two = seen("api.blaxel.dev", "k2", "two");
        assert_eq!(sent!(home.builder([])), one);
        assert_eq!(sent!(home.builder([]).workspace("two")), two);
        assert_eq!(sent!(home.builder([("BL_WORKSPACE", "two")])), two);
        let both = || home.builder([("BL_WORKSPACE", "two")]).workspace("one");
        assert_eq!(sent!(both()), one);
        assert_eq!(sent!(both().workspace("two")), two, "the last call counts");
    }

    #[tokio::test]
    async fn variables_and_code_override_the_file() {
        let home = Home::new("wins");
        let key = || home.builder([("BL_API_KEY", "k")]).workspace("two");
        assert_eq!(sent!(key()), seen("api.blaxel.ai", "k", "two"));
        let env = || home.builder([("BL_ENV", "prod")]).workspace("two");
        assert_eq!(sent!(env()), seen("api.blaxel.ai", "k2", "two"));
        let own = seen("api.blaxel.ai", "own", "two");
        assert_eq!(sent!(home.builder([]).api_key("own").workspace("two")), own);
        assert_eq!(sent!(home.builder([]).workspace("two").api_key("own")), own);
    }

    #[test]
    fn a_workspace_without_a_sign_in_is_an_error_that_lists_those_with_one() {
        let home = Home::new("lack");
        let error = home.builder([]).workspace("zzz").build().unwrap_err();
        let text = error.to_string();
        for part in ["workspace zzz", "config.yaml", "one, two", "bl login zzz"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
