//! Clients that call a model: our stack, `async-openai`, and a loop over plain hyper-util.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;

use async_openai::config::OpenAIConfig;
use async_openai::traits::RequestOptionsBuilder;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs,
};
use blaxel_inference::{ChatChunk, ChatRequest, Inference, Message};
use blaxel_transport::Client;
use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use http_body_util::{BodyExt, BodyStream, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::chat_server::Script;

const QUESTION: &str = "Why is the sky blue?";

/// A client that calls a model and passes the text of each chunk of its response to `on_text`.
pub trait ChatClient: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    fn ask(&self, script: Script, tell: impl FnMut(&str) + Send)
    -> impl Future<Output = ()> + Send;
}

/// Our stack with all its defaults.
#[derive(Clone)]
pub struct Own(Inference<Client>);

impl Own {
    pub fn new(address: SocketAddr) -> Self {
        let url = format!("http://{address}");
        let client = Client::builder()
            .api_key("bl_bench")
            .workspace("bench")
            .api_url(&url)
            .run_url(&url)
            .build();
        Self(Inference::new(client.expect("a client")))
    }
}

impl ChatClient for Own {
    const NAME: &'static str = "blaxel-inference";

    async fn ask(&self, script: Script, mut on_text: impl FnMut(&str) + Send) {
        let request = ChatRequest::new([Message::user(QUESTION)]);
        let model = self.0.model(&script.name());
        let mut response = model.stream(&request).await.expect("a response");
        while let Some(chunk) = response.try_next().await.expect("a chunk") {
            on_text(chunk.text());
        }
    }
}

/// `async-openai`. It has one address for all calls, so the model's name is sent in the query.
#[derive(Clone)]
pub struct AsyncOpenAi(async_openai::Client<OpenAIConfig>);

impl AsyncOpenAi {
    pub fn new(address: SocketAddr) -> Self {
        let config = OpenAIConfig::new()
            .with_api_base(format!("http://{address}/v1"))
            .with_api_key("bench");
        Self(async_openai::Client::with_config(config))
    }
}

impl ChatClient for AsyncOpenAi {
    const NAME: &'static str = "async-openai";

    async fn ask(&self, script: Script, mut on_text: impl FnMut(&str) + Send) {
        let model = script.name();
        let message = ChatCompletionRequestUserMessageArgs::default()
            .content(QUESTION)
            .build()
            .expect("a message");
        let request = CreateChatCompletionRequestArgs::default()
            .model(&model)
            .messages([message.into()])
            .build()
            .expect("a request");
        let chat = self.0.chat().query(&[("script", model)]);
        let response = chat.expect("a query").create_stream(request).await;
        let mut response = response.expect("a response");
        while let Some(chunk) = response.next().await {
            let chunk = chunk.expect("a chunk");
            let choice = chunk.choices.first();
            on_text(
                choice
                    .and_then(|choice| choice.delta.content.as_deref())
                    .unwrap_or_default(),
            );
        }
    }
}

/// Plain hyper-util with a decoder of server-sent events and our types.
#[derive(Clone)]
pub struct Bare {
    address: SocketAddr,
    client: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Bare {
    pub fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        Self {
            address,
            client: client.build(connector),
        }
    }
}

impl ChatClient for Bare {
    const NAME: &'static str = "hyper-util+eventsource-stream";

    async fn ask(&self, script: Script, mut on_text: impl FnMut(&str) + Send) {
        let name = script.name();
        let body = serde_json::json!({
            "model": name, "stream": true,
            "messages": [{"role": "user", "content": QUESTION}],
        });
        let uri = format!("http://{}/{name}/v1/chat/completions", self.address);
        let request = http::Request::post(uri)
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .expect("a request");
        let response = self.client.request(request).await.expect("a response");
        let data = BodyStream::new(response.into_body().map_frame(|frame| frame))
            .filter_map(async |frame| frame.map(|frame| frame.into_data().ok()).transpose());
        let mut events = pin!(data.eventsource());
        while let Some(event) = events.next().await {
            let event = event.expect("an event");
            if event.data == "[DONE]" {
                break;
            }
            let chunk: ChatChunk = serde_json::from_str(&event.data).expect("a chunk");
            on_text(chunk.text());
        }
    }
}
