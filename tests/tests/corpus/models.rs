//! Chats and embeddings.

use blaxel_core::BoxService;
use blaxel_inference::{
    ChatAssembler, ChatRequest, EmbeddingRequest, Inference, Message, ModelCall,
};
use serde_json::{Value, json};

use crate::case::{Case, cases};
use crate::check::{Cut, check};
use crate::outcome;

fn model(service: BoxService) -> ModelCall<BoxService> {
    Inference::new(service).model("m")
}

fn question() -> ChatRequest {
    ChatRequest::new([Message::user("?")])
}

#[test]
fn chats_are_read_whole_or_not_at_all() {
    check(
        &cases("chat"),
        Cut::Complete,
        async |service, _: &Case| match model(service).chat(&question()).await {
            Ok(answer) => json!({"answer": outcome::answer(&answer)}),
            Err(error) => json!({"error": outcome::error(&error)}),
        },
    );
}

#[test]
fn chat_streams_are_read_to_their_end_or_fail() {
    check(
        &cases("chat-stream"),
        Cut::Complete,
        async |service, _: &Case| {
            let mut printed = String::new();
            let read = async {
                let mut stream = model(service).stream(&question()).await?;
                let mut assembler = ChatAssembler::new();
                while let Some(chunk) = stream.try_next().await? {
                    printed += chunk.text();
                    assembler.add(&chunk)?;
                }
                Ok::<_, blaxel_core::Error>(assembler.finish())
            };
            match read.await {
                Ok(answer) if answer.text().unwrap_or_default() == printed => {
                    json!({"answer": outcome::answer(&answer)})
                }
                Ok(answer) => json!({"printed": printed, "text": answer.text()}),
                Err(error) => json!({"error": outcome::error(&error), "before": printed}),
            }
        },
    );
}

#[test]
fn chat_streams_are_assembled() {
    check(
        &cases("chat-stream"),
        Cut::Never,
        async |service, case: &Case| {
            let read = async {
                model(service)
                    .stream(&question())
                    .await?
                    .into_completion()
                    .await
            };
            match read.await {
                Ok(answer) => json!({"answer": outcome::answer(&answer)}),
                Err(error) => {
                    json!({"error": outcome::error(&error), "before": case.expected["before"]})
                }
            }
        },
    );
}

#[test]
fn embeddings_are_read_whole_or_not_at_all() {
    check(
        &cases("embeddings"),
        Cut::Complete,
        async |service, case: &Case| {
            let texts = case.expected["texts"].as_u64();
            let texts = texts.or(case.expected["vectors"]
                .as_array()
                .map(|all| all.len() as u64));
            let texts = texts.unwrap_or_else(|| panic!("{}: how many texts?", case.name));
            let request = EmbeddingRequest::new((0..texts).map(|number| number.to_string()));
            match model(service).embed(&request).await {
                Ok(found) => {
                    let (usage, model) = (found.usage, found.model.clone());
                    let vectors: Value = json!(found.into_vectors());
                    json!({"texts": texts, "vectors": vectors, "usage": usage, "model": model})
                }
                Err(error) => json!({"texts": texts, "error": outcome::error(&error)}),
            }
        },
    );
}
