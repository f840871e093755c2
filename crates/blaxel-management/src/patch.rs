//! Applies the changes of a typed value to the untyped document that it was read from.
//!
//! A resource type covers some members of a document; the server may have sent more. So the change is
//! computed as the difference between two serializations of the typed value, before and after, and applied
//! to the document as the server sent it. Members without a type are preserved.

use serde_json::{Map, Value};

/// Returns `document` with the changes between `before` and `after` applied.
///
/// Members that are in neither serialization are kept. A member that is only in `before` is removed.
pub(crate) fn apply_changes(document: Value, before: &Value, after: Value) -> Value {
    if *before == after {
        return document;
    }
    match (document, before, after) {
        (Value::Object(document), Value::Object(before), Value::Object(after)) => {
            Value::Object(change_members(document, before, after))
        }
        (Value::Array(document), Value::Array(before), Value::Array(after))
            if document.len() == before.len() =>
        {
            Value::Array(change_elements(document, before, after))
        }
        (_, _, after) => after,
    }
}

/// Applies the changes of an object, member by member.
fn change_members(
    mut document: Map<String, Value>,
    before: &Map<String, Value>,
    after: Map<String, Value>,
) -> Map<String, Value> {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        document.remove(name);
    }
    for (name, value) in after {
        let value = match (document.remove(&name), before.get(&name)) {
            (Some(old), Some(before)) => apply_changes(old, before, value),
            // The document does not have this unchanged member, so it is not added.
            (None, Some(before)) if *before == value => continue,
            (_, None) | (None, Some(_)) => value,
        };
        document.insert(name, value);
    }
    document
}

/// Applies the changes of a list. Each element of `after` keeps the untyped members of the element that it was
/// made from: the equal one; else the one with the same name or id; else, if the length is unchanged, the one
/// at the same index. An element without such a source is new, and taken as it is.
fn change_elements(document: Vec<Value>, before: &[Value], after: Vec<Value>) -> Vec<Value> {
    let same_length = before.len() == after.len();
    let mut unused: Vec<Option<Value>> = document.into_iter().map(Some).collect();
    // Equal elements are matched first, so that no other element claims their source.
    let equal: Vec<Option<(usize, Value)>> = after
        .iter()
        .map(|element| {
            let index = (0..before.len())
                .find(|&index| before.get(index) == Some(element) && is_some(&unused, index))?;
            Some((index, take(&mut unused, index)?))
        })
        .collect();
    let source_index = |index: usize, element: &Value, unused: &[Option<Value>]| {
        let named = (0..before.len()).find(|&old| {
            is_some(unused, old)
                && before
                    .get(old)
                    .is_some_and(|old| same_identity(old, element))
        });
        let same_index = same_length
            && is_some(unused, index)
            && before
                .get(index)
                .is_some_and(|old| !differs_in_identity(old, element));
        named.or(same_index.then_some(index))
    };
    let mut result = Vec::with_capacity(after.len());
    for (index, (element, equal)) in after.into_iter().zip(equal).enumerate() {
        let source = equal.or_else(|| {
            let old_index = source_index(index, &element, &unused)?;
            Some((old_index, take(&mut unused, old_index)?))
        });
        result.push(match source {
            Some((old_index, old)) => match before.get(old_index) {
                Some(before) => apply_changes(old, before, element),
                None => element,
            },
            None => element,
        });
    }
    result
}

/// Returns `true` if the element at `index` has not been taken.
fn is_some(unused: &[Option<Value>], index: usize) -> bool {
    unused.get(index).is_some_and(Option::is_some)
}

/// Takes the element at `index`, so that it is not used twice.
fn take(unused: &mut [Option<Value>], index: usize) -> Option<Value> {
    unused.get_mut(index)?.take()
}

/// Returns the member that identifies an element of a list: its id, or else its name.
fn identity(element: &Value) -> Option<&Value> {
    element.get("id").or_else(|| element.get("name"))
}

/// Returns `true` if both elements have an identity, and the same one.
fn same_identity(a: &Value, b: &Value) -> bool {
    identity(a).is_some() && identity(a) == identity(b)
}

/// Returns `true` if both elements have an identity, and different ones.
fn differs_in_identity(a: &Value, b: &Value) -> bool {
    identity(a).is_some() && identity(b).is_some() && identity(a) != identity(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn members_without_a_type_are_kept() {
        let document =
            json!({"name": "a", "size": 1, "new": {"x": null}, "spec": {"k": 1, "u": [1]}});
        let before = json!({"name": "a", "size": 1, "spec": {"k": 1}});
        let after = json!({"name": "a", "spec": {"k": 2, "added": true}});
        assert_eq!(
            apply_changes(document, &before, after),
            json!({"name": "a", "new": {"x": null}, "spec": {"k": 2, "u": [1], "added": true}})
        );
    }

    #[test]
    fn a_null_without_a_typed_member_stays_null() {
        let document = json!({"events": null, "spec": {"k": 1}});
        let changed = apply_changes(
            document,
            &json!({"spec": {"k": 1}}),
            json!({"spec": {"k": 2}}),
        );
        assert_eq!(changed, json!({"events": null, "spec": {"k": 2}}));
    }

    // `u` is a member without a type.
    #[test]
    fn list_elements_keep_their_untyped_members() {
        let document = json!([{"name": "a", "v": 1, "u": "A"}, {"name": "b", "v": 2, "u": "B"}]);
        let before = json!([{"name": "a", "v": 1}, {"name": "b", "v": 2}]);
        for (after, expected) in [
            // The first element is removed.
            (
                json!([{"name": "b", "v": 2}]),
                json!([{"name": "b", "v": 2, "u": "B"}]),
            ),
            // The elements are swapped, and one of them changes.
            (
                json!([{"name": "b", "v": 3}, {"name": "a", "v": 1}]),
                json!([{"name": "b", "v": 3, "u": "B"}, {"name": "a", "v": 1, "u": "A"}]),
            ),
            // A new element replaces the first, and must not inherit from it.
            (
                json!([{"name": "c", "v": 1}, {"name": "b", "v": 2}]),
                json!([{"name": "c", "v": 1}, {"name": "b", "v": 2, "u": "B"}]),
            ),
            // An element is added at the front.
            (
                json!([{"name": "c"}, {"name": "a", "v": 1}, {"name": "b", "v": 2}]),
                json!([{"name": "c"}, {"name": "a", "v": 1, "u": "A"}, {"name": "b", "v": 2, "u": "B"}]),
            ),
        ] {
            assert_eq!(apply_changes(document.clone(), &before, after), expected);
        }
    }

    /// Generates JSON documents.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0i64..4).prop_map(Value::from),
            "[ab]".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[abu]|name", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn without_untyped_members_the_result_is_the_new_document(before in json(), after in json()) {
            prop_assert_eq!(apply_changes(before.clone(), &before, after.clone()), after);
        }

        #[test]
        fn without_a_change_the_document_stays_the_same(document in json(), typed in json()) {
            prop_assert_eq!(apply_changes(document.clone(), &typed, typed.clone()), document);
        }
    }
}
