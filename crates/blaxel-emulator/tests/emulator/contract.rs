//! The OpenAPI document that the emulator serves, to which every response of these tests is
//! compared.

use blaxel_emulator::Emulator;
use http::{Method, Uri};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{Reply, get};

static DOCUMENT: OnceCell<Value> = OnceCell::const_new();

/// Returns the document as a client receives it.
async fn document() -> &'static Value {
    let fetch = async || {
        let emulator = Emulator::offline();
        let origin = emulator.url().replace("/v0", "");
        let request = get(format!("{origin}/openapi.json"));
        request
            .bare(&emulator.service().verbatim())
            .await
            .expect(200)
    };
    DOCUMENT.get_or_init(fetch).await
}

/// Asserts that a response matches the document, if its operation is in the document.
pub(crate) async fn hold(method: &Method, uri: &Uri, reply: &Reply) {
    // The emulator itself never fails: a test requested this error.
    if reply.status.is_server_error() {
        return;
    }
    let document = document().await;
    let path = uri.path();
    let path = path.strip_prefix("/v0").unwrap_or(path);
    let Some(operation) = operation(document, method, path) else {
        return;
    };
    let name = &operation["operationId"];
    let response = &operation["responses"][reply.status.as_str()];
    let response = resolve(document, response);
    assert!(response.is_object(), "{name} answered {reply:?}");
    for (header, told) in response["headers"].as_object().into_iter().flatten() {
        let wanted = resolve(document, told)["required"] == true;
        assert!(
            !wanted || reply.header(header).is_some(),
            "{name}: {header} is missing"
        );
    }
    let schema = &response["content"]["application/json"]["schema"];
    if !schema.is_null() {
        let value = reply.json();
        if let Err(why) = fits(document, schema, &value) {
            panic!(
                "{name} answered {} with something else than it tells: {why}",
                reply.status
            );
        }
    }
}

/// Returns the operation at a path. A path with fewer parameters takes precedence.
fn operation<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let method = method.as_str().to_lowercase();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .filter(|(template, _)| leads_to(template, path))
        .filter_map(|(template, methods)| Some((template, methods.get(&method)?)))
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(_, operation)| operation)
}

fn leads_to(template: &str, path: &str) -> bool {
    let (parts, given) = (template.split('/'), path.split('/'));
    parts.clone().count() == given.clone().count()
        && parts
            .zip(given)
            .all(|(part, given)| part == given || part.starts_with('{'))
}

/// Resolves a reference. Any other value is returned as it is.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// Checks a value against a schema; the error has the reason. Patterns are not checked.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolve(document, schema);
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    let each = |schemas: &Value| {
        let schemas = schemas.as_array().into_iter().flatten();
        schemas
            .map(|schema| fits(document, schema, value))
            .collect::<Vec<_>>()
    };
    each(&schema["allOf"])
        .into_iter()
        .collect::<Result<(), _>>()?;
    let any = each(&schema["anyOf"]);
    if !any.is_empty() && any.iter().all(Result::is_err) {
        let whys: Vec<_> = any.into_iter().filter_map(Result::err).collect();
        return Err(whys.join(", and "));
    }
    let is_of_type = match schema["type"].as_str() {
        None => true,
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => return Err(format!("{other} is no type")),
    };
    let words = schema["enum"].as_array();
    if !is_of_type || words.is_some_and(|words| !words.contains(value)) {
        let wanted = words.map_or(&schema["type"], |_| &schema["enum"]);
        let value: String = value.to_string().chars().take(40).collect();
        return Err(format!("{value} is no {wanted}"));
    }
    for item in value.as_array().into_iter().flatten() {
        if !schema["items"].is_null() {
            fits(document, &schema["items"], item)?;
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let own = &schema["properties"][name];
        let wanted = if own.is_null() {
            &schema["additionalProperties"]
        } else {
            own
        };
        if !wanted.is_null() {
            fits(document, wanted, member).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_document_needs_no_credential() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.0.3");
    assert_eq!(document["servers"], json!([{"url": "/v0"}]));
    let agents = &document["paths"]["/agents"];
    assert_eq!(agents["get"]["operationId"], "ListAgents");
    assert_eq!(agents["post"]["security"], json!([{"bearer": []}]));
    let name = &document["components"]["schemas"]["Metadata"]["properties"]["name"];
    assert_eq!(name["pattern"], "^[a-z0-9-]{1,49}$");
}

#[tokio::test]
async fn a_response_that_differs_from_the_document_is_detected() {
    let document = document().await;
    let list = operation(document, &Method::GET, "/models").unwrap();
    let schema = &list["responses"]["200"]["content"]["application/json"]["schema"];
    let model = json!({"metadata": {"name": "a"}, "spec": {}, "status": "DEPLOYED"});
    let page = json!({
        "data": [model],
        "meta": {"hasMore": false, "nextCursor": "", "total": 1},
    });
    assert_eq!(fits(document, schema, &page), Ok(()));
    assert_eq!(fits(document, schema, &json!([model])), Ok(()));
    for (pointer, value) in [
        ("/data", json!({})),
        ("/meta/total", json!("1")),
        ("/meta/nextCursor", json!(null)),
        ("/data/0/status", json!("HAPPY")),
        ("/data/0/metadata/name", json!(null)),
        ("/data/0/metadata", json!({})),
    ] {
        let mut page = page.clone();
        *page.pointer_mut(pointer).unwrap() = value;
        assert!(fits(document, schema, &page).is_err(), "{pointer}");
    }
}
