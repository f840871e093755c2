//! Each call as a loop written by hand on hyper-util, without retries, deadlines and checks. All that is
//! the same in each call is prepared once.

use blaxel_core::Page;
use blaxel_management::agents::Agent;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::measure::Measure;
use super::own::draft;
use super::work::{AGENT, Caller, PAGE, QUESTION, Row, Task};

/// Runs a task and measures it.
pub async fn run(task: &Task) -> Measure {
    task.measure(Bare::from_env()).await
}

#[derive(Clone)]
struct Bare {
    client: Client<HttpConnector, Full<Bytes>>,
    headers: HeaderMap,
    headers_with_body: HeaderMap,
    agents: Uri,
    agent: Uri,
    page: Uri,
    called: Uri,
}

impl Bare {
    fn from_env() -> Self {
        let get = |name| std::env::var(name).expect(name);
        let (api, workspace) = (get("BL_API_URL"), get("BL_WORKSPACE"));
        let called = format!("{}/{workspace}/agents/{AGENT}", get("BL_RUN_URL"));
        let key = format!("Bearer {}", get("BL_API_KEY"));
        let address = |text: String| text.parse().expect("an address");
        let header = |text: &str| HeaderValue::from_str(text).expect("a header");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header(&key));
        headers.insert("x-blaxel-workspace", header(&workspace));
        headers.insert(ACCEPT, header("application/json"));
        let mut headers_with_body = headers.clone();
        headers_with_body.insert(CONTENT_TYPE, header("application/json"));
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            headers,
            headers_with_body,
            agents: address(format!("{api}/agents")),
            agent: address(format!("{api}/agents/{AGENT}")),
            page: address(format!("{api}/agents?limit={PAGE}")),
            called: address(called),
        }
    }

    async fn get<T: DeserializeOwned>(&self, uri: &Uri) -> T {
        self.send(Method::GET, uri, &self.headers, Bytes::new())
            .await
    }

    async fn post<T: DeserializeOwned>(&self, uri: &Uri, body: &impl Serialize) -> T {
        let body = serde_json::to_vec(body).expect("JSON");
        self.send(Method::POST, uri, &self.headers_with_body, body.into())
            .await
    }

    async fn send<T>(&self, method: Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> T
    where
        T: DeserializeOwned,
    {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        request.uri_mut().clone_from(uri);
        request.headers_mut().clone_from(headers);
        let response = self.client.request(request).await.expect("a response");
        assert!(response.status().is_success());
        let body = response.into_body().collect().await.expect("a body");
        serde_json::from_slice(&body.to_bytes()).expect("a document")
    }
}

impl Caller for Bare {
    async fn call(&self, row: Row) {
        match row {
            Row::Get | Row::GetAtOnce => {
                let agent: Agent = self.get(&self.agent).await;
                assert_eq!(agent.metadata.name, AGENT);
            }
            Row::List => {
                let page: Page<Agent> = self.get(&self.page).await;
                assert_eq!(page.len(), PAGE as usize);
            }
            Row::Create => {
                let agent: Agent = self.post(&self.agents, &draft()).await;
                assert_eq!(agent.metadata.name, AGENT);
            }
            Row::Invoke => {
                let input = json!({ "inputs": QUESTION });
                let reply: Value = self.post(&self.called, &input).await;
                assert!(reply["output"].is_string());
            }
        }
    }
}
