//! Finds the code and the message in the JSON of an error response, in any of the usual dialects.
//!
//! The tables below list the members that hold them, each in order of preference. Names are compared
//! without case and separators, so `error_message`, `errorMessage` and `ErrorMessage` are one entry.
//! Stack traces, and the values that a validator rejected, are in none of the tables.

use serde_json::{Map, Value};

use crate::text::{MAX_MESSAGE_CHARS, MAX_NAME_CHARS, join_with, one_line, unclosed};

/// Members that hold a message: a text, a list of them, or an object with such a member.
const MESSAGES: [&str; 22] = [
    "errordescription",
    "message",
    "errormessage",
    "errormsg",
    "msg",
    "errmsg",
    "usermessage",
    "defaultmessage",
    "faultstring",
    "detail",
    "reason",
    "description",
    "errorsummary",
    "statusmessage",
    "title",
    "text",
    "error",
    "err",
    "fault",
    "exceptionmessage",
    "details",
    "value",
];

/// Members that list the single problems of a request: a list, or lists by the name of a field.
const PROBLEMS: [&str; 9] = [
    "errors",
    "validationerrors",
    "fielderrors",
    "details",
    "violations",
    "fieldviolations",
    "invalidparams",
    "issues",
    "causes",
];

/// Members that name the part of a request that a problem is about.
const LOCATIONS: [&str; 10] = [
    "loc",
    "field",
    "property",
    "propertypath",
    "param",
    "path",
    "pointer",
    "parameter",
    "source",
    "target",
];

/// Names beside those of fields, for problems that belong to none.
const NO_FIELDS: [&str; 4] = ["base", "detail", "message", "non_field_errors"];

/// Returns `true` if a text is a code.
type Rule = fn(&str) -> bool;

/// Members that hold a code, and the rule for which values are one.
const CODES: [(&str, Rule); 9] = [
    ("code", |_| true),
    ("errorcode", is_word),
    ("errcode", is_word),
    ("errortype", is_word),
    ("error", is_code),
    ("type", is_code),
    ("status", is_shouted),
    ("faultcode", is_word),
    ("reason", is_code),
];

/// Members that hold an object with a code. Of a list, its first item counts.
const CODE_PARENTS: [&str; 6] = [
    "error",
    "errors",
    "fault",
    "detail",
    "extensions",
    "message",
];

/// Maximum number of problems that a message lists.
const MAX_PROBLEMS: usize = 5;

/// Maximum number of levels that are searched.
const MAX_DEPTH: usize = 6;

/// Returns the message of an error response.
pub(super) fn message(body: &Value) -> Option<String> {
    let text = text_of(body, MAX_DEPTH)?;
    Some(one_line(&text, MAX_MESSAGE_CHARS))
}

/// Returns the message of an error response that is an object.
pub(super) fn object_message(body: &Map<String, Value>) -> Option<String> {
    let text = object_text(body, MAX_DEPTH)?;
    Some(one_line(&text, MAX_MESSAGE_CHARS))
}

/// Returns the code of an error response.
pub(super) fn code(body: &Map<String, Value>) -> Option<String> {
    code_within(body, MAX_DEPTH).or_else(|| {
        // Three digits repeat the status.
        let number = find(body, "code")?.as_str()?;
        (is_number(number) && number.len() > 3).then(|| one_line(number, MAX_NAME_CHARS))
    })
}

/// Returns the code of the object `error` of a response, where `type` can be any word.
pub(super) fn envelope_code(envelope: &Map<String, Value>) -> Option<String> {
    code(envelope).or_else(|| {
        let kind = find(envelope, "type")?.as_str()?;
        is_word(kind).then(|| one_line(kind, MAX_NAME_CHARS))
    })
}

/// Returns the member with this name, compared without case and separators.
fn find<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let same = |key: &str| {
        let letters = key.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
        letters
            .map(|byte| byte.to_ascii_lowercase())
            .eq(name.bytes())
    };
    let found = members.iter().find(|(key, _)| same(key))?;
    Some(found.1)
}

/// Returns the text of a value: its own, that of its items, or that of the best of its members.
fn text_of(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => {
            Some(one_line(text, MAX_MESSAGE_CHARS)).filter(|text| !text.is_empty())
        }
        Value::Array(items) => list(items.iter().map(|item| problem(None, item, depth))),
        Value::Object(members) => object_text(members, depth),
        _ => None,
    }
}

/// Returns the message of an object, followed by the problems that it lists.
fn object_text(members: &Map<String, Value>, depth: usize) -> Option<String> {
    let candidates = || MESSAGES.iter().filter_map(|name| find(members, name));
    let is_sentence = |value: &&Value| !value.as_str().is_some_and(is_code);
    let summary = candidates()
        .filter(is_sentence)
        .find_map(|value| text_of(value, depth));
    let problems = PROBLEMS
        .iter()
        .find_map(|name| problems(name, find(members, name)?, depth));
    let text = match (summary, problems) {
        (Some(summary), Some(problems)) if !summary.contains(&problems) => {
            Some(format!("{}: {problems}", unclosed(&summary)))
        }
        (summary, problems) => summary.or(problems),
    };
    text.or_else(|| candidates().find_map(|value| text_of(value, depth)))
        .or_else(|| {
            // Some frameworks answer with nothing but the lists of problems by the field.
            let all_lists = !members.is_empty() && members.values().all(Value::is_array);
            all_lists.then(|| by_field(members, depth)).flatten()
        })
}

/// Returns the texts of a member that lists problems.
fn problems(name: &str, value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::Array(_) => text_of(value, depth),
        Value::Object(fields) if name.ends_with("errors") => by_field(fields, depth),
        _ => None,
    }
}

/// Returns the texts of problems that are grouped by the field they are about.
fn by_field(fields: &Map<String, Value>, depth: usize) -> Option<String> {
    list(
        fields
            .iter()
            .map(|(field, value)| problem(Some(field), value, depth)),
    )
}

/// Returns the text of one problem, after the part of the request that it is about.
fn problem(field: Option<&String>, value: &Value, depth: usize) -> Option<String> {
    let members = value.as_object();
    let kind = members.and_then(|members| members.get("@type"));
    if kind
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("DebugInfo"))
    {
        return None;
    }
    let text = text_of(value, depth)?;
    let field = field.filter(|field| !NO_FIELDS.contains(&field.as_str()));
    let place = field.cloned().or_else(|| location(members?, depth));
    let place = place
        .map(|place| one_line(&place, MAX_NAME_CHARS))
        .unwrap_or_default();
    if place.is_empty() || text.contains(&place) {
        Some(text)
    } else {
        Some(format!("{place}: {text}"))
    }
}

/// Returns the part of the request that a problem is about.
fn location(members: &Map<String, Value>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let step = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Number(index) => Some(index.to_string()),
        _ => None,
    };
    let place = |value: &Value| match value {
        Value::Array(steps) => Some(steps.iter().filter_map(step).collect::<Vec<_>>().join(".")),
        Value::Object(members) => location(members, depth),
        other => step(other),
    };
    LOCATIONS
        .iter()
        .filter_map(|name| place(find(members, name)?))
        .find(|place| !place.is_empty())
}

/// Joins the texts of the problems, without repetitions.
fn list(problems: impl Iterator<Item = Option<String>>) -> Option<String> {
    let mut shown: Vec<String> = Vec::new();
    let mut more = 0;
    for text in problems.flatten() {
        if shown.len() == MAX_PROBLEMS {
            more += 1;
        } else if !shown.contains(&text) {
            shown.push(text);
        }
    }
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    Some(join_with("; ", shown.iter().map(String::as_str))).filter(|text| !text.is_empty())
}

/// Returns the code of an object, or of the objects within it.
fn code_within(members: &Map<String, Value>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let own = CODES.iter().find_map(|(name, is_one)| {
        let text = find(members, name)?.as_str()?;
        // AWS puts the namespace of a type before it.
        let text = text.rsplit_once('#').map_or(text, |(_, name)| name).trim();
        let useful = !text.is_empty() && !is_number(text) && !is_generic(text);
        (useful && is_one(text)).then(|| one_line(text, MAX_NAME_CHARS))
    });
    own.or_else(|| {
        let parents = CODE_PARENTS.iter().filter_map(|name| find(members, name));
        parents
            .filter_map(first_object)
            .find_map(|inner| code_within(inner, depth))
    })
}

/// Returns an object, or the first object of a list of problems that are more than members of a
/// form: those have a `loc` or `field`, and their types say nothing of the response as a whole.
fn first_object(value: &Value) -> Option<&Map<String, Value>> {
    let object = match value {
        Value::Array(items) => items.first()?.as_object()?,
        other => return other.as_object(),
    };
    let of_a_form = LOCATIONS[..2].iter().any(|name| object.contains_key(*name));
    (!of_a_form).then_some(object)
}

/// Returns `true` if a text consists of digits.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns `true` for words that say no more than that this is an error.
fn is_generic(text: &str) -> bool {
    let words = [
        "error",
        "errors",
        "fail",
        "failed",
        "failure",
        "fault",
        "exception",
    ];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns `true` for a single word: letters, digits and the signs that join them.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    !text.is_empty() && text != "about:blank" && text.bytes().all(plain) && !is_generic(text)
}

/// Returns `true` for a word in capitals, such as `NOT_FOUND`.
fn is_shouted(text: &str) -> bool {
    is_word(text) && !text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Returns `true` if a text is a machine-readable code of several words, like `invalid_grant` or
/// `NotFoundError`, rather than a sentence.
pub(super) fn is_code(text: &str) -> bool {
    let humps = text.as_bytes().windows(2);
    let mut humps =
        humps.filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    is_word(text) && (text.contains('_') || text.starts_with("urn:") || humps.next().is_some())
}
