//! Checks that a decoded value keeps everything that the response holds.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A type of the facade that responses are decoded into.
pub trait Decoded: DeserializeOwned + Clone + PartialEq + Debug {}

impl<T: DeserializeOwned + Clone + PartialEq + Debug> Decoded for T {}

/// Fails unless each member of the response affects the decoded value: with another member, another
/// value must be decoded.
#[track_caller]
pub fn assert_keeps_all<T: Decoded>(read: &T, response: &Value) {
    assert_eq!(
        lost_members(read, response),
        Vec::<String>::new(),
        "lost of {response:#}"
    );
}

/// Returns the members of a response that do not affect the decoded value, as JSON pointers.
#[track_caller]
pub fn lost_members<T: Decoded>(read: &T, response: &Value) -> Vec<String> {
    let same = serde_json::from_str(&response.to_string()).expect("the response can be decoded");
    assert_eq!(*read, same);
    let mut pointers = Vec::new();
    leaves(response, &mut String::new(), &mut pointers);
    let mut other = response.clone();
    pointers.retain(|pointer| {
        let leaf = other.pointer_mut(pointer).expect("it is there");
        let changed = another(leaf);
        let kept = std::mem::replace(leaf, changed);
        let is_lost = T::deserialize(&other).is_ok_and(|other| other == *read);
        *other.pointer_mut(pointer).expect("it is there") = kept;
        is_lost
    });
    pointers
}

/// Returns a different value of the same JSON type.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => (!flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => (number + 1).into(),
            None => (number.as_f64().expect("a number") + 1.0).into(),
        },
        Value::String(text) => format!("{text}x").into(),
        other => panic!("{other} is no leaf"),
    }
}

fn leaves(value: &Value, at: &mut String, found: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        leaves(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                below(&index.to_string(), item);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                below(name, member);
            }
        }
        _ => found.push(at.clone()),
    }
}
