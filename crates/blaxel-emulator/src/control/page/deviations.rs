//! The public list of deviations.

use axum::Extension;
use axum::response::Response;

use super::html::{Html, html};
use super::layout::{badge, page};
use crate::control::Of;
use crate::deviations::{AREAS, Area, Deviation, Kind, count};

pub(super) async fn show(Extension(engine): Of) -> Response {
    let kinds: Html = Kind::ALL
        .into_iter()
        .map(|kind| {
            html(
                "<div class=\"tile\">{}<span class=\"figure\">{}</span><span class=\"quiet\">{}</span></div>",
                &[&mark(kind), &count(kind), &kind.meaning()],
            )
        })
        .collect();
    let contents: Html = AREAS
        .iter()
        .enumerate()
        .map(|(number, area)| {
            html(
                "<li><a href=\"#area-{}\">{}</a></li>",
                &[&number, &area.name],
            )
        })
        .collect();
    let areas: Html = AREAS
        .iter()
        .enumerate()
        .map(|(number, area)| section(number, area))
        .collect();
    let main = html(
        "<p class=\"lead\">What this emulator does otherwise than the platform, leaves out, or had to choose. \
         It is here so that nobody relies on a guess. Also as <a href=\"/_emulator/deviations\">JSON</a> \
         and <a href=\"/_emulator/deviations.md\">Markdown</a>.</p>\
         <div class=\"tiles\">{}</div><nav aria-label=\"Areas\"><ul class=\"contents\">{}</ul></nav>{}",
        &[&kinds, &contents, &areas],
    );
    page(&engine, "/deviations", "Deviations", &main)
}

fn mark(kind: Kind) -> Html {
    let tone = match kind {
        Kind::Differs => "busy",
        Kind::LeftOut => "warn",
        Kind::Assumed => "calm",
    };
    badge(tone, kind.name())
}

fn section(number: usize, area: &Area) -> Html {
    let rows: Html = area.deviations.iter().map(row).collect();
    html(
        "<section class=\"card\"><h2 id=\"area-{}\">{}</h2><div class=\"scroll\"><table class=\"stack deviations\">\
         <thead><tr><th scope=\"col\">Kind</th><th scope=\"col\">The platform</th><th scope=\"col\">The emulator</th></tr></thead>\
         <tbody>{}</tbody></table></div></section>",
        &[&number, &area.name, &rows],
    )
}

fn row(one: &Deviation) -> Html {
    let operations: Html = one
        .operations
        .iter()
        .map(|name| html("<code>{}</code> ", &[name]))
        .collect();
    let operations = match operations.is_empty() {
        true => operations,
        false => html("<p class=\"operations\">{}</p>", &[&operations]),
    };
    html(
        "<tr><td>{}</td><td>{}</td><td>{}{}</td></tr>",
        &[
            &mark(one.kind),
            &code(one.platform),
            &code(one.emulator),
            &operations,
        ],
    )
}

/// Returns a text whose parts in backquotes are code.
fn code(text: &str) -> Html {
    let parts = text.split('`').enumerate();
    parts
        .map(|(number, part)| match number % 2 {
            0 => html("{}", &[&part]),
            _ => html("<code>{}</code>", &[&part]),
        })
        .collect()
}
