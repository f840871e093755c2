//! The third-party client `async-openai` with a model on Blaxel.
//!
//! `cargo run --example openai_client` runs on an emulator in this process. On the real platform, the base URL is
//! the model's `metadata.url` followed by `/v1`, and `async-openai` needs a TLS feature such as `rustls`; the
//! rest of the program is the same.

mod fresh;

use std::process::ExitCode;

use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs,
};
use blaxel::Credentials;
use blaxel::auth::{Authenticator, HeaderProvider};
use blaxel::blaxel_core::{BaseUrl, Workspace};
use blaxel::transport::HyperTransport;
use blaxel_emulator::Emulator;
use futures_util::StreamExt;

use fresh::FreshHeaders;

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

const MODEL: &str = "sandbox-openai";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openai_client failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let emulator = Emulator::start().await?;
    let client = client(&emulator)?;
    ask(&client, "Why is the sky blue?", |text| print!("{text}")).await?;
    println!();
    Ok(())
}

/// Returns a client of `async-openai` for a model on the emulator.
fn client(emulator: &Emulator) -> Result<async_openai::Client<OpenAIConfig>, Failure> {
    let credentials =
        Credentials::client_credentials(emulator.client_id(), emulator.client_secret())?;
    let api = emulator.url().parse::<BaseUrl>()?;
    let workspace = emulator.workspace().parse::<Workspace>()?;
    // Token requests are sent over the SDK's own transport.
    let authenticator = Authenticator::new(&credentials, &api, HyperTransport::default());
    let headers = HeaderProvider::new(authenticator).with_workspace(&workspace);

    let base = format!("{}/{workspace}/models/{MODEL}/v1", emulator.run_url());
    // The client requires a key. The header that it derives from this one is never sent.
    let config = OpenAIConfig::new()
        .with_api_base(base)
        .with_api_key("placeholder");
    let service = FreshHeaders::new(headers);
    Ok(async_openai::Client::with_config(config).with_http_service(service))
}

/// Sends a question to the model, and passes the chunks of its answer to `on_text`.
async fn ask(
    client: &async_openai::Client<OpenAIConfig>,
    question: &str,
    mut on_text: impl FnMut(&str),
) -> Result<(), Failure> {
    let message = ChatCompletionRequestUserMessageArgs::default()
        .content(question)
        .build()?;
    let request = CreateChatCompletionRequestArgs::default()
        .model(MODEL)
        .messages([message.into()])
        .build()?;
    let mut answer = client.chat().create_stream(request).await?;
    while let Some(chunk) = answer.next().await {
        for choice in chunk?.choices {
            on_text(choice.delta.content.as_deref().unwrap_or_default());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use blaxel_emulator::CredentialKind;

    use super::*;

    /// The platform accepts the token, whatever placeholder the client has for a key.
    #[tokio::test]
    async fn a_third_party_client_streams_from_a_model() {
        let emulator = Emulator::start().await.unwrap();
        let client = client(&emulator).unwrap();
        for _ in 0..2 {
            let mut chunks = Vec::new();
            ask(&client, "hello", |text| chunks.push(text.to_owned()))
                .await
                .unwrap();
            assert!(chunks.len() > 2, "{chunks:?}");
            assert!(chunks.concat().contains("hello"), "{chunks:?}");
        }
        let journal = emulator.journal();
        let chats: Vec<_> = journal
            .iter()
            .filter(|entry| entry.path.ends_with("/v1/chat/completions"))
            .collect();
        assert_eq!(chats.len(), 2);
        let by_token = |entry: &&blaxel_emulator::Entry| {
            entry.credential == CredentialKind::AccessToken && entry.status == Some(200)
        };
        assert!(chats.iter().all(by_token), "{chats:?}");
    }
}
