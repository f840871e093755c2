//! A client of somebody else, `async-openai`, that talks to a model on Blaxel.
//!
//! `cargo run --example openai_client` does it on an emulator inside this process. On the real platform
//! the base address is the model's `metadata.url` with `/v1` behind it, `async-openai` wants a feature
//! for TLS, such as `rustls`, and all else is the same.

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

/// Whatever ends the program early.
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

/// The client of `async-openai`, pointed at a model on the emulator.
fn client(emulator: &Emulator) -> Result<async_openai::Client<OpenAIConfig>, Failure> {
    let credentials =
        Credentials::client_credentials(emulator.client_id(), emulator.client_secret())?;
    let api = emulator.url().parse::<BaseUrl>()?;
    let workspace = emulator.workspace().parse::<Workspace>()?;
    // Tokens are fetched over the wire of our own.
    let authenticator = Authenticator::new(&credentials, &api, HyperTransport::default());
    let headers = HeaderProvider::new(authenticator).with_workspace(&workspace);

    let base = format!("{}/{workspace}/models/{MODEL}/v1", emulator.run_url());
    // It insists on a key; what it makes of this one never leaves.
    let config = OpenAIConfig::new()
        .with_api_base(base)
        .with_api_key("placeholder");
    let service = FreshHeaders::new(headers);
    Ok(async_openai::Client::with_config(config).with_http_service(service))
}

/// Asks the model, and tells its answer piece by piece.
async fn ask(
    client: &async_openai::Client<OpenAIConfig>,
    question: &str,
    mut tell: impl FnMut(&str),
) -> Result<(), Failure> {
    let message = ChatCompletionRequestUserMessageArgs::default()
        .content(question)
        .build()?;
    let request = CreateChatCompletionRequestArgs::default()
        .model(MODEL)
        .messages([message.into()])
        .build()?;
    let mut answer = client.chat().create_stream(request).await?;
    while let Some(piece) = answer.next().await {
        for choice in piece?.choices {
            tell(choice.delta.content.as_deref().unwrap_or_default());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use blaxel_emulator::CredentialKind;

    use super::*;

    /// The platform lets the client in by the token, whatever placeholder it has for a key.
    #[tokio::test]
    async fn a_foreign_client_streams_from_a_model() {
        let emulator = Emulator::start().await.unwrap();
        let client = client(&emulator).unwrap();
        for _ in 0..2 {
            let mut pieces = Vec::new();
            ask(&client, "hello", |text| pieces.push(text.to_owned()))
                .await
                .unwrap();
            assert!(pieces.len() > 2, "{pieces:?}");
            assert!(pieces.concat().contains("hello"), "{pieces:?}");
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
