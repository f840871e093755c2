//! The table of requests.

use super::html::{Html, html};
use super::layout::{badge, clock_time};
use crate::journal::{CredentialKind, Entry};

/// Returns requests as a table, or a hint if there are none.
pub(super) fn table(entries: &[Entry]) -> Html {
    if entries.is_empty() {
        return html(
            "<p class=\"empty\">No requests yet. Point a client at this emulator, and they appear here as they arrive.</p>",
            &[],
        );
    }
    let rows: Html = entries.iter().map(row).collect();
    html(
        "<div class=\"scroll\"><table class=\"stack\"><thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Request</th>\
         <th scope=\"col\">Operation</th><th scope=\"col\">Credential</th><th scope=\"col\">Status</th></tr></thead>\
         <tbody>{}</tbody></table></div>",
        &[&rows],
    )
}

fn row(entry: &Entry) -> Html {
    let query = entry.query.as_deref().map(|query| format!("?{query}"));
    html(
        "<tr title=\"{}\"><td class=\"quiet number\">{}</td><td class=\"code\"><b>{}</b> {}{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        &[
            &entry.request_id,
            &clock_time(entry.at.as_str()),
            &entry.method,
            &entry.path,
            &query,
            &entry.operation.as_deref().unwrap_or("—"),
            &credential_of(entry.credential),
            &status(entry.status),
        ],
    )
}

fn credential_of(kind: CredentialKind) -> Html {
    let name = kind.name().replace('_', " ");
    match kind {
        CredentialKind::Rejected => badge("bad", &name),
        _ => html("<span class=\"quiet\">{}</span>", &[&name]),
    }
}

fn status(status: Option<u16>) -> Html {
    let Some(status) = status else {
        return badge("busy", "no response");
    };
    let tone = match status {
        ..400 => "good",
        400..500 => "warn",
        _ => "bad",
    };
    badge(tone, &status.to_string())
}
