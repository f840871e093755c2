//! Incidents and faults to switch on and off.

use axum::Extension;
use axum::response::Response;

use super::html::{Html, html};
use super::layout::{badge, button, page};
use crate::control::Of;
use crate::control::faults::{Waiting, all};
use crate::engine::Engine;
use crate::incident::Incident;
use crate::router::operations;

pub(super) async fn show(Extension(engine): Of) -> Response {
    let incidents: Html = Incident::all()
        .map(|incident| switch(&engine, incident))
        .collect();
    let main = html(
        "<section class=\"card\"><h2>Incidents</h2>\
         <p>Failures of the platform that were seen in public. Each happens once to the next requests that fit.</p>\
         <ul id=\"incidents\" class=\"switches\" data-live>{}</ul></section>\
         <section class=\"card\"><h2>Faults that wait</h2><div id=\"faults\" data-live>{}</div></section>{}",
        &[&incidents, &waiting(&all(&engine)), &add_form()],
    );
    page(&engine, "/failures", "Failures", &main)
}

fn switch(engine: &Engine, incident: Incident) -> Html {
    let waiting = incident.waiting(&engine.faults);
    let name = [("name", incident.name())];
    let (mark, control) = match waiting {
        0 => (
            Html::default(),
            button("/incidents/on", &name, "", "Switch on"),
        ),
        _ => (
            badge("bad", "waiting"),
            button("/incidents/off", &name, "primary", "Switch off"),
        ),
    };
    let effects: Html = incident
        .effects()
        .iter()
        .map(|(operation, effect)| html("<li><code>{}</code> {}</li>", &[operation, effect]))
        .collect();
    html(
        "<li><div><h3>{} {}</h3><p>{}</p><details id=\"incident-{}\"><summary>What it does</summary><ul>{}</ul></details></div>{}</li>",
        &[
            &incident.name(),
            &mark,
            &incident.background(),
            &incident.name(),
            &effects,
            &control,
        ],
    )
}

fn waiting(faults: &[Waiting]) -> Html {
    if faults.is_empty() {
        return html(
            "<p class=\"empty\">None: all requests are answered as usual.</p>",
            &[],
        );
    }
    let rows: Html = faults
        .iter()
        .map(|fault| {
            let operation = [("operation", fault.operation.as_str())];
            html(
                "<tr><td><code>{}</code></td><td>{}</td><td class=\"number\">{}</td><td>{}</td><td>{}</td></tr>",
                &[
                    &fault.operation,
                    &fault.effect,
                    &fault.times,
                    &fault.incident.unwrap_or("—"),
                    &button("/faults/remove", &operation, "", "Remove"),
                ],
            )
        })
        .collect();
    html(
        "<div class=\"scroll\"><table class=\"stack\"><thead><tr><th scope=\"col\">Operation</th><th scope=\"col\">Effect</th>\
         <th scope=\"col\">Requests</th><th scope=\"col\">Incident</th><th scope=\"col\"><span class=\"hidden\">Action</span></th></tr></thead>\
         <tbody>{}</tbody></table></div>{}",
        &[&rows, &button("/faults/clear", &[], "danger", "Remove all")],
    )
}

/// The kinds of faults that the form offers, and the names of these.
pub(super) const KINDS: [(&str, &str); 7] = [
    ("error", "JSON error with this status"),
    ("html", "HTML page with this status"),
    ("gateway", "WORKLOAD_UNAVAILABLE of the gateway"),
    ("disconnect", "Closed connection"),
    ("lost", "Closed connection after it took place"),
    ("delay", "Delay of two seconds"),
    ("twice", "Processed twice"),
];

fn add_form() -> Html {
    let kinds: Html = KINDS
        .iter()
        .map(|(value, name)| html("<option value=\"{}\">{}</option>", &[value, name]))
        .collect();
    let mut names: Vec<_> = operations().collect();
    names.sort_unstable();
    let names: Html = names
        .iter()
        .map(|name| html("<option value=\"{}\">", &[name]))
        .collect();
    html(
        "<form class=\"card fields\" method=\"post\" action=\"/_emulator/page/faults/add\"><h2>Add a fault</h2>\
         <label class=\"grow\">Operation <input name=\"operation\" required list=\"names\" autocomplete=\"off\" placeholder=\"ListModels or List*\"></label>\
         <datalist id=\"names\">{}</datalist>\
         <label class=\"wide\">Effect <select name=\"kind\">{}</select></label>\
         <label>Status <input name=\"status\" type=\"number\" min=\"200\" max=\"599\" value=\"503\"></label>\
         <label>Requests <input name=\"times\" type=\"number\" min=\"1\" max=\"1000000\" value=\"1\"></label>\
         <button class=\"primary\">Add</button></form>",
        &[&names, &kinds],
    )
}
