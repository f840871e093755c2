use super::*;

fn schema(text: &str) -> Shape {
    let text = format!("X: {text}");
    Document::of(&text, "").schemas.remove("X").unwrap()
}

fn members(shape: &Shape) -> Vec<(&str, bool, String)> {
    let Shape::Object(members) = shape else {
        panic!("{shape:?}");
    };
    members
        .iter()
        .map(|(name, member)| (name.as_str(), member.required, member.shape.to_string()))
        .collect()
}

#[test]
fn every_form_of_schema_is_understood() {
    for (text, shape) in [
        ("{type: string}", "string"),
        ("{type: string, format: date-time}", "string"),
        ("{type: string, enum: [b, a]}", "one of a, b"),
        ("{enum: [mk2, null], nullable: true}", "one of mk2"),
        (
            "{type: string, enum: [1.0, 'yes', true]}",
            "one of 1.0, true, yes",
        ),
        ("{type: integer, enum: [1, 2]}", "integer"),
        ("{type: integer, format: int64}", "integer"),
        ("{type: number}", "number"),
        ("{type: boolean}", "boolean"),
        ("{}", "anything"),
        ("{oneOf: [{type: string}, {type: integer}]}", "anything"),
        ("{type: array, items: {type: string}}", "array of string"),
        ("{items: {type: string}}", "array of string"),
        ("{type: array}", "array of anything"),
        ("{type: object}", "map of anything"),
        (
            "{type: object, additionalProperties: true}",
            "map of anything",
        ),
        ("{additionalProperties: {type: integer}}", "map of integer"),
        (
            "{type: object, additionalProperties: {$ref: '#/components/schemas/Y'}}",
            "map of Y",
        ),
        ("{$ref: '#/components/schemas/Y'}", "Y"),
        (
            "{allOf: [{$ref: '#/components/schemas/Y'}], description: more}",
            "Y",
        ),
        ("{type: object, properties: {a: {type: string}}}", "object"),
        ("{$ref: 'other.yml#/Y'}", "unknown"),
    ] {
        assert_eq!(schema(text).to_string(), shape, "{text}");
    }
}

#[test]
fn a_member_is_required_if_it_is_listed_and_not_nullable() {
    let object = schema(
        "{properties: {a: {type: string}, b: {type: string}, c: {type: string, nullable: true}}, \
         required: [a, c, d]}",
    );
    let required = members(&object)
        .into_iter()
        .map(|(name, required, _)| (name, required));
    assert_eq!(
        required.collect::<Vec<_>>(),
        [("a", true), ("b", false), ("c", false)]
    );
}

#[test]
fn the_parts_of_an_object_are_put_together() {
    let document = Document::of(
        "\
Times: {type: object, properties: {createdAt: {type: string}}}
Deep: {allOf: [{$ref: '#/components/schemas/Times'}, {properties: {by: {type: string}}}]}
Kite:
  allOf:
  - $ref: '#/components/schemas/Deep'
  - properties: {name: {type: string}}
  - required: [name, createdAt]
  properties: {size: {type: integer}}
",
        "",
    );
    assert_eq!(
        members(&document.schemas["Kite"]),
        [
            ("by", false, "string".to_owned()),
            ("createdAt", true, "string".to_owned()),
            ("name", true, "string".to_owned()),
            ("size", false, "integer".to_owned()),
        ]
    );
    assert!(!document.needs_type("Times"), "it is only a part");
    assert!(document.needs_type("Kite"));
}

#[test]
fn an_object_that_is_a_part_of_itself_is_unknown() {
    let shape = schema("{allOf: [{$ref: '#/components/schemas/X'}, {type: object}]}");
    assert_eq!(shape, Shape::Unknown("its parts go too deep".to_owned()));
}

const KITES: &str = "\
Kite: {type: object, properties: {name: {type: string}}}
Tail: {type: object, properties: {length: {type: integer}}}
KiteList:
  type: object
  properties: {data: {type: array, items: {$ref: '#/components/schemas/Kite'}}, meta: {$ref: '#/components/schemas/Meta'}}
Error: {type: object, properties: {error: {type: string}}}
Colours: {type: array, items: {type: string}}
Free: {type: object}
";

#[test]
fn objects_need_a_type_but_pages_and_failures_do_not() {
    let document = Document::of(
        KITES,
        "\
/kites:
  get:
    operationId: ListKites
    responses:
      '200': {content: {application/json: {schema: {$ref: '#/components/schemas/KiteList'}}}}
      '404': {content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
",
    );
    let needed: Vec<&str> = document
        .schemas
        .keys()
        .map(String::as_str)
        .filter(|name| document.needs_type(name))
        .collect();
    // `Tail` is used nowhere, which is no reason to leave it out.
    assert_eq!(needed, ["Kite", "Tail"]);
}

#[test]
fn a_failure_that_is_a_success_elsewhere_needs_a_type() {
    let document = Document::of(
        KITES,
        "\
/kites:
  get:
    operationId: ListKites
    responses:
      '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
      default: {content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
",
    );
    assert!(document.needs_type("Error"));
}

#[test]
fn an_operation_has_the_query_parameters_of_its_path_and_its_own() {
    let text = "\
openapi: 3.0.0
components:
  parameters:
    Limit: {in: query, name: limit}
    Version: {in: header, name: Blaxel-Version}
paths:
  /kites/{kiteName}:
    parameters:
    - {in: path, name: kiteName}
    - {in: query, name: show_secrets}
    get:
      operationId: GetKite
      parameters:
      - $ref: '#/components/parameters/Limit'
      - $ref: '#/components/parameters/Version'
    delete: {}
";
    let document = Document::parse(text).unwrap();
    let described: Vec<(&str, String, Vec<&str>)> = document
        .operations
        .iter()
        .map(|operation| {
            let query = operation.query.iter().map(String::as_str).collect();
            (operation.name.as_str(), operation.to_string(), query)
        })
        .collect();
    assert_eq!(
        described,
        [
            (
                "GetKite",
                "GET /kites/{kiteName}".to_owned(),
                vec!["limit", "show_secrets"]
            ),
            (
                "DELETE /kites/{kiteName}",
                "DELETE /kites/{kiteName}".to_owned(),
                vec!["show_secrets"]
            ),
        ]
    );
}

#[test]
fn objects_without_a_name_are_known_by_their_operation() {
    let document = Document::of(
        KITES,
        "\
/kites:
  get:
    operationId: ListKites
    responses:
      '200':
        content:
          application/json:
            schema: {type: array, items: {properties: {client_id: {type: string}}}}
  put:
    operationId: PageKites
    responses:
      '200':
        content:
          application/json:
            schema: {properties: {data: {type: array}, meta: {$ref: '#/components/schemas/Meta'}}}
  post:
    operationId: CreateKite
    requestBody: {content: {application/json: {schema: {properties: {name: {type: string}}}}}}
    responses:
      '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Kite'}}}}
      '400': {content: {application/json: {schema: {properties: {why: {type: string}}}}}}
",
    );
    assert_eq!(document.answers.keys().collect::<Vec<_>>(), ["ListKites"]);
    assert_eq!(document.requests.keys().collect::<Vec<_>>(), ["CreateKite"]);
    for (name, known) in [
        ("Kite", true),
        ("Kite.name", true),
        ("Kite.tail", false),
        ("Colours", true),
        ("ListKites", true),
        ("PageKites", false),
        ("CreateKite", true),
        ("CreateKite.request", true),
        ("ListKites.request", false),
    ] {
        assert_eq!(document.has_name(name), known, "{name}");
    }
}

#[test]
fn names_are_followed_to_an_object_or_to_a_list_of_values() {
    let document = Document::of(
        "\
Status: {type: string, enum: [UP]}
Kite: {properties: {name: {type: string}}}
Tails: {type: array, items: {$ref: '#/components/schemas/Kite'}}
Same: {$ref: '#/components/schemas/Tails'}
Circle: {$ref: '#/components/schemas/Round'}
Round: {$ref: '#/components/schemas/Circle'}
",
        "",
    );
    let resolve = |name: &str| {
        let shape = Shape::Named(name.to_owned());
        document.resolve(&shape).map(ToString::to_string)
    };
    assert_eq!(resolve("Status").unwrap(), "Status");
    assert_eq!(resolve("Kite").unwrap(), "Kite");
    assert_eq!(resolve("Same").unwrap(), "array of Kite");
    assert!(resolve("Circle").unwrap_err().contains("by itself"));
    assert!(resolve("Gone").unwrap_err().contains("no schema Gone"));
}

#[test]
fn json_is_read_too() {
    let text = r#"
        {
            "openapi": "3.0.1",
            "info": {"title": "a\/b \u00e9 \ud83d\ude80", "x-size": 1.5, "x-none": null},
            "components": {"schemas": {"Kite": {
                "properties": {"size": {"type": "integer", "minimum": 1, "nullable": true}},
                "required": ["size"]
            }}}
        }
    "#;
    let document = Document::parse(&text.replace("    ", "\t")).unwrap();
    let kite = &document.schemas["Kite"];
    assert_eq!(members(kite), [("size", false, "integer".to_owned())]);
}

#[test]
fn what_is_no_document_of_openapi_3_0_is_refused() {
    for (text, problem) in [
        ("", "empty"),
        ("hello", "not an OpenAPI document of version 3.0"),
        ("swagger: '2.0'", "not an OpenAPI document of version 3.0"),
        ("openapi: 3.1", "not an OpenAPI document of version 3.0"),
        (
            "{\"openapi\": 3.1}",
            "not an OpenAPI document of version 3.0",
        ),
        ("openapi: [3.0.3", "line 2"),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {parameters: [{$ref: '#/components/gone'}]}}}",
            "`#/components/gone` is not in the document",
        ),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {requestBody: {$ref: 'other.yml'}}}}",
            "`other.yml` is not in the document",
        ),
    ] {
        let refused = Document::parse(text).unwrap_err();
        assert!(refused.contains(problem), "{text}: {refused}");
    }
}
