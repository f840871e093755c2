//! Every public future can be moved to another thread, so that it can run in a task.

#![cfg(all(feature = "browser-login", feature = "config-write"))]
#![allow(clippy::unwrap_used)]

use blaxel_auth::{
    Authenticator, AuthorizationServer, BrowserLogin, ConfigWriter, DeviceLogin, HeaderProvider,
    PendingLogin, PendingRedirect, TokenStore, Tokens,
};
use blaxel_core::BoxService;
use http::HeaderMap;

fn send<F: Future + Send>(_: F) {}

/// Declares a function that passes futures to `send`, and the list of the functions that return them.
macro_rules! futures {
    ($arguments:tt; $($owner:ident::$function:ident = $future:expr;)+) => {
        #[expect(dead_code, clippy::too_many_arguments, reason = "it only has to compile")]
        fn every_future_is_send $arguments {
            $(send($future);)+
        }

        const FUTURES: &[&str] = &[
            $(concat!(stringify!($owner), "::", stringify!($function)),)+
        ];
    };
}

futures! {
    (
        service: &BoxService,
        authenticator: &Authenticator,
        browser: &BrowserLogin,
        device: &DeviceLogin,
        pending: PendingLogin,
        redirect: PendingRedirect,
        provider: &HeaderProvider,
        headers: &mut HeaderMap,
        writer: &ConfigWriter,
        store: &dyn TokenStore,
        tokens: &Tokens,
    );
    Authenticator::header = authenticator.header();
    Authenticator::header_owned = authenticator.clone().header_owned();
    AuthorizationServer::discover = AuthorizationServer::discover("https://id.example", service);
    BrowserLogin::run = browser.run(|_| ());
    DeviceLogin::run = device.run(|_| ());
    DeviceLogin::sign_in = device.sign_in(|_| ());
    DeviceLogin::sign_in_and_store = device.sign_in_and_store(writer, |_| ());
    DeviceLogin::start = device.start();
    HeaderProvider::apply = provider.apply(headers);
    HeaderProvider::bearer = provider.bearer();
    HeaderProvider::headers = provider.headers();
    HeaderProvider::headers_owned = provider.clone().headers_owned();
    HeaderProvider::token = provider.token();
    PendingLogin::wait = pending.wait();
    PendingRedirect::finish = redirect.finish("/");
    TokenStore::load = store.load();
    TokenStore::save = store.save(tokens);
}

#[test]
fn the_list_has_every_future_of_the_public_surface() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/public-api.txt");
    let surface = std::fs::read_to_string(path).unwrap();
    let mut public: Vec<_> = surface
        .lines()
        .filter(|line| {
            line.starts_with("pub async fn") || line.contains("-> blaxel_core::service::BoxFuture<")
        })
        .map(|line| {
            let (_, name) = line.split_once("fn blaxel_auth::").unwrap();
            name.split(['(', '<']).next().unwrap()
        })
        .collect();
    public.sort_unstable();
    assert_eq!(public, FUTURES);
}
