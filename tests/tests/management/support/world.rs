//! An emulator on a socket, and clients whose requests are recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use blaxel_core::{ApiVersion, Body, Plane, open, raw_request};
use blaxel_emulator::{Builder, Emulator};
use blaxel_management::Management;
use blaxel_transport::{Client, RetryPolicy};
use http::Method;
use serde_json::Value;

use super::exchange::{Exchange, Recorder};
use super::table::{Operations, Request};

/// The client that sends the requests.
pub type ApiClient = Client;

/// The facade with that client.
pub type Api = Management<ApiClient>;

/// Query parameters that the tests of uploads send.
const SENT_BY_OTHERS: &[(&str, &str)] = &[
    ("CreateVolumeTemplate", "upload"),
    ("CreateVolumeTemplate", "version"),
    ("UpdateVolumeTemplate", "upload"),
    ("UpdateVolumeTemplate", "version"),
];

/// An emulator on a socket, and a record of its requests and responses.
pub struct World {
    pub emulator: Emulator,
    recorder: Recorder,
    /// One client for each requested version, because creating one takes time.
    clients: Mutex<BTreeMap<ApiVersion, ApiClient>>,
    performed: Mutex<BTreeMap<&'static str, Parameters>>,
}

/// The query parameters of an operation.
#[derive(Default)]
struct Parameters {
    /// The parameters that the facade declares for the operation.
    declared: BTreeSet<&'static str>,
    /// The parameters that were sent.
    sent: BTreeSet<String>,
}

impl World {
    /// Starts a new emulator.
    pub async fn start() -> Self {
        Self::of(Emulator::builder()).await
    }

    /// Starts an emulator with these settings.
    pub async fn of(builder: Builder) -> Self {
        Self {
            emulator: builder.start().await.expect("a free port"),
            recorder: Recorder::default(),
            clients: Mutex::default(),
            performed: Mutex::default(),
        }
    }

    /// Returns the facade with the default API version.
    pub fn api(&self) -> Api {
        self.api_at(ApiVersion::DEFAULT)
    }

    /// Returns the facade with the given API version.
    pub fn api_at(&self, version: ApiVersion) -> Api {
        let mut clients = self.clients.lock().unwrap();
        let client = clients
            .entry(version)
            .or_insert_with(|| self.client(version));
        Management::new(client.clone())
    }

    fn client(&self, version: ApiVersion) -> ApiClient {
        Client::builder()
            .api_key(self.emulator.api_key())
            .workspace(self.emulator.workspace())
            .api_url(self.emulator.url())
            .api_version(version)
            .retry(RetryPolicy::none())
            .attempt_layer(self.recorder.clone())
            .build()
            .expect("the settings are valid")
    }

    /// Fails unless exactly this request was sent since the last check. Returns it with its
    /// response.
    #[track_caller]
    pub fn assert_sent(&self, request: Request) -> Exchange {
        let mut sent = self.assert_sent_all([request]);
        sent.remove(0)
    }

    /// Fails unless exactly these requests were sent since the last check, in this order. Returns
    /// them with their responses.
    #[track_caller]
    pub fn assert_sent_all(&self, requests: impl IntoIterator<Item = Request>) -> Vec<Exchange> {
        let sent = self.recorder.take();
        let requests: Vec<_> = requests.into_iter().collect();
        let names = |exchange: &Exchange| format!("{} {}", exchange.operation, exchange.status);
        let names_sent: Vec<_> = sent.iter().map(names).collect();
        assert_eq!(
            sent.len(),
            requests.len(),
            "the requests that were sent: {names_sent:?}"
        );
        for (request, exchange) in requests.iter().zip(&sent) {
            request.compare(exchange);
            if exchange.status < 300 {
                self.note(exchange);
            }
        }
        sent
    }

    fn note(&self, exchange: &Exchange) {
        let mut performed = self.performed.lock().unwrap();
        let parameters = performed.entry(exchange.info.name()).or_default();
        let declared = exchange.info.parameters().unwrap_or_default();
        parameters.declared.extend(declared);
        let names = exchange.query.iter().filter_map(|it| it.split_once('='));
        parameters
            .sent
            .extend(names.map(|(name, _)| name.to_owned()));
    }

    /// Returns all requests sent since the last check.
    pub fn take(&self) -> Vec<Exchange> {
        self.recorder.take()
    }

    /// Sends a request for which the facade has no method, without a socket and without recording
    /// it.
    pub async fn send_raw(
        &self,
        method: Method,
        address: &str,
        body: &Value,
    ) -> http::Response<Body> {
        let request = http::Request::builder()
            .method(method)
            .uri(address)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a valid request");
        let request = raw_request(Plane::Control, request).expect("a valid path");
        open(&self.emulator.service(), request)
            .await
            .expect("a success")
    }

    /// Fails with their names unless all operations of an area succeeded at least once, as expected
    /// and with each of their query parameters.
    pub fn assert_performed_all(&self, area: &str) {
        let performed = self.performed.lock().unwrap();
        let mut missing = Vec::new();
        for name in Operations::get().names_of(area) {
            let Some(parameters) = performed.get(name) else {
                missing.push(name.to_owned());
                continue;
            };
            let written = Operations::get().query_of(name);
            for parameter in parameters.declared.symmetric_difference(&written) {
                missing.push(format!(
                    "{name}?{parameter}, in the table or the facade alone"
                ));
            }
            // The parameters of all paged lists are written by the same code; `lists.rs` tests it.
            let is_paged = written.contains("cursor");
            for parameter in written
                .iter()
                .filter(|name| !parameters.sent.contains(**name))
            {
                if !is_paged && !SENT_BY_OTHERS.contains(&(name, parameter)) {
                    missing.push(format!("{name}?{parameter}, which was not sent"));
                }
            }
        }
        assert_eq!(
            missing,
            Vec::<String>::new(),
            "operations of {area} that were not performed"
        );
        assert!(
            self.recorder.take().is_empty(),
            "a request was sent that no test checked"
        );
    }
}
