//! Deserialization of members that servers write in more than one way, for `deserialize_with`.
//!
//! A member that carries the meaning of a response is read strictly. One beside it is read by these functions: a
//! text may be a number, a number may be a text, a list may be its only element, and a value of any other form
//! counts as absent. So one odd member does not make the whole response unreadable.
//!
//! They require a self-describing format such as JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The integers up to which an `f64` represents every one exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a value that may be null, and then is the default.
pub fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Deserializes a text, or a number as its text. Anything else is `None`.
///
/// # Errors
///
/// Only those of the format.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Deserializes a number that is not negative, or a text with such a number; a fraction is cut off. Anything else
/// is `None`.
///
/// # Errors
///
/// Only those of the format.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(to_number(&Value::deserialize(deserializer)?))
}

/// Deserializes a [`number`], with 0 for anything else.
///
/// # Errors
///
/// Only those of the format.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    number(deserializer).map(Option::unwrap_or_default)
}

/// Deserializes an index, which may be a text or absent. Unlike a [`number`], a value that is not an index is an
/// error: an index says where something belongs.
///
/// # Errors
///
/// Fails for a fraction, a negative or too large number, and for values that are no numbers.
pub fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    let whole = value.as_f64().is_none_or(|number| number.fract() == 0.0);
    let index = to_number(&value).filter(|_| whole);
    let index = index.and_then(|index| u32::try_from(index).ok());
    let problem = || serde::de::Error::custom(format_args!("`{value}` is not an index"));
    index.map(Some).ok_or_else(problem)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is within the bounds"
)]
fn to_number(value: &Value) -> Option<u64> {
    let parsed;
    let number = match value {
        Value::Number(number) => number,
        Value::String(text) => {
            parsed = text.trim().parse().ok()?;
            &parsed
        }
        _ => return None,
    };
    let float = || number.as_f64().filter(|it| (0.0..=EXACT).contains(it));
    number.as_u64().or_else(|| float().map(|it| it as u64))
}

/// Deserializes an object. Anything else is the default value.
///
/// # Errors
///
/// Those of `T`, for an object.
pub fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    optional_object(deserializer).map(Option::unwrap_or_default)
}

/// Deserializes an object. Anything else is `None`.
///
/// # Errors
///
/// Those of `T`, for an object.
pub fn optional_object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(match Form::deserialize(deserializer)? {
        Form::Object(value) => Some(value),
        Form::List(_) | Form::Other => None,
    })
}

/// Deserializes a list of objects, or a single object as a list of one. Elements that are not objects are skipped,
/// and anything else is an empty list.
///
/// # Errors
///
/// Those of `T`, for an object.
pub fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(match Form::deserialize(deserializer)? {
        Form::Object(value) => vec![value],
        Form::List(values) => values,
        Form::Other => Vec::new(),
    })
}

/// A value by its form. It is read without a copy, as the elements of a stream's chunks are.
enum Form<T> {
    Object(T),
    List(Vec<T>),
    Other,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Form<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormVisitor(PhantomData))
    }
}

struct FormVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FormVisitor<T> {
    type Value = Form<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Form<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Form::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Form<T>, A::Error> {
        let mut objects = Vec::new();
        while let Some(Element(element)) = elements.next_element()? {
            objects.extend(element);
        }
        Ok(Form::List(objects))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Form<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_none<E>(self) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }

    fn visit_unit<E>(self) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Form<T>, E> {
        Ok(Form::Other)
    }
}

/// An element of a list: `None` if it is not an object.
struct Element<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        optional_object(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "text")]
        text: Option<String>,
        #[serde(deserialize_with = "count")]
        count: u64,
    }

    fn sample(text: &str, count: u64) -> Sample {
        let text = Some(text.to_owned());
        Sample { text, count }
    }

    #[test]
    fn a_text_may_be_a_number_and_anything_else_counts_as_absent() {
        for (value, expected) in [
            (json!("a"), Some("a")),
            (json!(""), Some("")),
            (json!(7), Some("7")),
            (json!(1.5), Some("1.5")),
            (json!(null), None),
            (json!(true), None),
            (json!(["a"]), None),
            (json!({"a": 1}), None),
        ] {
            assert_eq!(text(&value).unwrap().as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_count_may_be_written_as_any_number() {
        for (value, expected) in [
            (json!(12), Some(12)),
            (json!(u64::MAX), Some(u64::MAX)),
            (json!(12.0), Some(12)),
            (json!(12.9), Some(12)),
            (json!(" 12 "), Some(12)),
            (json!("12.0"), Some(12)),
            (json!(-1), None),
            (json!(-0.5), None),
            (json!(1e300), None),
            (json!("many"), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(number(&value).unwrap(), expected, "{value}");
            assert_eq!(count(&value).unwrap(), expected.unwrap_or(0), "{value}");
        }
    }

    #[test]
    fn an_index_may_be_absent_but_not_wrong() {
        for (value, expected) in [
            (json!(1), Some(1)),
            (json!(1.0), Some(1)),
            (json!("1"), Some(1)),
            (json!(null), None),
        ] {
            assert_eq!(index(&value).unwrap(), expected, "{value}");
        }
        for value in [
            json!(-1),
            json!(1.5),
            json!(1_u64 << 32),
            json!("a"),
            json!([]),
            json!({}),
        ] {
            let problem = index(&value).unwrap_err().to_string();
            assert_eq!(problem, format!("`{value}` is not an index"));
        }
    }

    #[test]
    fn an_object_of_another_form_counts_as_absent() {
        let whole = json!({"text": 7, "count": "3", "more": {}});
        assert_eq!(object::<_, Sample>(&whole).unwrap(), sample("7", 3));
        for value in [
            json!(null),
            json!(true),
            json!("a"),
            json!(1),
            json!(-1),
            json!(0.5),
            json!([whole]),
        ] {
            assert_eq!(
                optional_object::<_, Sample>(&value).unwrap(),
                None,
                "{value}"
            );
            assert_eq!(object::<_, Sample>(&value).unwrap(), Sample::default());
        }
    }

    #[test]
    fn a_bad_element_does_not_hide_the_others() {
        let (a, b) = (json!({"text": "a"}), json!({"text": "b", "count": []}));
        let mixed = json!([a, null, "x", 1, [a], b]);
        assert_eq!(
            list::<_, Sample>(&mixed).unwrap(),
            [sample("a", 0), sample("b", 0)]
        );
        assert_eq!(list::<_, Sample>(&a).unwrap(), [sample("a", 0)]);
        for value in [json!(null), json!("a"), json!([])] {
            assert_eq!(list::<_, Sample>(&value).unwrap(), [], "{value}");
        }
        // As a document too, whose deserializer is another one.
        let text = mixed.to_string();
        let mut document = serde_json::Deserializer::from_str(&text);
        assert_eq!(list::<_, Sample>(&mut document).unwrap().len(), 2);
    }
}
