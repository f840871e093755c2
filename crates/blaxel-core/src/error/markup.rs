//! Finds the code and the message in the XML or HTML of an error response.

use crate::text::{MAX_MESSAGE_CHARS, MAX_NAME_CHARS, one_line};

/// Elements of XML documents that hold a code.
const CODES: [&str; 4] = ["code", "faultcode", "errorcode", "error_code"];

/// Elements of XML documents that hold a message.
const MESSAGES: [&str; 8] = [
    "message",
    "faultstring",
    "errormessage",
    "error_description",
    "detail",
    "description",
    "reason",
    "text",
];

/// Elements of HTML pages that say what happened.
const HEADINGS: [&str; 4] = ["title", "h1", "h2", "pre"];

/// Returns `true` for HTML and XML, by the content type or the first character.
pub(super) fn is_markup(text: &str, content_type: &str) -> bool {
    content_type.starts_with("text/html") || text.trim_start().starts_with('<')
}

/// Returns the code of an XML document.
pub(super) fn xml_code(document: &str) -> Option<String> {
    if is_html(document) {
        return None;
    }
    let code = first(document, &CODES)?;
    // A number repeats the status.
    let is_number = code.bytes().all(|byte| byte.is_ascii_digit());
    (!is_number).then(|| one_line(&code, MAX_NAME_CHARS))
}

/// Returns the message of an XML document. The rest may repeat a signed request, so it is not shown.
pub(super) fn xml_message(document: &str) -> Option<String> {
    if is_html(document) {
        return None;
    }
    first(document, &MESSAGES)
}

/// Returns the title of an HTML page, or the heading if the title says nothing.
pub(super) fn html_title(page: &str) -> Option<String> {
    let says_nothing = |title: &String| title.eq_ignore_ascii_case("error");
    let headings = || HEADINGS.iter().filter_map(|name| element(page, name));
    headings()
        .find(|heading| !says_nothing(heading))
        .or_else(|| headings().next())
}

/// Returns `true` if a document is an HTML page rather than another kind of XML.
fn is_html(document: &str) -> bool {
    let start: String = document.chars().take(1000).collect();
    let start = start.to_ascii_lowercase();
    start.contains("<html") || start.contains("<!doctype html")
}

/// Returns the text of the first of these elements that has one.
fn first(document: &str, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| element(document, name))
}

/// Returns the text of the first element of this name, in any case and namespace, that has one.
fn element(document: &str, name: &str) -> Option<String> {
    document.split('<').enumerate().find_map(|(position, tag)| {
        let (tag, text) = tag.split_once('>')?;
        let tag = tag.split_whitespace().next()?;
        let tag = tag.rsplit_once(':').map_or(tag, |(_, local)| local);
        if !tag.eq_ignore_ascii_case(name) {
            return None;
        }
        let text = if text.trim().is_empty() {
            cdata(document, position + 1).unwrap_or_default()
        } else {
            text
        };
        Some(one_line(&unescape(text), MAX_MESSAGE_CHARS)).filter(|text| !text.is_empty())
    })
}

/// Returns the character data that follows as the part of this number.
fn cdata(document: &str, position: usize) -> Option<&str> {
    let rest = document.splitn(position + 1, '<').nth(position)?;
    let text = rest.strip_prefix("![CDATA[")?;
    Some(text.split_once("]]>").map_or(text, |(text, _)| text))
}

/// Replaces the usual entities by their characters.
fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, &str); 8] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        // The last, so that `&amp;lt;` stays `&lt;`.
        ("&amp;", "&"),
    ];
    let replace = |text: String, (entity, c): &(&str, &str)| text.replace(entity, c);
    ENTITIES.iter().fold(text.to_owned(), replace)
}
