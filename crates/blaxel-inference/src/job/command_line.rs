//! Arguments as a command line, `--name value`.

use std::ffi::OsString;

use blaxel_core::{Error, Source};
use serde::de::value::{MapAccessDeserializer, StrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    Visitor,
};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::Value;

/// An error that names the argument.
type Problem = serde_json::Error;

/// Reads arguments into their type.
pub(super) fn read<T: DeserializeOwned>(line: &[OsString]) -> Result<T, Error> {
    let arguments = Arguments {
        rest: pairs(line)?.into_iter(),
        current: None,
    };
    T::deserialize(MapAccessDeserializer::new(arguments))
        .map_err(|problem| Error::input("arguments", &Source::CommandLine, problem))
}

/// Splits a command line into names and values. A name without a value is `true`.
fn pairs(line: &[OsString]) -> Result<Vec<(String, String)>, Error> {
    let refused = |problem: String| Error::input("arguments", &Source::CommandLine, problem);
    let mut line = line.iter().peekable();
    let mut pairs = Vec::new();
    while let Some(argument) = line.next() {
        let Some(argument) = argument.to_str() else {
            return Err(refused("one is not Unicode".to_owned()));
        };
        let Some(name) = argument.strip_prefix("--").filter(|name| !name.is_empty()) else {
            let hint = "arguments are given as `--name value`";
            return Err(refused(format!("`{argument}` has no name; {hint}")));
        };
        if let Some((name, value)) = name.split_once('=') {
            pairs.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let is_value = |next: &&OsString| !next.to_string_lossy().starts_with("--");
        let value = match line.next_if(is_value) {
            None => "true",
            Some(value) => value
                .to_str()
                .ok_or_else(|| refused(format!("the value of `--{name}` is not Unicode")))?,
        };
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// Writes arguments as a command line. Members that are `null` are left out.
pub(super) fn write(arguments: &impl Serialize) -> Result<Vec<String>, Error> {
    let refused = |problem: String| Error::input("arguments", &Source::Code, problem);
    let arguments =
        serde_json::to_value(arguments).map_err(|problem| refused(problem.to_string()))?;
    let Value::Object(members) = arguments else {
        return Err(refused("they are not a JSON object".to_owned()));
    };
    let mut line = Vec::new();
    for (name, value) in members {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        if value.starts_with("--") {
            line.push(format!("--{name}={value}"));
        } else {
            line.extend([format!("--{name}"), value]);
        }
    }
    Ok(line)
}

/// The arguments as a map, which names the argument in errors.
struct Arguments {
    rest: std::vec::IntoIter<(String, String)>,
    current: Option<(String, String)>,
}

impl<'de> MapAccess<'de> for Arguments {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else {
            return Ok(None);
        };
        let name: StringDeserializer<Problem> = name.clone().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(Text(&value))
            .map_err(|problem| match problem.is_syntax() || problem.is_eof() {
                true => Problem::custom(format!(
                    "`--{name}`: the value is not one of its type: a number, `true`, `false`, or JSON"
                )),
                false => Problem::custom(format!("`--{name}`: {problem}")),
            })
    }
}

/// The value of an argument: text, which is JSON where anything but text is expected.
struct Text<'a>(&'a str);

/// Deserializes types other than text from the JSON in the text.
macro_rules! from_json {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Problem> {
            let mut json = serde_json::Deserializer::from_reader(self.0.as_bytes());
            let value = json.$method($($argument,)* visitor)?;
            json.end()?;
            Ok(value)
        })*
    };
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Problem;

    from_json! {
        deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_seq() deserialize_map()
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if self.0.starts_with('{') {
            let mut json = serde_json::Deserializer::from_reader(self.0.as_bytes());
            let value = json.deserialize_enum(name, variants, visitor)?;
            json.end()?;
            return Ok(value);
        }
        let name: StrDeserializer<'_, Problem> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
    #[serde(default)]
    struct Everything {
        text: String,
        count: u32,
        offset: i64,
        share: f64,
        quick: bool,
        letter: Option<char>,
        mode: Option<Mode>,
        pages: Vec<u32>,
        limits: BTreeMap<String, u32>,
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        VeryFast,
        Limit { count: u32 },
    }

    fn line(line: &[&str]) -> Vec<OsString> {
        line.iter().map(Into::into).collect()
    }

    fn parse(words: &[&str]) -> Result<Everything, Error> {
        read(&line(words))
    }

    #[test]
    fn values_have_the_types_that_are_expected() {
        let parsed = parse(&[
            "--text",
            "7",
            "--count",
            "7",
            "--offset",
            "-5",
            "--share=0.5",
            "--letter",
            "x",
            "--mode",
            "very-fast",
            "--pages",
            "[1,2]",
            "--limits",
            r#"{"a":1}"#,
            "--quick",
        ]);
        let expected = Everything {
            text: "7".to_owned(),
            count: 7,
            offset: -5,
            share: 0.5,
            quick: true,
            letter: Some('x'),
            mode: Some(Mode::VeryFast),
            pages: vec![1, 2],
            limits: BTreeMap::from([("a".to_owned(), 1)]),
        };
        assert_eq!(parsed.unwrap(), expected);
        let parsed = parse(&["--mode", r#"{"limit":{"count":3}}"#, "--text="]);
        assert_eq!(parsed.unwrap().mode, Some(Mode::Limit { count: 3 }));
        assert_eq!(parse(&[]).unwrap(), Everything::default());
    }

    #[test]
    fn arguments_without_a_type_are_texts() {
        let parsed: Value = read(&line(&["--page", "1", "--all", "--name=a=b"])).unwrap();
        assert_eq!(parsed, json!({"page": "1", "all": "true", "name": "a=b"}));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (words, named) in [
            (
                &["--count", "many"][..],
                "`--count`: the value is not one of its type",
            ),
            (
                &["--count", ""],
                "`--count`: the value is not one of its type",
            ),
            (&["--count", "-1"], "`--count`: invalid value"),
            (&["--count", "1", "2"], "`2`"),
            (&["--count", "1 2"], "`--count`"),
            (&["--pages", "1"], "`--pages`"),
            (&["--count", "1", "--count", "2"], "duplicate field `count`"),
            (&["count"], "`count`"),
            (&["--"], "`--`"),
        ] {
            let error = parse(words).unwrap_err();
            assert!(error.is_input(), "{error}");
            let text = error.to_string();
            assert!(text.contains(named), "{text}");
            assert!(text.contains("from the command line"), "{text}");
        }
    }

    #[test]
    fn a_command_line_is_read_as_it_was_written() {
        let everything = Everything {
            text: "--text".to_owned(),
            count: 3,
            offset: -1,
            quick: true,
            mode: Some(Mode::Limit { count: 1 }),
            pages: vec![4],
            ..Everything::default()
        };
        let written: Vec<OsString> = write(&everything)
            .unwrap()
            .into_iter()
            .map(Into::into)
            .collect();
        assert_eq!(read::<Everything>(&written).unwrap(), everything);
        assert_eq!(
            write(&json!({"page": 1, "x": null})).unwrap(),
            ["--page", "1"]
        );
        assert!(write(&json!([1])).unwrap_err().is_input());
    }
}
