//! Accepted and rejected bodies, by example and for every schema.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::string::string_regex;
use serde_json::json;

use super::*;
use crate::openapi::{check, strip};

/// Returns the error for a body.
#[track_caller]
fn error(operation: &str, body: &Value) -> String {
    check(operation, body).unwrap_err()
}

#[test]
fn an_error_names_the_invalid_member() {
    let agent = |spec: Value| json!({"metadata": {"name": "a"}, "spec": spec});
    for (body, refused) in [
        (json!(null), "The body must be an object"),
        (json!([]), "The body must be an object"),
        (json!({}), "metadata is missing"),
        (json!({"metadata": null}), "metadata is missing"),
        (json!({"metadata": {}}), "metadata.name is missing"),
        (
            json!({"metadata": {"name": "A"}}),
            "metadata.name must be a string that matches [a-z0-9-]{1,49}",
        ),
        (
            json!({"metadata": {"name": "a", "displayName": "x".repeat(64)}}),
            "metadata.displayName must be a string of at most 63 characters",
        ),
        (
            json!({"metadata": {"name": "a", "labels": {"b": 1}}}),
            "metadata.labels.b must be a string",
        ),
        (agent(json!(7)), "spec must be an object"),
        (
            agent(json!({"enabled": "yes"})),
            "spec.enabled must be true or false",
        ),
        (
            agent(json!({"runtime": {"memory": 1.5}})),
            "spec.runtime.memory must be a whole number",
        ),
        (
            agent(json!({"runtime": {"memory": "2048"}})),
            "spec.runtime.memory must be a whole number",
        ),
        (
            agent(json!({"runtime": {"generation": "mk4"}})),
            "spec.runtime.generation must be one of mk2, mk3",
        ),
        (
            agent(json!({"runtime": {"envs": [{"name": "A"}, {"name": 1}]}})),
            "spec.runtime.envs[1].name must be a string",
        ),
        (
            agent(json!({"policies": "none"})),
            "spec.policies must be a list",
        ),
    ] {
        assert_eq!(error("CreateAgent", &body), refused);
        assert_eq!(error("UpdateAgent", &body), refused);
    }
}

#[test]
fn unknown_and_read_only_members_are_accepted() {
    let body = json!({
        "metadata": {
            "name": "a",
            "externalId": null,
            "createdAt": 7,
            "url": {},
            "future": [null],
        },
        "spec": {"runtime": {"memory": 2048, "transport": null, "snapshotEnabled": 1}},
        "status": "UNHEARD_OF",
        "events": "none",
        "apiVersion": "blaxel.ai/v1alpha1",
    });
    for operation in ["CreateAgent", "UpdateAgent", "CreateFunction", "CreateJob"] {
        assert_eq!(check(operation, &body), Ok(()), "{operation}");
    }
}

#[test]
fn a_new_sandbox_needs_no_name() {
    let body = json!({"metadata": {}, "spec": {"runtime": {"ttl": null}, "lifecycle": null}});
    assert_eq!(check("CreateSandbox", &body), Ok(()));
    assert_eq!(error("UpdateSandbox", &body), "metadata.name is missing");
    let named = json!({"metadata": {"name": "No"}, "spec": {}});
    assert!(error("CreateSandbox", &named).starts_with("metadata.name must be"));
}

#[test]
fn a_preview_token_may_have_an_empty_name() {
    let body = json!({"metadata": {"name": ""}, "spec": {}});
    assert_eq!(check("CreateSandboxPreviewToken", &body), Ok(()));
}

#[test]
fn an_operation_without_a_schema_accepts_any_body_and_an_unknown_one_none() {
    assert_eq!(check("DeleteAgent", &json!("whatever")), Ok(()));
    assert!(error("MakeAgent", &json!({})).contains("MakeAgent"));
}

#[test]
fn members_that_the_server_does_not_store_are_removed() {
    let mut body = json!({
        "metadata": {"name": "a", "externalId": null, "createdAt": "x", "labels": null, "own": null},
        "spec": {
            "runtime": {"memory": null, "image": "i"},
            "triggers": [{"id": null, "configuration": {"callbackSecret": "s", "path": "p"}}],
        },
        "status": "FAILED",
        "events": [{"type": "x"}],
        "future": null,
    });
    strip("CreateAgent", &mut body);
    let kept = json!({
        "metadata": {"name": "a", "externalId": null, "own": null},
        "spec": {"runtime": {"image": "i"}, "triggers": [{"configuration": {"path": "p"}}]},
        "future": null,
    });
    assert_eq!(body, kept);
}

/// Generates values of a shape as a server sends them, including its own members.
fn values(facts: &'static Facts, shape: &Shape) -> BoxedStrategy<Value> {
    match shape {
        Shape::Any => prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from)].boxed(),
        Shape::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Number => any::<i32>()
            .prop_map(|number| json!(f64::from(number) / 8.0))
            .boxed(),
        Shape::Integer { least, most } => (least.unwrap_or(i64::MIN)..=most.unwrap_or(i64::MAX))
            .prop_map(Value::from)
            .boxed(),
        Shape::Text { most } => vec(any::<char>(), 0..=most.unwrap_or(12).min(64))
            .prop_map(|text| text.into_iter().collect::<String>().into())
            .boxed(),
        Shape::Pattern(pattern) => string_regex(&pattern.to_string())
            .unwrap()
            .prop_map(Value::from)
            .boxed(),
        Shape::Choice(words) => select(words.clone()).prop_map(Value::from).boxed(),
        Shape::List(item) => vec(values(facts, item), 0..3).prop_map(Value::from).boxed(),
        Shape::Map(item) => btree_map("[a-z]{1,4}", values(facts, item), 0..3)
            .prop_map(|items| items.into_iter().collect::<Map<_, _>>().into())
            .boxed(),
        Shape::Object(members) => members
            .iter()
            .map(|member| object_member(facts, member))
            .collect::<Vec<_>>()
            .prop_map(|members| members.into_iter().flatten().collect::<Map<_, _>>().into())
            .boxed(),
        Shape::Named(name) => values(facts, &facts.schema(name).unwrap().shape),
        Shape::Either(shapes) => {
            let shapes: Vec<_> = shapes.iter().map(|shape| values(facts, shape)).collect();
            proptest::strategy::Union::new(shapes).boxed()
        }
    }
}

/// Generates a member with its name, or nothing if the member is optional.
fn object_member(facts: &'static Facts, member: &Member) -> BoxedStrategy<Option<(String, Value)>> {
    let name = member.name;
    let named = values(facts, &member.shape).prop_map(move |value| (name.to_owned(), value));
    if member.required {
        named.prop_map(Some).boxed()
    } else {
        option::of(named).boxed()
    }
}

/// A location in a value: its JSON pointer, its name in messages, and the expected shape.
struct Location<'a> {
    pointer: String,
    shown: String,
    shape: &'a Shape,
}

/// Collects every location in a value that is validated.
fn locations<'a>(
    facts: &'a Facts,
    location: Location<'a>,
    value: &Value,
    found: &mut Vec<Location<'a>>,
) {
    let Location {
        pointer,
        shown,
        shape,
    } = &location;
    let below = |name: &str, shape: &'a Shape| Location {
        pointer: format!("{pointer}/{name}"),
        shown: if shown.is_empty() {
            name.to_owned()
        } else {
            format!("{shown}.{name}")
        },
        shape,
    };
    match *shape {
        Shape::Any => return,
        Shape::Named(name) => {
            let shape = &facts.schema(name).unwrap().shape;
            return locations(facts, Location { shape, ..location }, value, found);
        }
        Shape::List(item) => {
            for (index, value) in value.as_array().unwrap().iter().enumerate() {
                let (pointer, shown) = (format!("{pointer}/{index}"), format!("{shown}[{index}]"));
                locations(
                    facts,
                    Location {
                        pointer,
                        shown,
                        shape: item,
                    },
                    value,
                    found,
                );
            }
        }
        Shape::Map(item) => {
            for (name, value) in value.as_object().unwrap() {
                locations(facts, below(name, item), value, found);
            }
        }
        Shape::Object(members) => {
            for member in members.iter().filter(|member| !facts.is_read_only(member)) {
                if let Some(value) = value.get(member.name) {
                    locations(facts, below(member.name, &member.shape), value, found);
                }
            }
        }
        _ => {}
    }
    found.push(location);
}

/// Returns a value that does not have a shape.
fn wrong_value(shape: &Shape) -> Value {
    match shape {
        Shape::Any | Shape::Named(_) => unreachable!("nothing else, or looked up before"),
        Shape::Boolean | Shape::Number => "1".into(),
        Shape::Integer { .. } => 1.5.into(),
        Shape::Text { .. } | Shape::Choice(_) => 1.into(),
        Shape::Pattern(_) => "#".into(),
        Shape::List(_) => json!({}),
        Shape::Map(_) | Shape::Object(_) | Shape::Either(_) => json!([]),
    }
}

/// Generates a schema that matches a condition, and a value of it.
fn schemas(
    those: impl Fn(&Shape) -> bool,
) -> impl Strategy<Value = (&'static str, &'static Shape, Value)> {
    let facts = Facts::get();
    let shapes: Vec<_> = facts
        .schemas()
        .map(|(name, schema)| (name, &schema.shape))
        .filter(|(_, shape)| those(shape))
        .collect();
    assert!(shapes.len() > 20);
    select(shapes).prop_flat_map(move |(name, shape)| {
        values(facts, shape).prop_map(move |value| (name, shape, value))
    })
}

/// Returns the members that a request requires.
fn needed(shape: &Shape) -> Vec<&Member> {
    let Shape::Object(members) = shape else {
        return Vec::new();
    };
    let facts = Facts::get();
    let is_needed = |member: &&Member| member.required && !facts.is_read_only(member);
    members.iter().filter(is_needed).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_schema_accepts_its_own_values((name, shape, value) in schemas(|_| true)) {
        let facts = Facts::get();
        prop_assert_eq!(super::check(facts, shape, &value), Ok(()), "{}", name);
        let mut kept = value;
        super::strip(facts, shape, &mut kept);
        prop_assert_eq!(super::check(facts, shape, &kept), Ok(()), "{}", name);
    }

    #[test]
    fn an_error_names_a_member_of_the_wrong_shape(
        (name, shape, mut value) in schemas(|_| true),
        index in any::<Index>(),
    ) {
        let facts = Facts::get();
        let start = Location { pointer: String::new(), shown: String::new(), shape };
        let mut found = Vec::new();
        locations(facts, start, &value, &mut found);
        prop_assume!(!found.is_empty());
        let location = index.get(&found);
        *value.pointer_mut(&location.pointer).unwrap() = wrong_value(location.shape);
        let refused = super::check(facts, shape, &value).unwrap_err();
        let shown = if location.shown.is_empty() { "The body" } else { &location.shown };
        prop_assert!(refused.starts_with(&format!("{shown} must be ")), "{}: {}", name, refused);
    }

    #[test]
    fn an_error_names_a_missing_member(
        (name, shape, mut value) in schemas(|shape| !needed(shape).is_empty()),
        index in any::<Index>(),
    ) {
        let facts = Facts::get();
        let member = index.get(&needed(shape)).name;
        value.as_object_mut().unwrap().remove(member);
        let refused = super::check(facts, shape, &value).unwrap_err();
        prop_assert_eq!(refused, format!("{member} is missing"), "{}", name);
    }
}
