//! Writing back what was changed, and only that.
//!
//! A resource type knows some members of a document; the server may have sent more. So a change is
//! worked out between two renderings of the type, before and after, and carried over to the
//! document as the server sent it.

use serde_json::{Map, Value};

/// The document with the changes that lead from `before` to `after`.
///
/// Members that neither rendering has stay as they are. A member that only `before` has was removed.
pub(crate) fn carry_over(document: Value, before: &Value, after: Value) -> Value {
    if *before == after {
        return document;
    }
    match (document, before, after) {
        (Value::Object(document), Value::Object(before), Value::Object(after)) => {
            Value::Object(carry_members(document, before, after))
        }
        (Value::Array(document), Value::Array(before), Value::Array(after))
            if document.len() == before.len() =>
        {
            Value::Array(carry_elements(document, before, after))
        }
        (_, _, after) => after,
    }
}

fn carry_members(
    mut document: Map<String, Value>,
    before: &Map<String, Value>,
    after: Map<String, Value>,
) -> Map<String, Value> {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        document.remove(name);
    }
    for (name, value) in after {
        let value = match (document.remove(&name), before.get(&name)) {
            (Some(old), Some(before)) => carry_over(old, before, value),
            // Told apart from an unchanged member below, so an absent one is not written out.
            (None, Some(before)) if *before == value => continue,
            (_, None) | (None, Some(_)) => value,
        };
        document.insert(name, value);
    }
    document
}

/// Each element of `after` takes over what the server sent with the element it was made from: the
/// one equal to it, else the one of the same name or id, else, in a list of the same length, the one
/// in its place. An element that was made from none stands for itself.
fn carry_elements(document: Vec<Value>, before: &[Value], after: Vec<Value>) -> Vec<Value> {
    let same_length = before.len() == after.len();
    let mut unused: Vec<Option<Value>> = document.into_iter().map(Some).collect();
    // Equal elements are given out first, so that no other one takes their place.
    let equal: Vec<Option<(usize, Value)>> = after
        .iter()
        .map(|element| {
            let index = (0..before.len())
                .find(|&index| before.get(index) == Some(element) && is_some(&unused, index))?;
            Some((index, take(&mut unused, index)?))
        })
        .collect();
    let place_of = |index: usize, element: &Value, unused: &[Option<Value>]| {
        let named = (0..before.len()).find(|&old| {
            is_some(unused, old)
                && before
                    .get(old)
                    .is_some_and(|old| same_identity(old, element))
        });
        let in_place = same_length
            && is_some(unused, index)
            && before
                .get(index)
                .is_some_and(|old| !differs_in_identity(old, element));
        named.or(in_place.then_some(index))
    };
    let mut result = Vec::with_capacity(after.len());
    for (index, (element, equal)) in after.into_iter().zip(equal).enumerate() {
        let source = equal.or_else(|| {
            let place = place_of(index, &element, &unused)?;
            Some((place, take(&mut unused, place)?))
        });
        result.push(match source {
            Some((place, old)) => match before.get(place) {
                Some(before) => carry_over(old, before, element),
                None => element,
            },
            None => element,
        });
    }
    result
}

fn is_some(unused: &[Option<Value>], index: usize) -> bool {
    unused.get(index).is_some_and(Option::is_some)
}

fn take(unused: &mut [Option<Value>], index: usize) -> Option<Value> {
    unused.get_mut(index)?.take()
}

/// The member by which people tell the elements of a list apart.
fn identity(element: &Value) -> Option<&Value> {
    element.get("id").or_else(|| element.get("name"))
}

fn same_identity(a: &Value, b: &Value) -> bool {
    identity(a).is_some() && identity(a) == identity(b)
}

fn differs_in_identity(a: &Value, b: &Value) -> bool {
    identity(a).is_some() && identity(b).is_some() && identity(a) != identity(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn members_without_a_type_survive() {
        let document =
            json!({"name": "a", "size": 1, "new": {"x": null}, "spec": {"k": 1, "u": [1]}});
        let before = json!({"name": "a", "size": 1, "spec": {"k": 1}});
        let after = json!({"name": "a", "spec": {"k": 2, "added": true}});
        assert_eq!(
            carry_over(document, &before, after),
            json!({"name": "a", "new": {"x": null}, "spec": {"k": 2, "u": [1], "added": true}})
        );
    }

    #[test]
    fn a_null_that_the_type_leaves_out_stays_null() {
        let document = json!({"events": null, "spec": {"k": 1}});
        let changed = carry_over(
            document,
            &json!({"spec": {"k": 1}}),
            json!({"spec": {"k": 2}}),
        );
        assert_eq!(changed, json!({"events": null, "spec": {"k": 2}}));
    }

    /// List before, list after, and what the server then gets; `u` is a member without a type.
    #[test]
    fn elements_keep_what_came_with_them() {
        let document = json!([{"name": "a", "v": 1, "u": "A"}, {"name": "b", "v": 2, "u": "B"}]);
        let before = json!([{"name": "a", "v": 1}, {"name": "b", "v": 2}]);
        for (after, expected) in [
            // The first one is removed.
            (
                json!([{"name": "b", "v": 2}]),
                json!([{"name": "b", "v": 2, "u": "B"}]),
            ),
            // They change places, and one of them changes.
            (
                json!([{"name": "b", "v": 3}, {"name": "a", "v": 1}]),
                json!([{"name": "b", "v": 3, "u": "B"}, {"name": "a", "v": 1, "u": "A"}]),
            ),
            // A new one replaces the first: it must not inherit from it.
            (
                json!([{"name": "c", "v": 1}, {"name": "b", "v": 2}]),
                json!([{"name": "c", "v": 1}, {"name": "b", "v": 2, "u": "B"}]),
            ),
            // One is added at the front.
            (
                json!([{"name": "c"}, {"name": "a", "v": 1}, {"name": "b", "v": 2}]),
                json!([{"name": "c"}, {"name": "a", "v": 1, "u": "A"}, {"name": "b", "v": 2, "u": "B"}]),
            ),
        ] {
            assert_eq!(carry_over(document.clone(), &before, after), expected);
        }
    }

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
        fn without_unknown_members_the_result_is_what_was_asked_for(before in json(), after in json()) {
            prop_assert_eq!(carry_over(before.clone(), &before, after.clone()), after);
        }

        #[test]
        fn no_change_changes_nothing(document in json(), typed in json()) {
            prop_assert_eq!(carry_over(document.clone(), &typed, typed.clone()), document);
        }
    }
}
