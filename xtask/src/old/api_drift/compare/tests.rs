use super::*;

fn findings(document: &Document, ours: &Ours) -> Vec<String> {
    let findings = compare(document, ours);
    findings.iter().map(ToString::to_string).collect()
}

/// The differences between one path item and some source text.
fn of_path(path: &str, item: &str, source: &str) -> Vec<String> {
    let ours = Ours::in_snippets(&[("kites.rs", source)], "");
    findings(&Document::of("", &format!("{path}: {item}")), &ours)
}

/// The differences between some schemas and some source text.
fn of_schemas(schemas: &str, source: &str) -> Vec<String> {
    let ours = Ours::in_snippets(&[("kites.rs", source)], "");
    findings(&Document::of(schemas, ""), &ours)
}

const GET: &str =
    r#"const A: OperationInfo = OperationInfo::new("GetKite", Method::GET, "/kites/{kiteName}")"#;

#[test]
fn every_difference_of_an_operation_is_found() {
    let get = format!("{GET};");
    let taking = format!("{GET}.with_parameters(&[\"limit\"]);");
    let limit = "parameters: [{in: query, name: limit}]";
    for (path, item, source, expected) in [
        (
            "/kites/{kiteName}",
            "{get: {operationId: GetKite}}",
            &get,
            &[][..],
        ),
        (
            "/kites/{kiteName}",
            "{get: {operationId: GetKite}}",
            &String::new(),
            &["operation GetKite missing: GET /kites/{kiteName}"][..],
        ),
        (
            "/kites",
            "{}",
            &get,
            &["operation GetKite extra: GET /kites/{kiteName}"][..],
        ),
        (
            "/kites/{kiteName}",
            "{get: {operationId: getKite}}",
            &get,
            &["operation getKite name: GetKite in our sources (GET /kites/{kiteName})"][..],
        ),
        (
            "/kites/{name}",
            "{get: {operationId: readKite}}",
            &get,
            &[
                "operation readKite name: GetKite in our sources (GET /kites/{name})",
                "operation readKite path: /kites/{name} in the document, /kites/{kiteName} in our sources",
            ][..],
        ),
        (
            "/kites/{kiteName}",
            "{put: {operationId: GetKite}}",
            &get,
            &["operation GetKite method: PUT in the document, GET in our sources"][..],
        ),
        (
            "/kites/{name}",
            "{get: {operationId: GetKite}}",
            &get,
            &[
                "operation GetKite path: /kites/{name} in the document, /kites/{kiteName} in our sources",
            ][..],
        ),
        (
            "/kites/{kiteName}",
            &format!("{{get: {{operationId: GetKite, {limit}}}}}"),
            &taking,
            &[][..],
        ),
        (
            "/kites/{kiteName}",
            &format!("{{{limit}, get: {{operationId: GetKite}}}}"),
            &get,
            &["query GetKite.limit missing: GET /kites/{kiteName}"][..],
        ),
        (
            "/kites/{kiteName}",
            "{get: {operationId: GetKite, parameters: [{in: header, name: limit}]}}",
            &taking,
            &["query GetKite.limit extra: GET /kites/{kiteName}"][..],
        ),
    ] {
        assert_eq!(of_path(path, item, source), expected, "{path}: {item}");
    }
}

#[test]
fn two_operations_of_one_place_are_not_taken_for_one_that_was_renamed() {
    let both = format!("{GET};\n{}", GET.replace("GetKite", "FindKite")) + ";";
    let item = "{get: {operationId: GetKite}}";
    assert_eq!(
        of_path("/kites/{kiteName}", item, &both),
        ["operation FindKite extra: GET /kites/{kiteName}"]
    );
}

const KITE: &str = "\
Kite:
  properties:
    name: {type: string}
    size: {type: integer}
  required: [name]
";

#[test]
fn every_difference_of_an_object_is_found() {
    for (source, expected) in [
        ("struct Kite { name: String, size: Option<u32> }", &[][..]),
        (
            "record! { pub struct Kite { name: String, size: Clearable<u32> } }",
            &[][..],
        ),
        ("", &["schema Kite missing: an object of 2 members"][..]),
        (
            "struct Kite { name: String }",
            &["member Kite.size missing: integer in the document, not in kites::Kite"][..],
        ),
        (
            "struct Kite { name: String, size: Option<u32>, tail: Option<Vec<bool>> }",
            &["member Kite.tail extra: array of boolean in kites::Kite, not in the document"][..],
        ),
        (
            "struct Kite { name: Option<String>, size: u32 }",
            &[
                "member Kite.name required: required in the document, optional in kites::Kite",
                "member Kite.size required: optional in the document, required in kites::Kite",
            ][..],
        ),
        (
            "struct Kite { name: String, size: Option<f64> }",
            &["member Kite.size type: integer in the document, number in kites::Kite"][..],
        ),
        (
            "struct Kite { name: String, size: Option<Duration> }",
            &[
                "member Kite.size unknown: integer in the document, but in kites::Kite `Duration` is \
               not declared in the sources",
            ][..],
        ),
        (
            "open_enum! { enum Kite { Name = \"name\" } }",
            &["schema Kite type: object in the document, one of name by kites::Kite"][..],
        ),
    ] {
        assert_eq!(of_schemas(KITE, source), expected, "{source}");
    }
}

#[test]
fn a_member_of_an_object_that_has_none_is_extra() {
    for schema in [
        "{type: object}",
        "{type: object, additionalProperties: true}",
    ] {
        let differ = |source: &str| of_schemas(&format!("Kite: {schema}"), source);
        assert_eq!(
            differ("struct Kite { name: String }"),
            ["member Kite.name extra: string in kites::Kite, not in the document"]
        );
        assert_eq!(differ("struct Kite {}"), [""; 0]);
        assert_eq!(differ("type Kite = BTreeMap<String, Value>;"), [""; 0]);
        assert_eq!(differ(""), [""; 0]);
    }
}

#[test]
fn types_of_members_are_compared_coarsely() {
    for (theirs, ours, differs) in [
        ("{type: string}", "String", false),
        ("{type: string, format: date-time}", "Timestamp", false),
        ("{type: string}", "Mode", false),
        ("{type: string}", "u32", true),
        ("{type: boolean}", "bool", false),
        ("{type: boolean}", "String", true),
        ("{type: integer}", "Megabytes", false),
        ("{type: integer}", "f32", true),
        ("{type: number}", "u32", true),
        ("{type: object}", "BTreeMap<String, String>", false),
        ("{type: object}", "Tail", false),
        ("{type: object}", "String", true),
        (
            "{type: object, additionalProperties: {type: string}}",
            "BTreeMap<String, String>",
            false,
        ),
        (
            "{type: object, additionalProperties: {type: string}}",
            "BTreeMap<String, u8>",
            true,
        ),
        (
            "{type: object, additionalProperties: {type: string}}",
            "Tail",
            true,
        ),
        ("{type: array, items: {type: string}}", "Vec<String>", false),
        ("{type: array, items: {type: string}}", "Vec<u8>", true),
        ("{type: array, items: {type: string}}", "String", true),
        ("{type: array, items: {type: array}}", "Vec<Vec<u8>>", false),
        ("{}", "Vec<u8>", false),
        ("{}", "Duration", false),
        ("{type: integer}", "Value", false),
        ("{$ref: '#/components/schemas/Tail'}", "Tail", false),
        ("{$ref: '#/components/schemas/Tail'}", "Other", true),
        (
            "{$ref: '#/components/schemas/Tail'}",
            "BTreeMap<String, u8>",
            true,
        ),
        ("{$ref: '#/components/schemas/Tail'}", "Value", false),
        ("{$ref: '#/components/schemas/Tails'}", "Vec<Tail>", false),
        ("{$ref: '#/components/schemas/Tails'}", "Vec<Other>", true),
        (
            "{$ref: '#/components/schemas/Named'}",
            "BTreeMap<String, Tail>",
            false,
        ),
    ] {
        let schemas = format!(
            "\
Kite: {{properties: {{a: {theirs}}}}}
Tail: {{properties: {{length: {{type: integer}}}}}}
Tails: {{type: array, items: {{$ref: '#/components/schemas/Tail'}}}}
Named: {{type: object, additionalProperties: {{$ref: '#/components/schemas/Tail'}}}}
"
        );
        let source = format!(
            "struct Kite {{ a: Option<{ours}> }}
             struct Tail {{ length: Option<u8> }}
             struct Other {{ length: Option<u8> }}
             open_enum! {{ enum Mode {{ A = \"a\" }} }}"
        );
        let found = of_schemas(&schemas, &source);
        let expected = usize::from(differs);
        assert_eq!(found.len(), expected, "{theirs} and {ours}: {found:?}");
        assert!(
            found
                .iter()
                .all(|found| found.starts_with("member Kite.a type: ")),
            "{found:?}"
        );
    }
}

#[test]
fn a_type_of_another_schema_is_named() {
    let schemas = "\
Kite: {properties: {tail: {$ref: '#/components/schemas/Tail'}}}
Tail: {properties: {length: {type: integer}}}
";
    let source =
        "struct Kite { tail: Option<Cord> } struct Cord {} struct Tail { length: Option<u8> }";
    assert_eq!(
        of_schemas(schemas, source),
        [
            "member Kite.tail type: Tail in the document, kites::Cord in kites::Kite, which does not \
          stand for it"
        ]
    );
}

#[test]
fn a_schema_that_is_not_there_is_no_panic() {
    assert_eq!(
        of_schemas(
            "Kite: {properties: {tail: {$ref: '#/components/schemas/Gone'}}}",
            "struct Kite { tail: Option<String> }"
        ),
        ["member Kite.tail unknown: the document has no schema Gone"]
    );
}

#[test]
fn every_type_that_stands_for_a_schema_is_compared() {
    let source = r#"
        #[doc(alias = "Kite")] struct Flying { name: String, size: Option<u8> }
        #[doc(alias = "Kite")] struct Resting { name: String }
    "#;
    assert_eq!(
        of_schemas(KITE, source),
        ["member Kite.size missing: integer in the document, not in kites::Resting"]
    );
}

#[test]
fn one_type_may_stand_for_several_schemas() {
    let schemas = format!("{KITE}{}", KITE.replace("Kite", "Balloon"));
    let source = r#"
        #[doc(alias = "Kite")]
        #[doc(alias = "Balloon")]
        struct Flying { name: String, size: Option<bool> }
    "#;
    assert_eq!(
        of_schemas(&schemas, source),
        [
            "member Balloon.size type: integer in the document, boolean in kites::Flying",
            "member Kite.size type: integer in the document, boolean in kites::Flying",
        ]
    );
}

#[test]
fn an_alias_goes_before_a_name() {
    let schemas = format!("{KITE}{}", KITE.replace("Kite", "Balloon"));
    let source = r#"
        #[doc(alias = "Kite")] struct Flying { name: String, size: Option<u32> }
        #[doc(alias = "Balloon")] struct Kite { name: String, size: Option<bool> }
    "#;
    assert_eq!(
        of_schemas(&schemas, source),
        ["member Balloon.size type: integer in the document, boolean in kites::Kite"]
    );
}

#[test]
fn an_alias_of_a_generic_type_stands_for_a_schema() {
    let schemas = "\
Kite: {properties: {spec: {$ref: '#/components/schemas/KiteSpec'}}, required: [spec]}
KiteSpec: {properties: {size: {type: integer}}}
";
    let generic =
        "struct Document<S> { spec: S } struct KiteSpec { size: Option<u8> } struct Other {}";
    let good = format!("{generic} type Kite = Document<KiteSpec>;");
    assert_eq!(of_schemas(schemas, &good), [""; 0]);
    let bad = format!("{generic} type Kite = Document<Other>;");
    assert_eq!(
        of_schemas(schemas, &bad),
        [
            "member Kite.spec type: KiteSpec in the document, kites::Other in kites::Kite, which does \
          not stand for it"
        ]
    );
}

#[test]
fn every_difference_of_a_list_of_values_is_found() {
    let modes = |values: &str| format!("open_enum! {{ enum Mode {{ {values} }} }}");
    let (both, one, three) = (
        modes("Low = \"low\", High = \"high\""),
        modes("Low = \"low\""),
        modes("Low = \"low\", High = \"high\", Max = \"max\""),
    );
    let struct_of = |of: &str| format!("struct Kite {{ mode: Option<{of}> }}");
    let missing = |name: &str| {
        vec![format!(
            "value {name}.high missing: in the document, not in kites::Mode"
        )]
    };
    let extra = |name: &str| {
        vec![format!(
            "value {name}.max extra: in kites::Mode, not in the document"
        )]
    };
    let place = "Kite: {properties: {mode: {type: string, enum: [low, high]}}}";
    let named = "\
Kite: {properties: {mode: {$ref: '#/components/schemas/Mode'}}}
Mode: {type: string, enum: [low, high]}
";
    for (schemas, name) in [(place, "Kite.mode"), (named, "Mode")] {
        for (source, expected) in [
            (struct_of("Mode") + &both, vec![]),
            (struct_of("Mode") + &one, missing(name)),
            (struct_of("Mode") + &three, extra(name)),
            (
                struct_of("String"),
                vec![
                    "member Kite.mode values: one of high, low in the document, any text in kites::Kite"
                        .to_owned(),
                ],
            ),
            (
                struct_of("Vec<Mode>") + &both,
                vec![
                    "member Kite.mode type: string in the document, array of kites::Mode in kites::Kite"
                        .to_owned(),
                ],
            ),
            (struct_of("Value"), vec![]),
        ] {
            assert_eq!(of_schemas(schemas, &source), expected, "{name}: {source}");
        }
        // An enum may say by an alias that it is the list of a member that holds text.
        let aliased = "#[doc(alias = \"Kite.mode\")] ";
        for (values, expected) in [(&both, vec![]), (&one, missing(name))] {
            let source =
                struct_of("String") + &values.replace("enum Mode", &format!("{aliased} enum Mode"));
            assert_eq!(of_schemas(schemas, &source), expected, "{name}: {source}");
        }
    }
}

#[test]
fn a_list_of_values_inside_an_array_is_compared() {
    assert_eq!(
        of_schemas(
            "Kite: {properties: {modes: {type: array, items: {type: string, enum: [low, high]}}}}",
            "struct Kite { modes: Option<Vec<Mode>> } open_enum! { enum Mode { Low = \"low\" } }"
        ),
        ["value Kite.modes.high missing: in the document, not in kites::Mode"]
    );
}

#[test]
fn a_list_of_values_that_is_used_nowhere_is_compared_with_its_enum() {
    assert_eq!(
        of_schemas(
            "Mode: {type: string, enum: [low]}",
            "open_enum! { enum Mode { Low = \"low\", High = \"high\" } }"
        ),
        ["value Mode.high extra: in kites::Mode, not in the document"]
    );
}

#[test]
fn objects_inside_objects_are_compared_in_place() {
    assert_eq!(
        of_schemas(
            "Kite: {properties: {tails: {type: array, items: {properties: {length: {type: integer}}}}}}",
            "struct Kite { tails: Option<Vec<Tail>> } struct Tail { length: Option<bool>, knots: u8 }"
        ),
        [
            "member Kite.tails.knots extra: integer in kites::Tail, not in the document",
            "member Kite.tails.length type: integer in the document, boolean in kites::Tail",
        ]
    );
}

#[test]
fn objects_without_a_name_are_compared_with_the_type_of_that_alias() {
    let text = "\
post:
  operationId: CreateKite
  requestBody: {content: {application/json: {schema: {properties: {name: {type: string}}}}}}
  responses:
    '200': {content: {application/json: {schema: {properties: {id: {type: string}, at: {type: string}}}}}}
put:
  operationId: UpdateKite
  requestBody: {content: {application/json: {schema: {properties: {size: {type: string}}}}}}
";
    let text: String = text.lines().map(|line| format!("  {line}\n")).collect();
    let document = Document::of("", &format!("/kites:\n{text}"));
    let operations = r#"
        struct CreateKite;
        const A: OperationInfo = OperationInfo::new("CreateKite", Method::POST, "/kites");
        const B: OperationInfo = OperationInfo::new("UpdateKite", Method::PUT, "/kites");
    "#;
    let differ = |types: &str| {
        let source = format!("{operations}\n{types}");
        findings(&document, &Ours::in_snippets(&[("kites.rs", &source)], ""))
    };
    assert_eq!(
        differ(""),
        ["answer CreateKite missing: an object of 2 members"]
    );
    assert_eq!(
        differ(
            r#"#[doc(alias = "CreateKite")] struct Created { id: Option<String> }
               #[doc(alias = "CreateKite.request")] struct New { name: String }
               #[doc(alias = "UpdateKite")] struct Change { size: Option<u8> }"#
        ),
        [
            "member CreateKite.at missing: string in the document, not in kites::Created",
            "member CreateKite.request.name required: optional in the document, required in kites::New",
            "member UpdateKite.size type: string in the document, integer in kites::Change",
        ]
    );
}

#[test]
fn an_alias_that_names_nothing_is_reported() {
    let source = r#"
        #[doc(alias = "Kite")]
        #[doc(alias = "Glider")]
        struct Flying { name: String, size: Option<u32> }
        #[doc(alias = "Kite.mode")]
        open_enum! { enum Mode { Low = "low" } }
        open_enum! { #[doc(alias = "Kite.sort")] enum Sort { Low = "low" } }
    "#;
    let vain = |alias: &str, name: &str| {
        format!(
            "alias {alias} unknown: {name} has it, but the document has neither a schema nor a \
             member nor an object without a name that is called so"
        )
    };
    assert_eq!(
        of_schemas(KITE, source),
        [
            vain("Glider", "kites::Flying"),
            vain("Kite.sort", "kites::Sort")
        ]
    );
}

#[test]
fn types_of_the_core_count_by_alias_or_where_nothing_else_does() {
    let schemas = "\
Kite: {properties: {name: {type: string}}}
Meta: {properties: {total: {type: integer}}}
Error: {properties: {error: {type: string}}}
";
    let paths = "\
/a:
  get:
    operationId: A
    responses: {'400': {content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}}
";
    let document = Document::of(schemas, paths);
    let source = r#"
        struct Kite { name: Option<String> }
        const A: OperationInfo = OperationInfo::new("A", Method::GET, "/a");
    "#;
    let core = r#"
        #[doc(alias = "Meta")] #[doc(alias = "of no schema")] struct PageMeta { total: Option<u8> }
        struct Kite { other: bool }
        struct Error { other: bool }
    "#;
    let ours = Ours::in_snippets(&[("kites.rs", source)], core);
    assert_eq!(findings(&document, &ours), [""; 0]);
    let ours = Ours::in_snippets(&[("kites.rs", "")], "struct Kite { name: Option<bool> }");
    assert_eq!(
        findings(&document, &ours),
        [
            "operation A missing: GET /a",
            "schema Meta missing: an object of 1 member",
            "member Kite.name type: string in the document, boolean in blaxel_core::page::Kite",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_a_difference() {
    assert_eq!(
        of_schemas(
            "{}",
            "const A: OperationInfo = OperationInfo::new(NAME, Method::GET, \"/a\");"
        ),
        [
            "source crates/blaxel-management/src/kites.rs unknown: an operation that is not written in \
          literals"
        ]
    );
}
