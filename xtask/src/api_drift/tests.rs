//! Every kind of difference is noticed, and nothing that is not understood is passed over.

use super::*;

/// A document with all that the parser knows.
const KITES: &str = "\
openapi: 3.0.3
servers: [{url: 'https://api.example.com/v0'}]
paths:
  /kites:
    get:
      operationId: ListKites
      parameters: [{$ref: '#/components/parameters/Limit'}]
      responses: {200: {content: {application/json: {schema: {oneOf: [
        {properties: {data: {items: {$ref: '#/components/schemas/Kite'}}}}, {type: boolean}]}}}}}
    post:
      operationId: CreateKite
      requestBody: {$ref: '#/components/requestBodies/Kite'}
      responses: {'201': {$ref: '#/components/responses/Kite'}, '400': {}}
  /kites/{kiteName}:
    parameters: [{in: path, name: kiteName}, {in: query, name: secrets, schema: {type: boolean}}]
    get:
      operationId: GetKite
      responses: {'200': {content: {application/json: {schema: {properties: {spool: {$ref: '#/components/schemas/Spool'}}}}}}}
    delete: {operationId: DeleteKite, responses: {'204': {description: gone}}}
components:
  parameters: {Limit: {in: query, name: limit, required: true, schema: {type: integer, maximum: 9}}}
  requestBodies: {Kite: {content: {application/json: {schema: {$ref: '#/components/schemas/Kite'}}}}}
  responses: {Kite: {content: {application/json: {schema: {$ref: '#/components/schemas/Kite'}}}}}
  schemas:
    Times: {properties: {madeAt: {type: string}}}
    Kite: {required: [name, size], allOf: [{$ref: '#/components/schemas/Times'}, {type: object, properties: {
      name: {type: string}, size: {type: integer, nullable: true}, labels: {additionalProperties: {type: string}},
      tails: {type: array, items: {type: number}}, status: {$ref: '#/components/schemas/Status'},
      line: {allOf: [{$ref: '#/components/schemas/Spool'}], readOnly: true}}}]}
    Spool: {type: object, properties: {turns: {type: integer}, next: {$ref: '#/components/schemas/Spool'}}}
    Status: {type: string, enum: [UP, DOWN]}
    Unused: {type: string, x-size: 1}
";

/// Edits of the document, and the differences that the edited one has from the original.
const EDITS: &str = "
description: gone -> description: away =>
maximum: 9 -> maximum: 8 =>
operationId: GetKite -> operationId: ReadKite => operation GetKite extra, operation ReadKite missing
delete: -> x-delete: => operation DeleteKite extra
delete: -> put: {operationId: PutKite}\\n    delete: => operation PutKite missing
delete: -> patch: => operation DeleteKite method
/kites/{kiteName} -> /kites/{name} => operation GetKite path, operation DeleteKite path
com/v0 -> com/v1 => document servers path
name: secrets -> name: all => query GetKite.all missing, query GetKite.secrets extra, query DeleteKite.all missing, query DeleteKite.secrets extra
parameters: [{$ref: '#/components/parameters/Limit'}] -> parameters: [] => query ListKites.limit extra
limit, required: true -> limit => query ListKites.limit required
limit, required: true, schema: {type: integer -> limit, required: true, schema: {type: string => query ListKites.limit type
requestBody: -> x-body: => body CreateKite.request extra
{'201': -> {'200': => body CreateKite.200 missing, body CreateKite.201 extra
requestBodies: {Kite: {content: {application/json: {schema: {$ref: '#/components/schemas/Kite'}}}}} -> requestBodies: {Kite: {content: {application/json: {schema: {type: array}}}}} => body CreateKite.request type
requestBodies: {Kite: {content: {application/json: {schema: {$ref: '#/components/schemas/Kite'}}}}} -> requestBodies: {Kite: {content: {application/json: {schema: {$ref: '#/components/schemas/Spool'}}}}} => body CreateKite.request type
{type: boolean}]}}}}} -> {type: integer}]}}}}} => body ListKites.200 type, body ListKites.200 choice
, {type: boolean}]}}}}} -> ]}}}}} => body ListKites.200 choice
properties: {spool: -> properties: {reel: {type: string}, spool: => member GetKite.200.reel missing
{properties: {madeAt: -> {properties: {cutAt: => member Kite.cutAt missing, member Kite.madeAt extra, member Times.cutAt missing, member Times.madeAt extra
madeAt: {type: string} -> madeAt: {type: integer} => member Kite.madeAt type, member Times.madeAt type
[name, size] -> [size] => member Kite.name required
[name, size] -> [name, madeAt] => member Kite.madeAt required
, nullable: true ->  => member Kite.size required
additionalProperties: {type: string} -> additionalProperties: {type: boolean} => member Kite.labels.* type
tails: {type: array -> tails: {type: object => member Kite.tails type
items: {type: number} -> items: {type: string} => member Kite.tails[] type
schemas/Spool'}], readOnly -> schemas/Kite'}], readOnly => member Kite.line type
turns: {type: integer} -> turns: {type: number} => member Spool.turns type
turns: {type: integer}, ->  => member Spool.turns extra
[UP, DOWN] -> [UP, DOWN, LOST] => value Status.LOST missing
[UP, DOWN] -> [UP] => value Status.DOWN extra
Status: {type: string, enum: [UP, DOWN]} -> Status: {type: string} => schema Status type
Unused: -> Needless: => schema Unused extra, schema Needless missing
{type: string, x-size: 1} -> {$ref: '#/components/schemas/Unused'} => document Unused unknown
{type: string, x-size: 1} -> {oneOf: [{$ref: '#/components/schemas/Unused'}, {type: string}]} => document Unused unknown
x-size: 1 -> const: 1 => document Unused unknown
integer, nullable -> [integer], nullable => document Kite.size unknown
in: path -> in: body => document GetKite unknown, document DeleteKite unknown
'#/components/parameters/Limit' -> 'other.yml#/Limit' => document ListKites unknown, query ListKites.limit extra
content: {application/json: {schema: {properties: {spool -> content: {text/plain: {schema: {properties: {spool => document GetKite.200 unknown
Times: {properties: -> Times: {allOf: [{$ref: '#/components/schemas/Times'}], properties: => document Times unknown, document Kite unknown
delete: -> link: => document /kites/{kiteName} unknown, operation DeleteKite extra
operationId: DeleteKite -> operationId: GetKite => document GetKite unknown, operation DeleteKite extra
";

fn keys(theirs: &str, ours: &str) -> BTreeSet<String> {
    let read = |text| read::document(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let [theirs, ours] = [theirs, ours].map(read);
    let findings = compare::compare(&theirs, &ours).into_iter();
    findings.map(|finding| finding.key).collect()
}

#[test]
fn every_difference_is_noticed_in_both_directions() {
    assert_eq!(keys(KITES, KITES), BTreeSet::new());
    let mut wrong = Vec::new();
    for line in EDITS.lines().filter(|line| !line.is_empty()) {
        let (edit, expected) = line.split_once(" =>").unwrap();
        let (from, to) = edit.split_once(" -> ").unwrap();
        assert!(KITES.contains(from), "{line}");
        let edited = KITES.replace(from, &to.replace("\\n", "\n"));
        let expected = expected.split(',').map(|key| key.trim().to_owned());
        let expected: BTreeSet<String> = expected.filter(|key| !key.is_empty()).collect();
        let found = keys(&edited, KITES);
        let mirrored = keys(KITES, &edited);
        if found != expected || mirrored.is_empty() != expected.is_empty() {
            wrong.push(format!("{line}\n  {found:?}\n  {mirrored:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_documents_are_refused() {
    let json = r#"{"openapi": "3.0.1", "info": {"title": "a\/b \ud83d\ude80"}}"#;
    assert!(read::document(json).is_ok());
    for text in [
        "",
        "hello",
        "openapi: 3.1.0",
        "swagger: '2.0'",
        "openapi: [3.0.3",
    ] {
        assert!(read::document(text).is_err(), "{text}");
    }
}

#[test]
fn the_list_explains_differences_that_exist_once_and_with_a_reason() {
    let list = "# Meant.\n\nmember Kite.size type = \"a = b\"\n";
    let known = allowed(LIST, list).unwrap();
    assert!(known.contains("member Kite.size type"));
    assert_eq!(stale(&known, &BTreeSet::new()).count(), 1);
    for line in [
        "member A.b type",
        "member A.b type = why",
        "member A.b type = \" \"",
    ] {
        let refused = allowed(LIST, &format!("\n{line}")).unwrap_err().to_string();
        assert!(refused.contains(":2: "), "{refused}");
    }
    assert!(allowed(LIST, &list.repeat(2)).is_err());
    let sh = crate::shell::at_root().unwrap();
    for list in [LIST, SANDBOX_LIST] {
        allowed(list, &sh.read_file(list).unwrap()).unwrap();
    }
}

/// The list of a sandbox's operations and a document, with an object of each kind.
const SANDBOX_KITES: &str = "\
# Kites.
[kites]
ListKites GET /kites ?limit:integer,sort* -> [Kite]
FlyKite POST /kites/{name} <- Flight -> anything
LandKite POST /kites/{name}

Kite name*, size:number, labels:{string}, status:UP|DOWN, spool:Spool
Spool = LONG|SHORT
Flight hours:integer
";
const SANDBOX_DOCUMENT: &str = "\
openapi: 3.0.0
paths:
  /kites:
    get:
      parameters: [{in: query, name: limit, schema: {type: integer}}, {in: query, name: sort, required: true, schema: {type: string}}]
      responses: {'200': {content: {application/json: {schema: {items: {$ref: '#/components/schemas/Kite'}}}}}}
  /kites/{name}:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Flight'}}}}
      responses: {'200': {content: {application/json: {schema: {type: object, additionalProperties: true}}}}}
components:
  schemas:
    Kite: {required: [name], properties: {name: {type: string}, size: {type: number}, status: {enum: [UP, DOWN]},
      labels: {additionalProperties: {type: string}}, spool: {$ref: '#/components/schemas/Spool'}}}
    Spool: {enum: [LONG, SHORT]}
    Flight: {properties: {hours: {type: integer}}}
";

#[test]
fn the_list_of_a_sandbox_is_a_document() {
    let theirs = read::document(SANDBOX_DOCUMENT).unwrap();
    let differences = |list: &str| {
        let ours = sandbox::document(list).unwrap();
        let keys = compare::compare(&theirs, &ours).into_iter();
        keys.map(|finding| finding.key).collect::<Vec<_>>()
    };
    assert!(differences(SANDBOX_KITES).is_empty());
    for (from, to, expected) in [
        ("GET /kites", "PUT /kites", "operation GET /kites missing"),
        ("limit:integer", "limit", "query GET /kites.limit type"),
        ("limit:integer,", "", "query GET /kites.limit missing"),
        ("sort*", "sort", "query GET /kites.sort required"),
        ("-> [Kite]", "-> Kite", "body GET /kites.200 type"),
        (" <- Flight", "", "body POST /kites/{name}.request missing"),
        ("labels:{string}, ", "", "member Kite.labels missing"),
        ("size:number", "size:number, mass", "member Kite.mass extra"),
        ("UP|DOWN", "UP|LOST", "value Kite.status.DOWN missing"),
        ("LONG|SHORT", "LONG|TALL", "value Spool.SHORT missing"),
    ] {
        assert!(SANDBOX_KITES.contains(from), "{from}");
        let found = differences(&SANDBOX_KITES.replacen(from, to, 1));
        assert!(
            found.iter().any(|key| key == expected),
            "{expected}: {found:?}"
        );
    }
    for line in [
        "Kite",
        "Fly GET",
        "Fly GET /a what",
        "Fly GET /a ->",
        "Kite a\nKite b",
    ] {
        assert!(sandbox::document(line).is_err(), "{line}");
    }
    let sh = crate::shell::at_root().unwrap();
    let list = sandbox::document(&sh.read_file(SANDBOX).unwrap()).unwrap();
    assert!(list.operations.len() > 40 && list.schemas.len() > 40);
}
