//! The journal, live.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::html::{Html, html};
use super::layout::{button, page};
use super::request_table::table;
use crate::control::Of;
use crate::journal::Entry;

/// Maximum number of requests on the page.
const SHOWN: usize = 200;
/// Maximum number of requests among which those of an operation are looked for.
const SEARCHED: usize = 10_000;

/// The requests to show.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    operation: String,
}

pub(super) async fn show(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Response {
    let (count, entries) = engine.journal.newest(SEARCHED);
    let operations: BTreeSet<_> = entries
        .iter()
        .filter_map(|entry| entry.operation.as_deref())
        .collect();
    let options: Html = operations
        .iter()
        .map(|name| {
            let selected = match *name == wanted.operation {
                true => html(" selected", &[]),
                false => Html::default(),
            };
            html("<option{}>{}</option>", &[&selected, name])
        })
        .collect();
    let is_wanted = |entry: &&Entry| {
        wanted.operation.is_empty() || entry.operation.as_deref() == Some(&wanted.operation)
    };
    let shown: Vec<_> = entries
        .iter()
        .filter(is_wanted)
        .take(SHOWN)
        .cloned()
        .collect();
    let main = html(
        "<div class=\"actions\"><form class=\"inline\" method=\"get\" action=\"/_emulator/page/journal\">\
         <label>Operation <select id=\"operations\" name=\"operation\" data-submit><option value=\"\">All</option>{}</select></label>\
         <button>Show</button></form>{}</div>\
         <section class=\"card\" id=\"journal\" data-live><p class=\"quiet\">{} of {} requests, the newest first. \
         Requests of this page and of the control are not among them.</p>{}</section>",
        &[
            &options,
            &button("/journal/clear", &[], "", "Empty the journal"),
            &shown.len(),
            &count,
            &table(&shown),
        ],
    );
    page(&engine, "/journal", "Journal", &main)
}
