//! Promise: whatever format an error response has, its error shows the message and the code, and its
//! text is one line that is safe to print.

#![allow(clippy::unwrap_used)]

use blaxel_core::{Error, ErrorOrigin};
use proptest::prelude::*;

/// Returns the error of a response.
fn error_of(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Error {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let (head, ()) = response.body(()).unwrap().into_parts();
    Error::from_response(None, &head, body)
}

/// The source of a format, a body, its code and its message.
type Format = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const JSON_FORMATS: &[Format] = &[
    (
        "FastAPI, validation",
        r#"{"detail":[{"loc":["body","items",0,"name"],"msg":"field required","type":"value_error.missing",
            "input":{"password":"hunter2"}},{"loc":["query","n"],"msg":"not a number","type":"type_error"}]}"#,
        None,
        Some("body.items.0.name: field required; query.n: not a number"),
    ),
    (
        "FastAPI",
        r#"{"detail":"Item not found"}"#,
        None,
        Some("Item not found"),
    ),
    (
        "FastAPI, own object",
        r#"{"detail":{"code":"out_of_stock","message":"none left"}}"#,
        Some("out_of_stock"),
        Some("none left"),
    ),
    (
        "problem+json",
        r#"{"type":"https://example.com/probs/credit","title":"Out of credit","status":403,
            "detail":"Your balance is 30, but that costs 50.","instance":"/account/12345"}"#,
        None,
        Some("Your balance is 30, but that costs 50."),
    ),
    (
        "problem+json of ACME",
        r#"{"type":"urn:ietf:params:acme:error:malformed","title":"Malformed"}"#,
        Some("urn:ietf:params:acme:error:malformed"),
        Some("Malformed"),
    ),
    (
        "problem+json with problems",
        r##"{"type":"about:blank","title":"Invalid","detail":"2 fields are wrong.",
            "errors":[{"detail":"must be positive","pointer":"#/age"},{"detail":"is unknown"}]}"##,
        None,
        Some("2 fields are wrong: #/age: must be positive; is unknown"),
    ),
    (
        "ASP.NET",
        r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"One or more problems occurred.",
            "x":1,"status":400,"errors":{"Name":["The Name field is required."]},"traceId":"00-1"}"#,
        None,
        Some("One or more problems occurred: The Name field is required"),
    ),
    (
        "JSON:API",
        r#"{"errors":[{"status":"422","code":"too_short","title":"Invalid Attribute","detail":"is too short",
            "source":{"pointer":"/data/attributes/name"}}]}"#,
        Some("too_short"),
        Some("/data/attributes/name: is too short"),
    ),
    (
        "list of messages",
        r#"{"errors":[{"message":"a"},{"message":"b"}]}"#,
        None,
        Some("a; b"),
    ),
    (
        "list of texts",
        r#"{"errors":["x.","y."]}"#,
        None,
        Some("x; y"),
    ),
    (
        "Rails",
        r#"{"errors":{"name":["can't be blank","is short"],"age":"is odd"}}"#,
        None,
        Some("age: is odd; name: can't be blank; is short"),
    ),
    (
        "Laravel",
        r#"{"message":"The given data was invalid.","errors":{"email":["Give an address."]}}"#,
        None,
        Some("The given data was invalid: email: Give an address"),
    ),
    (
        "Phoenix",
        r#"{"errors":{"detail":"No such page"}}"#,
        None,
        Some("No such page"),
    ),
    (
        "Django REST",
        r#"{"age":["A number is required."]}"#,
        None,
        Some("age: A number is required"),
    ),
    (
        "AWS",
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","Message":"no table"}"#,
        Some("ResourceNotFoundException"),
        Some("no table"),
    ),
    (
        "API Gateway",
        r#"{"message":"Forbidden"}"#,
        None,
        Some("Forbidden"),
    ),
    (
        "Lambda",
        r#"{"errorMessage":"boom","errorType":"ValueError","stackTrace":["at secret.py"]}"#,
        Some("ValueError"),
        Some("boom"),
    ),
    (
        "msg",
        r#"{"code":1,"msg":"it is off"}"#,
        None,
        Some("it is off"),
    ),
    (
        "error_message",
        r#"{"error_message":"it is off"}"#,
        None,
        Some("it is off"),
    ),
    (
        "error_msg",
        r#"{"error_code":"E_OFF","error_msg":"it is off"}"#,
        Some("E_OFF"),
        Some("it is off"),
    ),
    (
        "error.detail",
        r#"{"error":{"detail":"no such thing"}}"#,
        None,
        Some("no such thing"),
    ),
    (
        "error.details",
        r#"{"error":{"code":"BadArgument","message":"Some are wrong","details":[
            {"code":"NullValue","target":"phone","message":"it must not be null"}]}}"#,
        Some("BadArgument"),
        Some("Some are wrong: phone: it must not be null"),
    ),
    (
        "Gemini, streamed",
        r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"},
            {"@type":"type.googleapis.com/google.rpc.DebugInfo","detail":"at secret.cc:7"}]}}]"#,
        Some("INVALID_ARGUMENT"),
        Some("API key not valid: API_KEY_INVALID"),
    ),
    (
        "google.rpc.BadRequest",
        r#"{"code":3,"message":"bad","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations":[{"field":"name","description":"it is empty"}]}]}"#,
        None,
        Some("bad: name: it is empty"),
    ),
    (
        "NestJS",
        r#"{"statusCode":400,"message":["name must be a string","age must be positive"],"error":"Bad Request"}"#,
        None,
        Some("name must be a string; age must be positive"),
    ),
    (
        "Spring",
        r#"{"timestamp":"2026-01-01T00:00:00Z","status":500,"error":"Internal Server Error",
            "trace":"java.lang.Secret\n\tat x","message":"it broke","path":"/x"}"#,
        None,
        Some("it broke"),
    ),
    (
        "Spring without a message",
        r#"{"timestamp":1,"status":404,"error":"Not Found","message":"","path":"/x"}"#,
        None,
        Some("Not Found"),
    ),
    (
        "OpenAI",
        r#"{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
        Some("model_not_found"),
        Some("no such model"),
    ),
    (
        "Anthropic",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#,
        Some("overloaded_error"),
        Some("Overloaded"),
    ),
    (
        "vLLM",
        r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#,
        Some("BadRequestError"),
        Some("too long"),
    ),
    (
        "Mistral, validation",
        r#"{"object":"error","message":{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]},
            "type":"invalid_request_error","param":null,"code":null}"#,
        Some("invalid_request_error"),
        Some("body.model: Field required"),
    ),
    (
        "Mistral",
        r#"{"message":"Unauthorized","request_id":"r"}"#,
        None,
        Some("Unauthorized"),
    ),
    (
        "OpenRouter",
        r#"{"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"x"}},"user_id":"u"}"#,
        None,
        Some("Provider returned error"),
    ),
    (
        "llama.cpp, Ollama",
        r#"{"error":"model not found"}"#,
        None,
        Some("model not found"),
    ),
    (
        "Apigee",
        r#"{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}"#,
        Some("oauth.v2.InvalidApiKey"),
        Some("Invalid ApiKey"),
    ),
    (
        "reason",
        r#"{"reason":"it is full"}"#,
        None,
        Some("it is full"),
    ),
    (
        "CouchDB",
        r#"{"error":"not_found","reason":"missing"}"#,
        Some("not_found"),
        Some("missing"),
    ),
    (
        "description",
        r#"{"description":"it is full"}"#,
        None,
        Some("it is full"),
    ),
    (
        "Kubernetes",
        r#"{"kind":"Status","status":"Failure","message":"pods \"x\" not found","reason":"NotFound",
            "details":{"name":"x","kind":"pods"},"code":404}"#,
        Some("NotFound"),
        Some("pods \"x\" not found"),
    ),
    (
        "Elasticsearch",
        r#"{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}"#,
        Some("index_not_found_exception"),
        Some("no such index"),
    ),
    (
        "GraphQL",
        r#"{"errors":[{"message":"Not signed in","locations":[{"line":1}],"path":["me"],
            "extensions":{"code":"UNAUTHENTICATED"}}],"data":null}"#,
        Some("UNAUTHENTICATED"),
        Some("me: Not signed in"),
    ),
    (
        "JSON-RPC",
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}"#,
        None,
        Some("Invalid Request"),
    ),
    (
        "a long list",
        r#"{"errors":["a","b","a","c","d","e","f","g"]}"#,
        None,
        Some("a; b; c; d; e; and 2 more"),
    ),
    (
        "a byte order mark",
        "\u{feff}{\"detail\":\"x y\"}",
        None,
        Some("x y"),
    ),
    (
        "a code and a sentence",
        r#"{"error":"It broke","reason":"IN_PROGRESS"}"#,
        Some("IN_PROGRESS"),
        Some("It broke"),
    ),
];

const OTHER_FORMATS: &[Format] = &[
    (
        "S3",
        "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>a &amp; b</Message>\
         <StringToSign>secret</StringToSign></Error>",
        Some("SignatureDoesNotMatch"),
        Some("a & b"),
    ),
    (
        "AWS query",
        "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>\
         </ErrorResponse>",
        Some("Throttling"),
        Some("Rate exceeded"),
    ),
    (
        "OData",
        "<m:error xmlns:m=\"x\"><m:code>404</m:code><m:message xml:lang=\"en\"><![CDATA[no <such> row]]></m:message></m:error>",
        None,
        Some("no <such> row"),
    ),
    (
        "SOAP",
        "<s:Envelope><s:Fault><faultcode>s:Server</faultcode><faultstring>it broke</faultstring></s:Fault></s:Envelope>",
        Some("s:Server"),
        Some("it broke"),
    ),
    (
        "nginx",
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body></html>",
        None,
        Some("the response is an HTML page titled \"502 Bad Gateway\""),
    ),
    (
        "Cloudflare",
        "<!DOCTYPE html>\n<html class=\"no-js\"><head>\n<title>example.com | 522: Connection timed out</title></head></html>",
        None,
        Some("the response is an HTML page titled \"example.com | 522: Connection timed out\""),
    ),
    (
        "CloudFront",
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\"><HTML><HEAD><TITLE>ERROR: The request could \
         not be satisfied</TITLE></HEAD><BODY><H1>502 ERROR</H1></BODY></HTML>",
        None,
        Some("the response is an HTML page titled \"ERROR: The request could not be satisfied\""),
    ),
    (
        "Heroku",
        "<!DOCTYPE html>\n<html><head><title data-x>Application Error</title></head></html>",
        None,
        Some("the response is an HTML page titled \"Application Error\""),
    ),
    (
        "Express",
        "<!DOCTYPE html><html><head><title>Error</title></head><body><pre>Cannot GET /x</pre></body></html>",
        None,
        Some("the response is an HTML page titled \"Cannot GET /x\""),
    ),
    (
        "plain text",
        "upstream connect error.\n\n  reset reason:\tunknown",
        None,
        Some("upstream connect error. reset reason: unknown"),
    ),
];

#[test]
fn the_code_and_the_message_of_every_format_are_found() {
    for (source, body, code, message) in JSON_FORMATS.iter().chain(OTHER_FORMATS) {
        let error = error_of(400, &[], body.as_bytes());
        let api = error.api().unwrap();
        assert_eq!((api.code(), api.message()), (*code, *message), "{source}");
        for hidden in ["hunter2", "secret"] {
            assert!(!error.to_string().contains(hidden), "{source}: {error}");
            assert!(
                !format!("{error:?}").contains(hidden),
                "{source}: {error:?}"
            );
        }
    }
}

#[test]
fn a_code_in_a_header_counts_if_the_body_has_none() {
    let name = |headers: &[_], body: &str| {
        error_of(400, headers, body.as_bytes())
            .code()
            .map(str::to_owned)
    };
    let amazon = [("x-amzn-errortype", "ValidationException:http://internal/")];
    assert_eq!(
        name(&amazon, r#"{"message":"x"}"#).as_deref(),
        Some("ValidationException")
    );
    assert_eq!(name(&amazon, r#"{"code":"MINE"}"#).as_deref(), Some("MINE"));
}

#[test]
fn joined_texts_have_no_double_punctuation() {
    let body = r#"{"error":{"message":"It wants it so.","action":"Try again.","docs_url":"https://docs/e"}}"#;
    assert_eq!(
        error_of(409, &[("x-request-id", "r")], body.as_bytes()).to_string(),
        "409 Conflict: It wants it so; Try again; see https://docs/e (request id r)"
    );
    assert_eq!(error_of(409, &[], b"no: ").to_string(), "409 Conflict: no");
}

#[test]
fn only_web_addresses_are_shown_as_links() {
    for (link, shown) in [
        ("https://docs/e", true),
        ("HTTP://docs/e", true),
        ("javascript:alert(1)", false),
        ("file:///etc/passwd", false),
        ("https://docs/ and more", false),
    ] {
        let body = serde_json::json!({"error": {"message": "x", "docs_url": link}}).to_string();
        let error = error_of(400, &[], body.as_bytes());
        assert_eq!(error.api().unwrap().docs_url().is_some(), shown, "{link}");
        assert_eq!(error.to_string().contains("see "), shown, "{error}");
        assert_eq!(error.api().unwrap().members()["docs_url"], link);
    }
}

/// Texts that change what is around them when they are printed.
const UNSAFE: &str =
    "a\u{1b}]0;owned\u{7}\r\nb\u{2028}c\u{202e}d\u{200b}e\0f\u{9b}31mg\u{2066}h\u{feff}";

#[test]
fn every_text_of_a_response_is_safe_to_print() {
    let body = serde_json::json!({"error": {
        "code": UNSAFE, "message": UNSAFE, "action": UNSAFE, "do_not": UNSAFE, "reason": UNSAFE,
        "docs_url": format!("https://docs/{UNSAFE}"), "origin": "platform",
    }});
    let error = error_of(400, &[], body.to_string().as_bytes());
    assert_safe(&error);
    let api = error.api().unwrap();
    let texts = [
        api.code(),
        api.message(),
        api.action(),
        api.do_not(),
        api.reason(),
        api.docs_url(),
    ];
    for text in texts.into_iter().flatten() {
        assert!(is_safe(text), "{text:?}");
    }
    assert_eq!(api.members()["message"], UNSAFE);
    assert_eq!(api.origin(), ErrorOrigin::Gateway);
    for error in [
        Error::decode(UNSAFE),
        Error::not_sent(std::io::Error::other(UNSAFE)),
        Error::input(UNSAFE, &blaxel_core::Source::variable(UNSAFE), UNSAFE),
        UNSAFE.parse::<blaxel_core::Workspace>().unwrap_err().into(),
    ] {
        assert_safe(&error);
    }
}

fn is_safe(text: &str) -> bool {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    !text.contains(is_unsafe) && text.chars().count() < 6000
}

#[track_caller]
fn assert_safe(error: &Error) {
    assert!(is_safe(&error.to_string()), "{error}");
    assert!(is_safe(&format!("{error:?}")), "{error:?}");
}

proptest! {
    #[test]
    fn the_text_of_an_error_from_any_bytes_is_one_short_line(body in prop::collection::vec(any::<u8>(), 0..2000)) {
        assert_safe(&error_of(500, &[], &body));
    }

    #[test]
    fn the_text_of_an_error_from_any_json_is_one_short_line(
        at in 0..JSON_FORMATS.len(),
        text in "(\\PC|\\p{C}){0,400}",
        times in 1..20_usize,
    ) {
        // Each text of a known format is replaced by any text.
        let mut json: serde_json::Value =
            serde_json::from_str(JSON_FORMATS[at].1.trim_start_matches('\u{feff}')).unwrap();
        replace(&mut json, &text.repeat(times));
        assert_safe(&error_of(500, &[], json.to_string().as_bytes()));
    }

    #[test]
    fn the_text_of_an_error_from_a_cut_body_is_one_short_line(
        at in 0..JSON_FORMATS.len() + OTHER_FORMATS.len(),
        end in 0..1000_usize,
    ) {
        let (_, body, ..) = JSON_FORMATS.iter().chain(OTHER_FORMATS).nth(at).unwrap();
        assert_safe(&error_of(500, &[], &body.as_bytes()[..end.min(body.len())]));
    }
}

fn replace(json: &mut serde_json::Value, text: &str) {
    match json {
        serde_json::Value::String(own) => text.clone_into(own),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| replace(item, text)),
        serde_json::Value::Object(members) => {
            members.values_mut().for_each(|item| replace(item, text));
        }
        _ => {}
    }
}
