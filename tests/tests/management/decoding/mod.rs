//! Promise: every document that the API allows can be decoded. Members may be missing, null or new,
//! and enums may have new values; members that have a type are encoded again unchanged, in requests
//! and responses alike.
//!
//! The documents are generated from the schemas of the emulator's OpenAPI document. Each schema has
//! its type in a table.

mod documents;
mod members;
mod resources;
mod schemas;
mod types;
mod values;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

pub use self::members::assert_same;
use self::schemas::Schemas;
pub use self::schemas::document;
use self::types::{TYPES, Typed, WITHOUT_TYPE};
use self::values::enums;

#[tokio::test]
async fn every_schema_has_a_type() {
    let schemas = Schemas::read().await;
    let all: BTreeSet<&str> = schemas.names().collect();
    let typed = TYPES.iter().map(|typed| typed.name);
    let known: BTreeSet<&str> = typed.chain(WITHOUT_TYPE.iter().copied()).collect();
    assert_eq!(
        (
            all.difference(&known).collect::<Vec<_>>(),
            known.difference(&all).collect::<Vec<_>>()
        ),
        (Vec::new(), Vec::new()),
        "schemas that the tables leave out (left), and names in the tables that are no schema"
    );
}

#[tokio::test]
async fn every_member_of_a_schema_is_in_its_type() {
    let schemas = Schemas::read().await;
    let mut failures = Vec::new();
    for typed in TYPES {
        let document = schemas.full(schemas.named(typed.name));
        let lost = (typed.lost_members)(&document);
        if !lost.is_empty() {
            failures.push(format!("{}: {lost:?}", typed.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn every_document_is_decoded_and_known_members_survive() {
    let schemas = Schemas::read().await;
    let failures: Vec<String> = std::thread::scope(|scope| {
        let halves = TYPES.chunks(TYPES.len().div_ceil(2));
        let halves = halves.map(|types| scope.spawn(|| not_kept(&schemas, types)));
        let halves: Vec<_> = halves.collect();
        let failures = halves.into_iter().map(|half| half.join().unwrap());
        failures.flatten().collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Returns the documents that a type could not decode or changed, with the reasons.
fn not_kept(schemas: &Schemas, types: &[Typed]) -> Vec<String> {
    let mut failures = Vec::new();
    for typed in types {
        let schema = schemas.named(typed.name);
        let config = Config {
            cases: 32,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&schemas.documents(schema), |document| {
            let written = (typed.read)(&document.to_string())
                .map_err(|problem| TestCaseError::fail(problem.to_string()))?;
            let mut lost = Vec::new();
            schemas.lost(schema, &document, &written, "", &mut lost);
            prop_assert!(lost.is_empty(), "{}", lost.join("; "));
            Ok(())
        });
        if let Err(TestError::Fail(why, document)) = outcome {
            failures.push(format!("{}: {why}, of {document}", typed.name));
        }
    }
    failures
}

/// Returns the paths of all types that are compared with a schema.
pub fn compared() -> Vec<&'static str> {
    let enums = enums().into_iter().map(|(path, _)| path);
    TYPES
        .iter()
        .map(|typed| (typed.path)())
        .chain(enums)
        .collect()
}
