//! The parser of the notation that is described at the top of `schemas.txt`.

use serde_json::Value;

use super::shape::{Member, Pattern, Schemas, Shape};

/// Parses a text from its start, token by token.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    rest: &'static str,
    schemas: &'a Schemas,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'static str, schemas: &'a Schemas) -> Self {
        Self {
            rest: text.trim(),
            schemas,
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns `true` if this text comes next.
    pub(super) fn comes(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Returns an error with the expected token and the position.
    pub(super) fn fail<T>(&self, wanted: &str) -> Result<T, String> {
        Err(format!("{wanted} is wanted at {:?}", self.rest))
    }

    /// Consumes this text if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn need(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) {
            Ok(())
        } else {
            self.fail(text)
        }
    }

    /// Consumes and returns the text before a mark, and consumes the mark.
    fn until(&mut self, mark: char) -> Result<&'static str, String> {
        match self.rest.split_once(mark) {
            Some((text, rest)) => {
                self.rest = rest.trim_start();
                Ok(text)
            }
            None => self.fail(&mark.to_string()),
        }
    }

    /// Consumes and returns the text before a space.
    pub(super) fn field(&mut self) -> Result<&'static str, String> {
        self.split(self.rest.find(char::is_whitespace), "a field")
    }

    /// Consumes and returns a name.
    pub(super) fn word(&mut self) -> Result<&'static str, String> {
        let is_part = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
        self.split(self.rest.find(|char| !is_part(char)), "a name")
    }

    /// Consumes a JSON value, or any other text as a string.
    fn value(&mut self) -> Result<Value, String> {
        let word = self
            .split(self.rest.find([',', '}']), "a value")?
            .trim_end();
        Ok(serde_json::from_str(word).unwrap_or_else(|_| word.into()))
    }

    fn split(&mut self, end: Option<usize>, wanted: &str) -> Result<&'static str, String> {
        let end = end.unwrap_or(self.rest.len());
        match self.rest.split_at_checked(end) {
            Some((word, rest)) if !word.is_empty() => {
                self.rest = rest.trim_start();
                Ok(word)
            }
            _ => self.fail(wanted),
        }
    }

    /// Consumes a number, if one comes next.
    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        let digits = self
            .rest
            .trim_start_matches(|char: char| char.is_ascii_digit());
        let (number, rest) = self.rest.split_at(self.rest.len() - digits.len());
        let number = number.parse().ok()?;
        self.rest = rest.trim_start();
        Some(number)
    }

    /// Parses a shape, or several alternatives.
    pub(super) fn shape(&mut self) -> Result<Shape, String> {
        let first = self.one_shape()?;
        if !self.comes("|") {
            return Ok(first);
        }
        let mut shapes = vec![first];
        while self.take("|") {
            shapes.push(self.one_shape()?);
        }
        Ok(Shape::Either(shapes))
    }

    fn one_shape(&mut self) -> Result<Shape, String> {
        if self.take("[") {
            let item = self.shape()?;
            self.need("]")?;
            return Ok(Shape::List(Box::new(item)));
        }
        if self.take("<") {
            let words = self.until('>')?.split_whitespace();
            return Ok(Shape::Choice(words.collect()));
        }
        if self.take("/[") {
            return self.pattern().map(Shape::Pattern);
        }
        if self.comes("{") {
            return self.object();
        }
        Ok(match self.word()? {
            "any" => Shape::Any,
            "boolean" => Shape::Boolean,
            "number" => Shape::Number,
            "object" => Shape::Map(Box::new(Shape::Any)),
            "integer" => {
                let least = self.number();
                let most = if least.is_some() {
                    self.need("..")?;
                    self.number()
                } else {
                    None
                };
                Shape::Integer { least, most }
            }
            "string" => {
                let is_bounded = self.take("..");
                let most = self.number();
                if is_bounded != most.is_some() {
                    return self.fail("a bound");
                }
                Shape::Text { most }
            }
            "page" => {
                self.need("(")?;
                let item = self.shape()?;
                self.need(")")?;
                page_of(item)
            }
            name if name.starts_with(|char: char| char.is_ascii_uppercase()) => Shape::Named(name),
            other => return Err(format!("{other:?} is no shape")),
        })
    }

    /// Parses the rest of `/[a-z]{1,49}/` after the bracket.
    fn pattern(&mut self) -> Result<Pattern, String> {
        let set = self.until(']')?;
        self.need("{")?;
        let bounds = (self.number(), self.take(","), self.number());
        self.need("}/")?;
        match bounds {
            (Some(least), true, Some(most)) => Ok(Pattern { set, least, most }),
            _ => self.fail("two bounds"),
        }
    }

    fn object(&mut self) -> Result<Shape, String> {
        if self.take("{*:") {
            let item = self.shape()?;
            self.need("}")?;
            return Ok(Shape::Map(Box::new(item)));
        }
        self.members().map(Shape::Object)
    }

    /// Parses the members of an object. If two have the same name the later one is used.
    pub(super) fn members(&mut self) -> Result<Vec<Member>, String> {
        self.need("{")?;
        let mut members: Vec<Member> = Vec::new();
        while !self.take("}") {
            for member in self.some_members()? {
                match members.iter_mut().find(|other| other.name == member.name) {
                    Some(other) => *other = member,
                    None => members.push(member),
                }
            }
            if !self.take(",") && !self.comes("}") {
                return self.fail("a comma");
            }
        }
        Ok(members)
    }

    /// Parses one member, or includes all members of another schema.
    fn some_members(&mut self) -> Result<Vec<Member>, String> {
        if self.take("...") {
            let name = self.word()?;
            return match self.schemas.get(name).map(|schema| &schema.shape) {
                Some(Shape::Object(members)) => Ok(members.clone()),
                _ => Err(format!("{name} is no object that is known already")),
            };
        }
        let name = self.word()?;
        let required = self.take("!");
        let read_only = self.take("~");
        let clearable = self.take("?");
        self.need(":")?;
        let shape = self.shape()?;
        let default = if self.take("=") {
            Some(self.value()?)
        } else {
            None
        };
        Ok(vec![Member {
            name,
            shape,
            required,
            read_only,
            clearable,
            default,
        }])
    }
}

/// Returns the shape of a page of a list.
fn page_of(item: Shape) -> Shape {
    let member = |name, shape| Member {
        name,
        shape,
        required: false,
        read_only: false,
        clearable: false,
        default: None,
    };
    Shape::Object(vec![
        member("data", Shape::List(Box::new(item))),
        member("meta", Shape::Named("PaginationMeta")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::shape::Schema;

    fn read(text: &'static str) -> Result<Shape, String> {
        let mut schemas = Schemas::new();
        let base = Reader::new("{id~: string, name!: string}", &schemas).shape()?;
        schemas.insert("Base", Schema::new(base, false));
        let mut reader = Reader::new(text, &schemas);
        let shape = reader.shape()?;
        if reader.is_at_end() {
            Ok(shape)
        } else {
            reader.fail("the end")
        }
    }

    fn members(text: &'static str) -> Vec<Member> {
        match read(text) {
            Ok(Shape::Object(members)) => members,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_shape_can_be_parsed() {
        let text = |most| Shape::Text { most };
        let integer = |least, most| Shape::Integer { least, most };
        for (written, shape) in [
            ("any", Shape::Any),
            ("boolean", Shape::Boolean),
            ("number", Shape::Number),
            ("integer", integer(None, None)),
            ("integer 1..", integer(Some(1), None)),
            ("integer 0..900", integer(Some(0), Some(900))),
            ("string", text(None)),
            ("string ..63", text(Some(63))),
            ("object", Shape::Map(Box::new(Shape::Any))),
            ("<cpu gpu>", Shape::Choice(vec!["cpu", "gpu"])),
            ("[Env]", Shape::List(Box::new(Shape::Named("Env")))),
            ("{*: string}", Shape::Map(Box::new(text(None)))),
            (
                "Image | boolean",
                Shape::Either(vec![Shape::Named("Image"), Shape::Boolean]),
            ),
            (
                "/[a-z-]{0,9}/",
                Shape::Pattern(Pattern {
                    set: "a-z-",
                    least: 0,
                    most: 9,
                }),
            ),
            ("page(Agent)", page_of(Shape::Named("Agent"))),
            ("{}", Shape::Object(Vec::new())),
        ] {
            assert_eq!(read(written), Ok(shape), "{written}");
        }
    }

    #[test]
    fn members_are_parsed_with_marks_and_defaults() {
        let read =
            members("{a!: integer 1.. = 50, b~: <x:y z> = x:y, c!~: boolean = true, d?: any}");
        let marks: Vec<_> = read
            .iter()
            .map(|member| (member.name, member.required, member.read_only))
            .collect();
        assert_eq!(
            marks,
            [
                ("a", true, false),
                ("b", false, true),
                ("c", true, true),
                ("d", false, false)
            ]
        );
        let clearable: Vec<_> = read.iter().filter(|member| member.clearable).collect();
        assert_eq!(clearable.len(), 1);
        assert_eq!(clearable[0].name, "d");
        let defaults: Vec<_> = read
            .into_iter()
            .filter_map(|member| member.default)
            .collect();
        assert_eq!(
            defaults,
            [Value::from(50), Value::from("x:y"), Value::from(true)]
        );
    }

    #[test]
    fn members_of_another_schema_are_included_and_can_be_replaced() {
        let read = members("{...Base, name: integer, size: number}");
        let names: Vec<_> = read
            .iter()
            .map(|member| (member.name, member.required))
            .collect();
        assert_eq!(names, [("id", false), ("name", false), ("size", false)]);
    }

    #[test]
    fn invalid_notation_is_rejected() {
        for text in [
            "",
            "text",
            "[Env",
            "{a string}",
            "{a: string",
            "{a: string b: string}",
            "{...Other}",
            "integer 1",
            "string ..",
            "string 5",
            "/[a]{1}/",
            "<a",
            "Image |",
            "page Agent",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
