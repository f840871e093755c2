//! Generates documents of schemas: random ones with unusual members, and complete ones.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;

impl Schemas {
    /// Returns a strategy for documents of a schema, with missing, null and unknown members.
    pub fn documents(&self, schema: &Value) -> BoxedStrategy<Value> {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            let choices: Vec<_> = choices
                .iter()
                .map(|choice| self.documents(choice))
                .collect();
            return proptest::strategy::Union::new(choices).boxed();
        }
        match schema["type"].as_str() {
            None => anything(),
            Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
            Some("integer") => (0..=i64::from(u32::MAX)).prop_map(Value::from).boxed(),
            Some("number") => prop_oneof![
                any::<i32>().prop_map(Value::from),
                // No more digits than every JSON parser preserves.
                any::<i32>().prop_map(|number| (f64::from(number) / 1000.0).into()),
            ]
            .boxed(),
            Some("string") => match schema["enum"].as_array() {
                None => text(),
                Some(words) => prop_oneof![text(), select(words.clone())].boxed(),
            },
            Some("array") => vec(self.documents(&schema["items"]), 0..3)
                .prop_map(Value::from)
                .boxed(),
            Some("object") if schema.get("additionalProperties").is_some() => {
                let items = self.documents(&schema["additionalProperties"]);
                btree_map(word(), items, 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect()))
                    .boxed()
            }
            Some("object") => self.objects(schema),
            Some(other) => panic!("unknown type {other}"),
        }
    }

    fn objects(&self, schema: &Value) -> BoxedStrategy<Value> {
        let mut known: BoxedStrategy<Vec<(String, Value)>> = Just(Vec::new()).boxed();
        let members = schema["properties"].as_object();
        // A document with neither member is not a page, and decoding it as one would hide a list.
        let is_page =
            members.is_some_and(|all| all.contains_key("data") && all.contains_key("meta"));
        for (name, member) in members.into_iter().flatten() {
            let name = name.clone();
            let may_be_absent = !(is_page && name == "data");
            let member = prop_oneof![
                6 => self.documents(member).prop_map(Some),
                u32::from(may_be_absent) => Just(None),
                1 => Just(Some(Value::Null)),
            ];
            known = (known, member)
                .prop_map(move |(mut members, member)| {
                    members.extend(member.map(|member| (name.clone(), member)));
                    members
                })
                .boxed();
        }
        let unknown = btree_map(word(), anything(), 0..3);
        (unknown, known)
            .prop_map(|(unknown, known)| Value::Object(unknown.into_iter().chain(known).collect()))
            .boxed()
    }

    /// Returns a document that has every member.
    pub fn full(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            return self.full(&choices[0]);
        }
        match schema["type"].as_str() {
            Some("boolean") => true.into(),
            Some("integer") => 7.into(),
            Some("number") => 7.5.into(),
            Some("array") => json!([self.full(&schema["items"])]),
            Some("object") => match schema.get("additionalProperties") {
                Some(items) => json!({"one": self.full(items)}),
                None => {
                    let members = schema["properties"].as_object().into_iter().flatten();
                    let members = members.map(|(name, schema)| (name.clone(), self.full(schema)));
                    Value::Object(members.collect::<Map<_, _>>())
                }
            },
            Some("string") if schema.get("enum").is_some() => schema["enum"][0].clone(),
            _ => "24h".into(),
        }
    }
}

/// Returns names that no schema has.
fn word() -> BoxedStrategy<String> {
    let words = ["xNew", "x-new", "x_new", "x/new.one", "xÉ"];
    select(words.to_vec()).prop_map(str::to_owned).boxed()
}

fn text() -> BoxedStrategy<Value> {
    let odd = [
        "",
        " ",
        "é\u{1F600}",
        "\"\\\n\u{7f}",
        "24h",
        "2026-05-01T10:00:00.123456789Z",
        "null",
    ];
    prop_oneof![
        select(odd.to_vec()).prop_map(Value::from),
        any::<u32>().prop_map(|number| format!("word-{number}").into()),
    ]
    .boxed()
}

fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text(),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(word(), inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}
