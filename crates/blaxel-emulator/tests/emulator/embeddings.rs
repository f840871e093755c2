//! Embeddings, which every model supports.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{Reply, post};

async fn embed(emulator: &Emulator, body: &Value) -> Reply {
    let run = emulator.run_url();
    let uri = format!("{run}/demo/models/sandbox-openai/v1/embeddings");
    post(uri, body).on(emulator).await
}

/// Returns the embeddings of a response, in order.
fn vectors(answer: &Value) -> Vec<Vec<f64>> {
    let data = answer["data"].as_array().unwrap().iter().enumerate();
    let vectors = data.map(|(place, item)| {
        assert_eq!(item["object"], "embedding");
        assert_eq!(item["index"], place);
        let numbers = item["embedding"].as_array().unwrap().iter();
        numbers.map(|number| number.as_f64().unwrap()).collect()
    });
    vectors.collect()
}

#[tokio::test]
async fn equal_texts_have_equal_embeddings_and_different_texts_different_ones() {
    let emulator = Emulator::offline();
    let body = json!({"model": "ada", "input": ["a b", "c", "a b"]});
    let answer = embed(&emulator, &body).await.expect(200);
    assert_eq!(answer["object"], "list");
    assert_eq!(answer["model"], "ada");
    assert_eq!(
        answer["usage"],
        json!({"prompt_tokens": 5, "total_tokens": 5})
    );
    let found = vectors(&answer);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], found[2]);
    assert_ne!(found[0], found[1]);
    for vector in &found {
        assert_eq!(vector.len(), 64);
        let length: f64 = vector.iter().map(|it| it * it).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
    }
    let alone = embed(&emulator, &json!({"model": "ada", "input": "a b"})).await;
    assert_eq!(vectors(&alone.expect(200)), [found[0].clone()]);
    let other = embed(&emulator, &json!({"model": "bob", "input": "a b"})).await;
    assert_ne!(vectors(&other.expect(200)), [found[0].clone()]);
}

#[tokio::test]
async fn tokens_are_embedded_like_texts() {
    let emulator = Emulator::offline();
    let one = embed(&emulator, &json!({"input": [1, 2, 3]}))
        .await
        .expect(200);
    assert_eq!(one["model"], "sandbox-openai");
    assert_eq!(one["usage"]["prompt_tokens"], 3);
    let two = embed(&emulator, &json!({"input": [[1, 2, 3], [4]]})).await;
    let two = two.expect(200);
    assert_eq!(two["usage"]["prompt_tokens"], 4);
    assert_eq!(vectors(&one)[0], vectors(&two)[0]);
    assert_eq!(vectors(&two).len(), 2);
}

#[tokio::test]
async fn base64_encodes_the_same_numbers() {
    let emulator = Emulator::offline();
    for dimensions in [1, 16, 1536] {
        let mut body = json!({"input": "x", "dimensions": dimensions});
        let plain = vectors(&embed(&emulator, &body).await.expect(200));
        assert_eq!(plain[0].len(), dimensions);
        body["encoding_format"] = "base64".into();
        let packed = embed(&emulator, &body).await.expect(200);
        let packed = packed["data"][0]["embedding"].as_str().unwrap().to_owned();
        let bytes = BASE64_STANDARD.decode(packed).unwrap();
        let numbers = bytes.chunks_exact(4);
        let numbers: Vec<f64> = numbers
            .map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap())))
            .collect();
        assert_eq!(numbers.len(), dimensions);
        for (packed, plain) in numbers.iter().zip(&plain[0]) {
            assert!((packed - plain).abs() < 1e-6);
        }
    }
}

#[tokio::test]
async fn an_invalid_input_is_rejected_by_the_model() {
    let emulator = Emulator::offline();
    for body in [
        json!([]),
        json!({}),
        json!({"input": ""}),
        json!({"input": []}),
        json!({"input": [[]]}),
        json!({"input": [1, -1]}),
        json!({"input": ["a", 1]}),
        json!({"input": {"text": "a"}}),
        json!({"input": vec!["a"; 2049]}),
        json!({"input": "a", "dimensions": 0}),
        json!({"input": "a", "dimensions": 4097}),
        json!({"input": "a", "dimensions": "8"}),
        json!({"input": "a", "encoding_format": "hex"}),
        json!({"input": "a", "model": 1}),
    ] {
        let reply = embed(&emulator, &body).await;
        assert_eq!(
            reply.expect(400)["error"]["type"],
            "invalid_request_error",
            "{body}"
        );
        assert_eq!(reply.header("x-blaxel-source"), None);
    }
}
