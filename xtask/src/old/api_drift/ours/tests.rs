use super::*;

fn ours(text: &str) -> Ours {
    Ours::in_snippets(&[("kites.rs", text)], "")
}

fn described(operation: &Operation) -> String {
    let query: Vec<&str> = operation.query.iter().map(String::as_str).collect();
    format!("{} {operation} [{}]", operation.name, query.join(" "))
}

fn operations(text: &str) -> Vec<String> {
    let ours = ours(text);
    assert_eq!(ours.unreadable, []);
    ours.operations.iter().map(described).collect()
}

/// The members of a type: its name in JSON, with a question mark if it is optional, and what it is.
fn members(ours: &Ours, name: &str) -> Vec<String> {
    let named = Shape::Named(name.to_owned());
    let Shape::Object(members) = ours.resolve(&named) else {
        panic!("{name} is {:?}", ours.resolve(&named));
    };
    let members = members.iter().map(|(name, member)| {
        let mark = if member.required { "" } else { "?" };
        format!("{name}{mark}: {}", member.shape)
    });
    members.collect()
}

/// The shape of a member of this type.
fn shape(of: &str, around: &str) -> String {
    let ours = ours(&format!("{around}\nstruct Kite {{ a: {of} }}"));
    let members = members(&ours, "kites::Kite");
    members[0].clone()
}

#[test]
fn an_operation_is_found_wherever_it_is_written() {
    assert_eq!(
        operations(
            r#"
            static GET: OperationInfo = OperationInfo::new("GetKite", Method::GET, "/kites/{kiteName}");
            impl Operation for Put<'_> {
                const INFO: &'static OperationInfo =
                    &blaxel_core::OperationInfo::new("PutKite", http::Method::PUT, "/kites/{kiteName}",);
            }
            kinds! { kite => [OperationInfo::new("ListKites", Method::GET, "/kites")] }
            fn inner() { let kind = Kind { create: OperationInfo::new("CreateKite", Method::POST, "/kites") }; }
            "#
        ),
        [
            "GetKite GET /kites/{kiteName} []",
            "PutKite PUT /kites/{kiteName} []",
            "ListKites GET /kites []",
            "CreateKite POST /kites []",
        ]
    );
}

#[test]
fn query_parameters_are_the_union_of_what_is_taken() {
    assert_eq!(
        operations(
            r#"
            pub const PAGE_QUERY: &[&str] = &["cursor", LIMIT];
            const LIMIT: &str = "limit";
            const INFO: OperationInfo = OperationInfo::new("ListKites", Method::GET, "/kites")
                .with_idempotency(Idempotency::Safe)
                .with_parameters(query::PAGE_QUERY)
                .with_since(ApiVersion::LATEST)
                .with_parameters(&["show_secrets", "q"]);
            "#
        ),
        ["ListKites GET /kites [cursor limit q show_secrets]"]
    );
}

#[test]
fn the_chain_of_a_call_ends_with_the_call() {
    assert_eq!(
        operations(
            r#"
            const A: [OperationInfo; 2] = [
                OperationInfo::new("A", Method::GET, "/a"),
                OperationInfo::new("B", Method::GET, "/b").with_parameters(&["b"]),
            ];
            "#
        ),
        ["A GET /a []", "B GET /b [b]"]
    );
}

#[test]
fn a_list_may_stand_in_the_core_or_in_a_type() {
    let text = r#"
        const A: OperationInfo = OperationInfo::new("A", Method::GET, "/a").with_parameters(ListParams::QUERY);
        const B: OperationInfo = OperationInfo::new("B", Method::GET, "/b").with_parameters(&PAGE);
        impl Other { const QUERY: &[&str] = &["other"]; }
    "#;
    let core = r#"
        pub static PAGE: [&str; 1] = ["cursor"];
        impl ListParams { pub const QUERY: &'static [&'static str] = &["limit"]; }
    "#;
    let ours = Ours::in_snippets(&[("kites.rs", text)], core);
    let operations: Vec<String> = ours.operations.iter().map(described).collect();
    assert_eq!(operations, ["A GET /a [limit]", "B GET /b [cursor]"]);
}

#[test]
fn the_same_operation_twice_takes_what_both_take() {
    let text = r#"
        const A: OperationInfo = OperationInfo::new("A", Method::GET, "/a").with_parameters(&["x"]);
        const B: OperationInfo = OperationInfo::new("A", Method::GET, "/a").with_parameters(&["y"]);
    "#;
    assert_eq!(operations(text), ["A GET /a [x y]"]);
}

#[test]
fn an_operation_that_cannot_be_read_is_reported() {
    for (call, problem) in [
        (
            "OperationInfo::new(name, Method::GET, \"/a\")",
            "not written in literals",
        ),
        (
            "OperationInfo::new(\"A\", method(), \"/a\")",
            "not written in literals",
        ),
        (
            "OperationInfo::new(\"A\", Method::GET)",
            "not made of three arguments",
        ),
        (
            "OperationInfo::new(\"A\", Method::GET, \"/a\").with_parameters(GONE)",
            "no constant `GONE`",
        ),
        (
            "OperationInfo::new(\"A\", Method::GET, \"/a\").with_parameters(&[1])",
            "a literal that is no text",
        ),
        (
            "OperationInfo::new(\"A\", Method::GET, \"/a\").with_parameters(list())",
            "neither a list",
        ),
        (
            "OperationInfo::new(\"A\", Method::GET, \"/a\").with_parameters(TWICE)",
            "several constants",
        ),
        (
            "OperationInfo::new(\"A\", Method::GET, \"/a\").with_parameters(ROUND)",
            "name each other",
        ),
    ] {
        let text = format!(
            "mod a {{ const TWICE: &str = \"a\"; }} mod b {{ const TWICE: &str = \"b\"; }}
             const ROUND: &[&str] = ROUND;
             const A: OperationInfo = {call};"
        );
        let ours = ours(&text);
        let [(file, why)] = ours.unreadable.as_slice() else {
            panic!("{call}: {:?}", ours.unreadable);
        };
        assert_eq!(file, "crates/blaxel-management/src/kites.rs");
        assert!(why.contains(problem), "{call}: {why}");
        assert!(ours.operations.is_empty());
    }
}

#[test]
fn what_is_there_for_tests_alone_is_passed_over() {
    let text = r#"
        #[cfg(test)]
        use crate::old::{Kite, Tail};
        struct Kite {
            #[cfg(test)]
            seen: bool,
            name: String,
        }
        impl Kite {
            #[cfg(test)]
            pub(crate) const INFO: OperationInfo = OperationInfo::new("A", Method::GET, "/a");
            const B: OperationInfo = OperationInfo::new("B", Method::GET, "/b");
        }
        /// "OperationInfo::new(\"C\", Method::GET, \"/c\")"
        #[cfg(test)]
        #[allow(dead_code)]
        mod tests {
            struct Tail { name: String }
            const INFO: OperationInfo = OperationInfo::new("D", Method::GET, "/d");
        }
    "#;
    let ours = ours(text);
    assert_eq!(
        ours.operations.iter().map(described).collect::<Vec<_>>(),
        ["B GET /b []"]
    );
    assert_eq!(ours.types.keys().collect::<Vec<_>>(), ["kites::Kite"]);
    // A field is no item: whatever it is for, the ones after it count.
    assert_eq!(
        members(&ours, "kites::Kite"),
        ["name: string", "seen: boolean"]
    );
}

#[test]
fn operations_of_the_core_are_not_the_facades() {
    let core = r#"const A: OperationInfo = OperationInfo::new("A", Method::GET, "/a");"#;
    assert_eq!(Ours::in_snippets(&[], core).operations, []);
}

#[test]
fn every_kind_of_type_is_understood() {
    for (of, shape_of) in [
        ("String", "a: string"),
        ("&'a str", "a: string"),
        ("Cow<'a, str>", "a: string"),
        ("blaxel_core::Timestamp", "a: string"),
        ("Period", "a: string"),
        ("SecretText", "a: string"),
        ("ApiVersion", "a: string"),
        ("bool", "a: boolean"),
        ("u32", "a: integer"),
        ("i64", "a: integer"),
        ("Megabytes", "a: integer"),
        ("ByteSize", "a: integer"),
        ("f64", "a: number"),
        ("Value", "a: anything"),
        (
            "serde_json::Map<String, serde_json::Value>",
            "a: map of anything",
        ),
        ("Vec<u8>", "a: array of integer"),
        ("[String; 2]", "a: array of string"),
        ("std::collections::BTreeSet<String>", "a: array of string"),
        ("BTreeMap<String, Vec<String>>", "a: map of array of string"),
        ("Option<bool>", "a?: boolean"),
        ("std::option::Option<Box<bool>>", "a?: boolean"),
        ("blaxel_core::Clearable<Vec<bool>>", "a?: array of boolean"),
        ("Vec<Option<bool>>", "a: array of boolean"),
        ("(String, String)", "a: unknown"),
        ("Duration", "a: unknown"),
        ("Vec", "a: array of unknown"),
    ] {
        assert_eq!(shape(of, ""), shape_of, "{of}");
    }
}

#[test]
fn declared_types_are_followed() {
    for (around, of, shape_of) in [
        (
            "struct Tail { length: u32 }",
            "Option<Tail>",
            "a?: kites::Tail",
        ),
        (
            "open_enum! { pub enum Mode { A = \"a\" } }",
            "Vec<Mode>",
            "a: array of kites::Mode",
        ),
        (
            "type Labels = BTreeMap<String, String>;",
            "Labels",
            "a: map of string",
        ),
        ("pub struct Id(String);", "Option<Id>", "a?: string"),
        (
            "type Maybe<T> = Vec<Option<T>>; struct Tail {}",
            "Maybe<Tail>",
            "a: array of kites::Tail",
        ),
        (
            "#[serde(untagged)] enum Either { Text(String), Number(u8) }",
            "Either",
            "a: anything",
        ),
        (
            "enum Either { Text(String), Number(u8) }",
            "Either",
            "a: unknown",
        ),
        ("struct Pair(u8, u8);", "Pair", "a: unknown"),
        (
            "struct Wind<T> { of: T }",
            "Wind<u8>",
            "a: kites::Wind<integer>",
        ),
    ] {
        assert_eq!(shape(of, around), shape_of, "{around}");
    }
}

#[test]
fn what_cannot_be_told_says_why() {
    for (around, of, why) in [
        ("", "Duration", "`Duration` is not declared in the sources"),
        ("struct Pair(u8, u8);", "Pair", "`kites::Pair` is a tuple"),
        (
            "enum Either { Text(String) }",
            "Either",
            "`kites::Either` is an enum whose variants hold something",
        ),
        ("", "Vec", "`Vec` does not say of what"),
        (
            "mod a { struct T {} } mod b { struct T {} }",
            "T",
            "`T` may be kites::a::T or kites::b::T",
        ),
    ] {
        let ours = ours(&format!("{around}\nstruct Kite {{ a: {of} }}"));
        let Shape::Object(members) = &ours.types["kites::Kite"].shape else {
            panic!("{ours:?}");
        };
        let mut shape = &members["a"].shape;
        while let Shape::Array(element) = shape {
            shape = element;
        }
        assert_eq!(*shape, Shape::Unknown(why.to_owned()));
    }
}

#[test]
fn members_are_named_as_serde_names_them() {
    let ours = ours(
        r#"
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase", default, bound(deserialize = "S: Spec"))]
        struct Kite {
            #[serde(skip_serializing_if = "Option::is_none", default = "wind::none")]
            pub wind_speed: Option<f64>,
            #[serde(default, rename = "type")]
            kind: String,
            #[serde(rename(serialize = "out", deserialize = "in"))]
            both: String,
            r#use: String,
            #[serde(skip)]
            seen: bool,
        }
        struct Tail { tail_length: u8 }
        #[serde(rename_all = "kebab-case")]
        struct Cord { max_length: u8 }
        "#,
    );
    assert_eq!(
        members(&ours, "kites::Kite"),
        [
            "in: string",
            "type: string",
            "use: string",
            "windSpeed?: number"
        ]
    );
    assert_eq!(members(&ours, "kites::Tail"), ["tail_length: integer"]);
    assert_eq!(members(&ours, "kites::Cord"), ["max-length: integer"]);
}

#[test]
fn every_rule_of_serde_is_known() {
    for (rule, field, variant) in [
        ("lowercase", "max_length", "onlyone"),
        ("UPPERCASE", "MAX_LENGTH", "ONLYONE"),
        ("PascalCase", "MaxLength", "OnlyOne"),
        ("camelCase", "maxLength", "onlyOne"),
        ("snake_case", "max_length", "only_one"),
        ("SCREAMING_SNAKE_CASE", "MAX_LENGTH", "ONLY_ONE"),
        ("kebab-case", "max-length", "only-one"),
        ("SCREAMING-KEBAB-CASE", "MAX-LENGTH", "ONLY-ONE"),
    ] {
        let ours = ours(&format!(
            "#[serde(rename_all = \"{rule}\")] struct Kite {{ max_length: u8 }}
             #[serde(rename_all = \"{rule}\")] enum Mode {{ OnlyOne }}"
        ));
        assert_eq!(
            members(&ours, "kites::Kite"),
            [format!("{field}: integer")],
            "{rule}"
        );
        let values = ours.types["kites::Mode"].shape.to_string();
        assert_eq!(values, format!("one of {variant}"), "{rule}");
    }
}

#[test]
fn records_are_in_camel_case_unless_they_say_otherwise() {
    let ours = ours(
        r#"
        crate::old::record! {
            /// A kite.
            #[doc(alias = "FlyingKite")]
            pub struct Kite {
                /// How long its tail is.
                pub tail_length: Option<u32>,
                #[serde(rename = "s3Url")]
                pub s3_address: String,
            }

            /// What it hangs on.
            #[serde(rename_all = "snake_case")]
            pub struct Cord { pub max_length: u32 }
        }
        "#,
    );
    assert_eq!(
        members(&ours, "kites::Kite"),
        ["s3Url: string", "tailLength?: integer"]
    );
    assert_eq!(members(&ours, "kites::Cord"), ["max_length: integer"]);
    assert!(ours.stands_for("kites::Kite", "FlyingKite"));
}

#[test]
fn every_macro_that_declares_types_is_looked_into() {
    for (invoked, expected) in [
        ("record", "tailLength: integer"),
        ("answer", "tailLength: integer"),
        ("document", "tailLength: integer"),
        ("crate::old::record", "tailLength: integer"),
        ("open_enum", "tail_length: integer"),
    ] {
        let ours = ours(&format!(
            "{invoked}! {{ pub struct Kite {{ pub tail_length: u32, }} }}"
        ));
        assert_eq!(members(&ours, "kites::Kite"), [expected], "{invoked}");
    }
    let other = ours("thread_local! { pub struct Kite { pub tail_length: u32 } }");
    assert!(other.types.is_empty());
}

#[test]
fn a_record_that_is_no_plain_struct_is_reported() {
    let ours = ours("record! { pub struct Kite { name => String } }");
    let [(file, why)] = ours.unreadable.as_slice() else {
        panic!("{:?}", ours.unreadable);
    };
    assert_eq!(file, "crates/blaxel-management/src/kites.rs");
    assert!(
        why.starts_with("`record!` holds what is no plain item"),
        "{why}"
    );
}

#[test]
fn the_values_of_enums_are_their_texts_in_json() {
    let ours = ours(
        r#"
        blaxel_core::open_enum! {
            /// A mode.
            pub enum Mode { /// One.
                One = "one", Two = "two:2", }
        }
        #[serde(rename_all = "lowercase")]
        enum Plain { Left, #[serde(rename = "starboard")] Right, #[serde(skip)] Other }
        "#,
    );
    let values = |name: &str| ours.types[name].shape.to_string();
    assert_eq!(values("kites::Mode"), "one of one, two:2");
    assert_eq!(values("kites::Plain"), "one of left, starboard");
}

#[test]
fn generic_types_are_filled_in() {
    let ours = ours(
        r#"
        pub struct Document<S, M = Metadata> { metadata: M, spec: S, status: Option<Status>, past: Vec<S> }
        struct Metadata { name: String }
        struct OtherMetadata { name: String }
        struct KiteSpec { size: u8 }
        open_enum! { enum Status { Up = "UP" } }
        pub type Kite = Document<KiteSpec>;
        #[doc(alias = "VPC")]
        type Vpc = Document<KiteSpec, OtherMetadata>;
        type Named = Kite;
        "#,
    );
    let kite = [
        "metadata: kites::Metadata",
        "past: array of kites::KiteSpec",
        "spec: kites::KiteSpec",
        "status?: kites::Status",
    ];
    assert_eq!(members(&ours, "kites::Kite"), kite);
    assert_eq!(members(&ours, "kites::Named"), kite);
    assert_eq!(
        members(&ours, "kites::Vpc")[0],
        "metadata: kites::OtherMetadata"
    );
    assert!(ours.stands_for("kites::Kite", "Kite"));
    assert!(
        ours.stands_for("kites::Named", "Kite"),
        "it is the same type"
    );
    assert!(ours.stands_for("kites::Vpc", "VPC"));
    for (name, schema) in [
        ("kites::Kite", "Document"),
        ("kites::Document<kites::KiteSpec>", "Document"),
    ] {
        assert!(ours.types.contains_key(name), "{name}");
        assert!(!ours.stands_for(name, schema), "{name} for {schema}");
    }
}

#[test]
fn types_may_lead_back_to_themselves() {
    let ours = ours(
        "type Kite = Document<KiteSpec>;
         struct Document<S> { spec: S }
         struct KiteSpec { tail: Option<Box<Tail>> }
         struct Tail { of: Vec<Kite>, knots: Knots }
         struct Knots(Vec<Knots>);
         struct Endless<T> { of: Option<Box<Endless<Vec<T>>>> }
         struct User { of: Endless<u8> }",
    );
    assert_eq!(members(&ours, "kites::Kite"), ["spec: kites::KiteSpec"]);
    assert_eq!(members(&ours, "kites::KiteSpec"), ["tail?: kites::Tail"]);
    assert_eq!(
        members(&ours, "kites::Tail"),
        ["knots: kites::Knots", "of: array of kites::Kite"]
    );
    let knots = Shape::Named("kites::Knots".to_owned());
    assert_eq!(ours.resolve(&knots).to_string(), "array of kites::Knots");
}

#[test]
fn flattened_members_are_the_types_own() {
    let ours = ours(
        r#"
        struct Times { created: String }
        struct Kite {
            #[serde(flatten)] times: Times,
            #[serde(flatten)] rest: BTreeMap<String, Value>,
            name: String,
        }
        struct Tail { #[serde(flatten)] times: Option<Times> }
        struct Cord { #[serde(flatten)] times: Gone }
        "#,
    );
    assert_eq!(
        members(&ours, "kites::Kite"),
        ["created: string", "name: string"]
    );
    assert_eq!(members(&ours, "kites::Tail"), ["created?: string"]);
    assert_eq!(members(&ours, "kites::Cord"), ["times: unknown"]);
}

#[test]
fn a_type_stands_for_its_aliases_and_for_its_name_if_no_other_has_that_as_alias() {
    let ours = ours(
        r#"
        #[doc(alias = "Env")]
        /// A variable.
        #[doc(alias("Variable", "Setting"))]
        #[doc(hidden)]
        struct EnvVariable { name: String }
        #[doc(alias = "Status")] struct Stand { name: String }
        #[doc(alias = "JobStatus")] struct Status { name: String }
        "#,
    );
    for (name, schema, stands) in [
        ("kites::EnvVariable", "Env", true),
        ("kites::EnvVariable", "Variable", true),
        ("kites::EnvVariable", "Setting", true),
        ("kites::EnvVariable", "EnvVariable", true),
        ("kites::Stand", "Status", true),
        ("kites::Status", "Status", false),
        ("kites::Status", "JobStatus", true),
        ("kites::Gone", "Gone", false),
    ] {
        assert_eq!(ours.stands_for(name, schema), stands, "{name} for {schema}");
    }
    assert_eq!(
        ours.aliased("Env").collect::<Vec<_>>(),
        ["kites::EnvVariable"]
    );
    assert_eq!(ours.aliased("EnvVariable").count(), 0, "a name is no alias");
}

#[test]
fn one_name_in_several_modules_is_told_apart() {
    let core = "pub struct Wind { from: String }";
    let status = |text: &str| format!("open_enum! {{ pub enum Status {{ A = \"{text}\" }} }}");
    let (metadata, jobs) = (
        status("m"),
        format!("{} struct Job {{ s: Status }}", status("j")),
    );
    let ours = Ours::in_snippets(
        &[
            ("metadata.rs", &metadata),
            ("jobs/mod.rs", &jobs),
            (
                "kites.rs",
                "use crate::old::metadata::{self, Status as Stand};
                 use blaxel_core::{page, page::Wind as Air};
                 struct Kite { a: Stand, b: metadata::Status, c: crate::old::jobs::Status, d: Status,
                               e: Wind, f: Air, g: page::Wind }",
            ),
            ("wind.rs", "struct Wind { to: String }"),
            (
                "lib.rs",
                "pub struct Root { wind: wind::Wind } mod inner { struct Leaf { r: super::Root } }",
            ),
        ],
        core,
    );
    assert_eq!(members(&ours, "jobs::Job"), ["s: jobs::Status"]);
    assert_eq!(
        members(&ours, "kites::Kite"),
        [
            "a: metadata::Status",
            "b: metadata::Status",
            "c: jobs::Status",
            "d: unknown",
            "e: wind::Wind",
            "f: blaxel_core::page::Wind",
            "g: blaxel_core::page::Wind",
        ]
    );
    assert_eq!(members(&ours, "Root"), ["wind: wind::Wind"]);
    assert_eq!(members(&ours, "inner::Leaf"), ["r: Root"]);
}

#[test]
fn a_file_that_is_not_rust_is_named() {
    for text in ["struct {", "struct Kite { name String }", "\"open"] {
        let Err(refused) = sources::parse("crates/x/src/kites.rs", text, true) else {
            panic!("{text}");
        };
        assert!(
            refused.starts_with("crates/x/src/kites.rs is not Rust: "),
            "{refused}"
        );
    }
}

#[test]
fn this_workspace_can_be_read() {
    let ours = Ours::read(&crate::old::root()).unwrap();
    assert!(ours.types.contains_key("agents::AgentSpec"));
    assert!(ours.stands_for("blaxel_core::page::PageMeta", "PaginationMeta"));
    let missing = Ours::read(Path::new("nowhere")).unwrap_err();
    assert!(
        missing.contains("blaxel-management") && missing.contains("cannot be read"),
        "{missing}"
    );
}
