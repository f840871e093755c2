//! The schemas of arguments and results, and the check of arguments.

use serde_json::{Map, Value, json};

use crate::version::ServerVersion;

/// The type of a value.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Flag,
    Integer,
    Number,
    /// Texts by their names.
    Texts,
    /// A list, which may be `null`.
    List(&'static Kind),
    Object(&'static [Member]),
    /// An object, or `null`.
    MaybeObject(&'static [Member]),
}

/// A member of an object.
#[derive(Clone, Copy)]
pub(super) struct Member {
    name: &'static str,
    kind: Kind,
    description: &'static str,
    is_required: bool,
    is_nullable: bool,
    /// The first version of the server that has it.
    since: ServerVersion,
}

impl Member {
    /// Creates a member that must be there.
    pub(super) const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            is_required: true,
            is_nullable: false,
            since: ServerVersion::August,
        }
    }

    /// Makes the member one that older servers do not have.
    pub(super) const fn new_in_current(mut self) -> Self {
        self.since = ServerVersion::Current;
        self
    }

    /// Makes the member one that may be missing.
    pub(super) const fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    /// Makes the member one that may be `null`.
    pub(super) const fn nullable(mut self) -> Self {
        self.is_nullable = true;
        self
    }

    fn schema(&self, version: ServerVersion) -> Value {
        let mut schema = schema(&self.kind, version);
        if self.is_nullable {
            schema["type"] = json!(["null", name(&self.kind)]);
        }
        if !self.description.is_empty() {
            schema["description"] = self.description.into();
        }
        schema
    }
}

/// Returns the schema of an object in a version of the server.
pub(super) fn object(members: &[Member], version: ServerVersion) -> Map<String, Value> {
    let known = members.iter().filter(|member| member.since <= version);
    let named = known.map(|member| (member.name.to_owned(), member.schema(version)));
    let properties: Map<_, _> = named.collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("additionalProperties".to_owned(), false.into());
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), properties.into());
    }
    let required = members.iter().filter(|member| member.is_required);
    let required: Vec<_> = required.map(|member| member.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

fn schema(kind: &Kind, version: ServerVersion) -> Value {
    match kind {
        Kind::Object(members) => object(members, version).into(),
        Kind::MaybeObject(members) => {
            let mut schema = object(members, version);
            schema.insert("type".to_owned(), json!(["null", "object"]));
            schema.into()
        }
        Kind::Texts => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::List(of) => json!({"type": ["null", "array"], "items": schema(of, version)}),
        kind => json!({"type": name(kind)}),
    }
}

fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Flag => "boolean",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::List(_) => "array",
        Kind::Texts | Kind::Object(_) | Kind::MaybeObject(_) => "object",
    }
}

/// Replaces numbers such as `1.0`, which count as integers, by those without a fraction.
pub(super) fn with_integers(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0);
            // Larger ones are not exact, and no integer is needed for them.
            let whole = whole.filter(|number| number.abs() < 9e15 && !number.is_nan());
            match whole {
                #[allow(clippy::cast_possible_truncation, reason = "it was checked before")]
                Some(whole) if number.is_f64() => (whole as i64).into(),
                _ => number.into(),
            }
        }
        Value::Array(list) => list.into_iter().map(with_integers).collect(),
        Value::Object(object) => {
            let members = object.into_iter();
            members
                .map(|(name, value)| (name, with_integers(value)))
                .collect()
        }
        other => other,
    }
}

/// Checks arguments. Returns a sentence about the first problem.
pub(super) fn check(arguments: &Map<String, Value>, members: &[Member]) -> Result<(), String> {
    members_of(arguments, members, "").map_err(|problem| format!("validating root: {problem}"))
}

fn members_of(object: &Map<String, Value>, members: &[Member], at: &str) -> Result<(), String> {
    for member in members {
        if let Some(value) = object.get(member.name) {
            let at = format!("{at}/properties/{}", member.name);
            value_of(value, &member.kind, member.is_nullable, &at)?;
        }
    }
    let is_known = |name: &str| members.iter().any(|member| member.name == name);
    let unknown: Vec<_> = object.keys().filter(|name| !is_known(name)).collect();
    if !unknown.is_empty() {
        return Err(format!(
            "unexpected additional properties {}",
            quoted(&unknown)
        ));
    }
    let missing = members
        .iter()
        .filter(|m| m.is_required && !object.contains_key(m.name));
    let missing: Vec<_> = missing.map(|member| member.name).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "required: missing properties: {}",
            quoted(&missing)
        )),
    }
}

fn value_of(value: &Value, kind: &Kind, is_nullable: bool, at: &str) -> Result<(), String> {
    let is_nullable = is_nullable || matches!(kind, Kind::List(_) | Kind::MaybeObject(_));
    let found = found(value);
    let wanted = name(kind);
    let is_right = found == wanted
        || (found, wanted) == ("integer", "number")
        || is_nullable && value.is_null();
    if !is_right {
        let wanted = match is_nullable {
            true => format!("one of \"null, {wanted}\""),
            false => format!("{wanted:?}"),
        };
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        return Err(format!(
            "validating {at}: type: {value} has type {found:?}, want {wanted}"
        ));
    }
    let within = |problem: String| format!("validating {at}: {problem}");
    match (kind, value) {
        (Kind::Object(members) | Kind::MaybeObject(members), Value::Object(object)) => {
            members_of(object, members, at).map_err(within)
        }
        (Kind::Texts, Value::Object(object)) => {
            let at = format!("{at}/additionalProperties");
            let mut texts = object.values();
            texts.try_for_each(|text| value_of(text, &Kind::Text, false, &at).map_err(within))
        }
        (Kind::List(of), Value::Array(list)) => {
            let at = format!("{at}/items");
            let mut items = list.iter();
            items.try_for_each(|item| value_of(item, of, false, &at).map_err(within))
        }
        _ => Ok(()),
    }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.fract() == 0.0 => "integer",
            _ => "number",
        },
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Writes names as the server's language prints a list of texts.
fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(|n| format!("{:?}", n.as_ref())).collect();
    format!("[{}]", names.join(" "))
}
