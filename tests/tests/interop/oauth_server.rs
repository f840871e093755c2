//! Tests the sign-ins against an OAuth 2.0 server that is not ours: a certified implementation of
//! OpenID Connect, which the stage `interop` starts.
//!
//! The tests run if `BLAXEL_TEST_OAUTH_ISSUER` holds that server's address, and pass without doing
//! anything otherwise. Each test that ran prints a line `judged: NAME`, by which the stage checks
//! that it ran.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_auth::{
    Authenticator, AuthorizationServer, BrowserLogin, Credentials, DeviceLogin, TokenStore, Tokens,
};
use blaxel_core::{Body, BoxFuture, BoxService, Error, ErrorKind, HttpService};
use blaxel_transport::HyperTransport;
use http::{HeaderMap, Request, Uri};

const SECRET: &str = "s:e/c+r=t %1";
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

/// Returns the OAuth server, if there is one, and a transport to reach it.
async fn server() -> Option<(AuthorizationServer, BoxService)> {
    let issuer = std::env::var("BLAXEL_TEST_OAUTH_ISSUER").ok()?;
    let wire = HyperTransport::builder().build().boxed();
    let server = AuthorizationServer::discover(&issuer, &wire).await.unwrap();
    Some((server, wire))
}

fn judged(name: &str) {
    println!("judged: {name}");
}

/// The parts of a browser that a sign-in needs: cookies, redirects within the server, and forms.
struct Browser {
    wire: BoxService,
    cookies: BTreeMap<String, String>,
}

/// A page, or the address outside the server that the browser was redirected to.
enum Arrival {
    Page(Uri, String),
    Outside(String),
}

impl Browser {
    fn new(wire: &BoxService) -> Self {
        Self {
            wire: wire.clone(),
            cookies: BTreeMap::new(),
        }
    }

    async fn open(&mut self, address: &str) -> Arrival {
        self.go(address.parse().unwrap(), None).await
    }

    /// Submits the page's form with additional fields.
    async fn submit(&mut self, page: Arrival, fields: &[(&str, &str)]) -> Arrival {
        let Arrival::Page(at, text) = page else {
            panic!("there is no form outside");
        };
        let form = &text[text
            .find("<form")
            .unwrap_or_else(|| panic!("no form: {text}"))..];
        let action = attribute(&form[..form.find('>').unwrap()], "action").unwrap();
        let mut body = Vec::new();
        for input in form.split("<input").skip(1) {
            let input = &input[..input.find('>').unwrap()];
            let name = attribute(input, "name").unwrap_or_default();
            let given = fields.iter().any(|(field, _)| *field == name);
            if let (false, false, Some(value)) = (name.is_empty(), given, attribute(input, "value"))
            {
                body.push(format!("{name}={}", encode(&value)));
            }
        }
        let given = fields.iter();
        body.extend(given.map(|(name, value)| format!("{name}={}", encode(value))));
        self.go(resolve(&at, &action), Some(body.join("&"))).await
    }

    async fn go(&mut self, mut address: Uri, mut form: Option<String>) -> Arrival {
        for _ in 0..10 {
            let mut request = match form.take() {
                Some(form) => Request::post(&address)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Body::from(form)),
                None => Request::get(&address).body(Body::empty()),
            }
            .unwrap();
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect();
            if !cookies.is_empty() {
                let cookies = cookies.join("; ").parse().unwrap();
                request.headers_mut().insert("cookie", cookies);
            }
            let response = HttpService::send(&self.wire, request).await.unwrap();
            let (head, body) = response.into_parts();
            self.keep_cookies(&head.headers);
            let Some(location) = head.headers.get("location") else {
                let body = blaxel_core::response::collect(body, 1 << 20).await.unwrap();
                let text = String::from_utf8(body.to_vec()).unwrap();
                assert!(
                    head.status.is_success(),
                    "{address}: {} {text}",
                    head.status
                );
                return Arrival::Page(address, text);
            };
            let next = resolve(&address, location.to_str().unwrap());
            if next.authority() != address.authority() {
                return Arrival::Outside(next.to_string());
            }
            address = next;
        }
        panic!("sent around in circles");
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Signs in and consents, on however many pages that takes.
    async fn sign_in(&mut self, mut at: Arrival) -> Arrival {
        while let Arrival::Page(_, text) = &at
            && text.contains("name=\"prompt\"")
        {
            at = self
                .submit(at, &[("login", "ada"), ("password", "any")])
                .await;
        }
        at
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn resolve(at: &Uri, to: &str) -> Uri {
    if to.starts_with('/') {
        let origin = format!("http://{}", at.authority().unwrap());
        format!("{origin}{to}").parse().unwrap()
    } else {
        to.parse().unwrap()
    }
}

/// Signs in as an application does. Returns the address that the browser is redirected back to.
async fn to_the_redirect(url: &str, wire: &BoxService) -> String {
    let mut browser = Browser::new(wire);
    let page = browser.open(url).await;
    match browser.sign_in(page).await {
        Arrival::Outside(back) => back,
        Arrival::Page(_, text) => panic!("not sent back: {text}"),
    }
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Tokens>>>);

impl TokenStore for Memory {
    fn save(&self, tokens: &Tokens) -> BoxFuture<Result<(), Error>> {
        self.0.lock().unwrap().push(tokens.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn client_credentials_work_in_header_and_body() {
    let Some((server, wire)) = server().await else {
        return;
    };
    let basic = Credentials::client_credentials("service", SECRET).unwrap();
    let post = Credentials::client_credentials("service-post", SECRET)
        .unwrap()
        .with_secret_in_body();
    for credentials in [basic, post] {
        let authenticator = Authenticator::with_server(&credentials, &server, wire.clone());
        let first = authenticator.header().await.unwrap();
        assert_eq!(authenticator.ready().as_ref(), Some(&first));
        assert!(authenticator.invalidate(&first));
        assert_ne!(authenticator.header().await.unwrap(), first);
    }
    judged("client credentials");
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let Some((server, wire)) = server().await else {
        return;
    };
    let wrong = Credentials::client_credentials("service", "canary-wrong").unwrap();
    let post = wrong.clone().with_secret_in_body();
    for credentials in [wrong, post] {
        let authenticator = Authenticator::with_server(&credentials, &server, wire.clone());
        let error = authenticator.header().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(error.code(), Some("invalid_client"));
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("refused") && !text.contains("canary"),
            "{text}"
        );
    }
    judged("wrong secret");
}

#[tokio::test]
async fn a_browser_login_returns_tokens_that_rotate() {
    let Some((server, wire)) = server().await else {
        return;
    };
    let login = BrowserLogin::new(server.clone(), wire.clone(), "app");
    let pending = login.begin(REDIRECT_URI).unwrap();
    let back = to_the_redirect(pending.url(), &wire).await;
    assert!(pending.matches(&back), "{back}");
    let tokens = pending.finish(&back).await.unwrap();
    let first = tokens.refresh_token().expect("a refresh token").clone();
    assert!(tokens.expires_in().unwrap() > Duration::from_secs(3000));

    let store = Memory::default();
    let credentials = Credentials::from_tokens(tokens)
        .unwrap()
        .with_store(store.clone());
    let authenticator = Authenticator::with_server(&credentials, &server, wire.clone());
    let mut seen = vec![authenticator.header().await.unwrap()];
    assert!(
        store.0.lock().unwrap().is_empty(),
        "the first token was at hand"
    );
    for round in 1..4 {
        // Another one, because one keeps a token that has just replaced a refused one.
        let authenticator = Authenticator::with_server(&credentials, &server, wire.clone());
        assert_eq!(authenticator.header().await.unwrap(), seen[round - 1]);
        assert!(authenticator.invalidate(&seen[round - 1]));
        let next = authenticator.header().await.unwrap();
        assert!(!seen.contains(&next));
        seen.push(next);
        let stored = store.0.lock().unwrap();
        assert_eq!(stored.len(), round);
        assert_ne!(
            stored[round - 1].refresh_token().unwrap().expose(),
            first.expose()
        );
    }

    // The server accepts a refresh token once, and refuses its second use.
    let old = Tokens::new()
        .with_refresh_token(first)
        .with_client("app", None);
    let old = Credentials::from_tokens(old).unwrap();
    let error = Authenticator::with_server(&old, &server, wire)
        .header()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"));
    assert!(error.to_string().contains("sign in again"), "{error}");
    judged("browser login and rotation");
}

#[tokio::test]
async fn an_expired_code_is_refused() {
    let Some((server, wire)) = server().await else {
        return;
    };
    let login = BrowserLogin::new(server, wire.clone(), "hasty-app");
    let pending = login.begin(REDIRECT_URI).unwrap();
    let back = to_the_redirect(pending.url(), &wire).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let error = pending.finish(&back).await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"), "{error}");
    judged("expired code");
}

#[tokio::test]
async fn a_stolen_code_is_refused() {
    let Some((server, wire)) = server().await else {
        return;
    };
    let login = BrowserLogin::new(server, wire.clone(), "app");
    let (pending, attacker) = (
        login.begin(REDIRECT_URI).unwrap(),
        login.begin(REDIRECT_URI).unwrap(),
    );
    let back = to_the_redirect(pending.url(), &wire).await;
    // The attacker knows the code, and puts it into the redirect of its own login.
    let parameter = |url: &str, name: &str| {
        let query = url.split_once('?').unwrap().1.to_owned();
        let found = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap().to_owned()
    };
    // The server promises to name itself in its redirects, so the attacker does too.
    let (stolen, issuer) = (parameter(&back, "code"), parameter(&back, "iss"));
    let state = parameter(attacker.url(), "state");
    let error = attacker
        .finish(&format!(
            "{REDIRECT_URI}?code={stolen}&state={state}&iss={issuer}"
        ))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"), "{error}");
    judged("stolen code");
}

#[tokio::test]
async fn a_reused_code_is_refused() {
    let Some((server, wire)) = server().await else {
        return;
    };
    // The library's types consume a code; so the second use is written by hand.
    let asked = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&asked);
    let inner = wire.clone();
    let recording = tower::service_fn(move |request: Request<Body>| {
        let (inner, kept) = (inner.clone(), Arc::clone(&kept));
        async move {
            let again = Request::post(request.uri())
                .header("content-type", "application/x-www-form-urlencoded")
                .header("accept", "application/json")
                .body(Body::from(request.body().bytes().unwrap()))
                .unwrap();
            *kept.lock().unwrap() = Some(again);
            HttpService::send(&inner, request).await
        }
    });
    let login = BrowserLogin::new(server, recording.boxed(), "app");
    let pending = login.begin(REDIRECT_URI).unwrap();
    let back = to_the_redirect(pending.url(), &wire).await;
    pending.finish(&back).await.unwrap();
    let again = asked.lock().unwrap().take().unwrap();
    let response = HttpService::send(&wire, again).await.unwrap();
    assert_eq!(response.status(), 400);
    judged("reused code");
}

/// Runs a device login in which a user submits the confirmation page with `fields`.
async fn device(fields: &'static [(&'static str, &'static str)]) -> Option<Result<Tokens, Error>> {
    let (server, wire) = server().await?;
    let login = DeviceLogin::new(server.clone(), wire.clone())
        .with_client_id("tv")
        .with_scopes("openid offline_access");
    let pending = login.start().await.unwrap();
    let mut browser = Browser::new(&wire);
    let page = browser.open(pending.url()).await;
    let page = browser.submit(page, &[]).await;
    let page = browser.submit(page, fields).await;
    if fields.is_empty() {
        browser.sign_in(page).await;
    }
    Some(pending.wait().await)
}

#[tokio::test]
async fn a_confirmed_device_login_succeeds() {
    let Some(outcome) = device(&[]).await else {
        return;
    };
    let tokens = outcome.unwrap();
    assert!(tokens.access_token().is_some());
    let (server, wire) = server().await.unwrap();
    let refresh = tokens.refresh_token().expect("a refresh token").clone();
    let tokens = Tokens::new()
        .with_refresh_token(refresh)
        .with_client("tv", None);
    let credentials = Credentials::from_tokens(tokens).unwrap();
    Authenticator::with_server(&credentials, &server, wire)
        .header()
        .await
        .unwrap();
    judged("device login");
}

#[tokio::test]
async fn a_denied_device_login_fails() {
    let Some(outcome) = device(&[("abort", "yes")]).await else {
        return;
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Some("access_denied"));
    assert!(error.to_string().contains("was denied"), "{error}");
    judged("denied device login");
}
