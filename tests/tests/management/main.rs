//! Promise: every operation of the Management API goes from the facade over a socket to the
//! emulator and back, and the requests and decoded responses are those of the API.
//!
//! The operations are listed in `operations.txt`. Each area has a function here that performs all
//! of its operations; each request is compared with that table and with the path, query and body
//! that the test expects, and each decoded response with the JSON it was decoded from.

mod areas;
mod decoding;
mod lists;
mod refusals;
mod sources;
mod support;
mod waits;

use std::collections::BTreeSet;

use self::support::World;
use self::support::table::Operations;
use blaxel_emulator::Emulator;

/// Performs each area as a test of its own, which fails with the names of the operations that it
/// did not perform.
macro_rules! areas {
    ($($area:ident),+) => {
        const AREAS: &[&str] = &[$(stringify!($area)),+];

        $(
            #[tokio::test]
            async fn $area() {
                let world = World::start().await;
                areas::$area::perform(&world).await;
                world.assert_performed_all(stringify!($area));
            }
        )+
    };
}

areas! { workloads, sandboxes, storage, images, network, workspaces, catalog, observability }

/// Operations of the emulator that no method of the Management API's facade performs: signing in,
/// uploads, costs, workloads, and the emulator's own endpoints. The operations of a sandbox's own API are
/// those of `blaxel-guest`.
const OTHERS: &[&str] = &[
    "CallFunction",
    "CallMcpServer",
    "CallModel",
    "CallPreview",
    "CallSandbox",
    "CreateChatCompletion",
    "CreateEmbedding",
    "CreateToken",
    "GetAccountMetrics",
    "GetOpenApiDocument",
    "GetTasks",
    "InvokeAgent",
    "ListAccountMetricsGroupBy",
    "ListAccountMetricsResourceTypes",
    "ListAccounts",
    "PutArchive",
    "StartDeviceLogin",
];

/// Query parameters of the emulator that the facade does not send by the operation's own method.
const UNSENT: &[&str] = &[
    // `deploy` sends it along with the operation: `uploads.rs` tests that.
    "CreateAgent?upload",
    "CreateApplication?upload",
    "CreateFunction?upload",
    "CreateImage?upload",
    "CreateJob?upload",
    "CreateSandbox?upload",
    "UpdateAgent?upload",
    "UpdateApplication?upload",
    "UpdateFunction?upload",
    "UpdateJob?upload",
    "UpdateSandbox?upload",
    // It is an offset in API versions without cursors only, and paging by it loses items.
    "ListJobExecutions?offset",
];

#[tokio::test]
async fn the_table_matches_the_openapi_document() {
    let document = decoding::document().await;
    let mut differences = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            let name = described["operationId"].as_str().unwrap();
            if OTHERS.contains(&name) {
                continue;
            }
            let endpoint = Operations::get().method_and_path_of(name);
            assert_eq!(
                endpoint,
                (method.to_uppercase().as_str(), path.as_str()),
                "{name}"
            );
            let parameters = described["parameters"].as_array().unwrap().iter();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let query = query.map(|parameter| parameter["name"].as_str().unwrap());
            let written = Operations::get().query_of(name);
            for parameter in query
                .collect::<BTreeSet<_>>()
                .symmetric_difference(&written)
            {
                differences.insert(format!("{name}?{parameter}"));
            }
        }
    }
    decoding::assert_same(&differences, UNSENT);
}

#[test]
fn every_operation_is_in_the_table() {
    let written: BTreeSet<&str> = Operations::get().names().collect();
    let in_sandboxes: BTreeSet<&str> = blaxel_emulator::blaxel_guest::operations().collect();
    let served: BTreeSet<&str> = Emulator::offline()
        .operations()
        .filter(|name| !OTHERS.contains(name) && !in_sandboxes.contains(name))
        .collect();
    let only = |these: &BTreeSet<&'static str>, those| -> Vec<_> {
        these.difference(those).copied().collect()
    };
    assert_eq!(
        (only(&written, &served), only(&served, &written)),
        (Vec::new(), Vec::new()),
        "the operations that only the table knows (left), and only the emulator (right)"
    );
    let tested: BTreeSet<&str> = AREAS.iter().copied().collect();
    let areas: BTreeSet<&str> = Operations::get().areas().collect();
    assert_eq!(
        tested, areas,
        "the areas that are tested (left) and those in the table"
    );
}
