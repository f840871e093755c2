//! The first page: what there is, and how to reach it.

use axum::Extension;
use axum::response::Response;

use super::costs::Costs;
use super::html::{Html, Show, html};
use super::layout::page;
use super::money::dollars;
use super::request_table::table;
use crate::control::{Of, faults, resources, sandboxes};
use crate::engine::Engine;

/// The number of requests that it shows.
const REQUESTS: usize = 12;

/// The days whose costs it tells.
const DAYS: i64 = 30;

pub(super) async fn show(Extension(engine): Of) -> Response {
    let main = html(
        "<section id=\"tiles\" class=\"tiles\" data-live aria-label=\"Figures\">{}</section>\
         <div class=\"columns\">\
         <section class=\"card wide\"><div class=\"head\"><h2>Latest requests</h2>\
         <a href=\"/_emulator/page/journal\">Journal</a></div><div id=\"requests\" data-live>{}</div></section>\
         <section class=\"card\"><div class=\"head\"><h2>Use it</h2>\
         <button type=\"button\" data-copy=\"variables\" hidden>Copy</button></div>\
         <p>Export these variables, and the SDKs talk to this emulator:</p>{}</section>\
         </div>\
         <section class=\"card\"><h2>Begin again</h2><p>Resources, faults, the journal, scripts, sessions and machines \
         become as they were at the start. The clock goes on.</p>\
         <details><summary>Reset the emulator …</summary>\
         <form method=\"post\" action=\"/_emulator/page/reset\"><button class=\"danger\">Reset everything</button></form>\
         </details></section>",
        &[&tiles(&engine), &requests(&engine), &variables(&engine)],
    );
    page(&engine, "", "Overview", &main)
}

fn requests(engine: &Engine) -> Html {
    table(&engine.journal.newest(REQUESTS).1)
}

fn variables(engine: &Engine) -> Html {
    let lines: Html = engine
        .variables()
        .iter()
        .map(|(name, value)| html("export {}={}\n", &[name, value]))
        .collect();
    html(
        "<pre id=\"variables\" class=\"small\" tabindex=\"0\" role=\"region\" aria-label=\"Variables\">{}</pre>",
        &[&lines],
    )
}

fn tiles(engine: &Engine) -> Html {
    let (sandboxes, running) = sandboxes::count(engine);
    let failures: u32 = faults::all(engine).iter().map(|fault| fault.times).sum();
    let requests = engine.journal.newest(0).0;
    let costs = Costs::of(engine, DAYS);
    [
        tile(
            "resources",
            "Resources",
            &resources::count(engine),
            &"in this workspace",
        ),
        tile(
            "sandboxes",
            "Sandboxes",
            &sandboxes,
            &html("running processes: {}", &[&running]),
        ),
        tile("journal", "Requests", &requests, &"in the journal"),
        tile("failures", "Failures", &failures, &"waiting for requests"),
        tile(
            "costs",
            "Costs",
            &dollars(costs.total),
            &"of the account, 30 days",
        ),
    ]
    .into_iter()
    .collect()
}

fn tile(path: &'static str, name: &'static str, figure: &dyn Show, what: &dyn Show) -> Html {
    html(
        "<a class=\"tile\" href=\"/_emulator/page/{}\"><span class=\"label\">{}</span>\
         <span class=\"figure\">{}</span><span class=\"quiet\">{}</span></a>",
        &[&path, &name, figure, what],
    )
}
