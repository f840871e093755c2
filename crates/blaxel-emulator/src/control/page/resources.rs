//! The resources of each workspace.

use axum::Extension;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::error::problem;
use super::html::{Html, InLink, html};
use super::layout::{badge, button, page, time};
use crate::control::Of;
use crate::control::resources::{Brief, Listed, document, first};
use crate::state::{KINDS, status};

/// Maximum number of resources of a kind that are shown.
const SHOWN: usize = 100;

pub(super) async fn list(Extension(engine): Of) -> Response {
    let listed = first(&engine, SHOWN);
    let own = &engine.config.workspace;
    let others: Html = listed
        .iter()
        .filter(|kind| kind.collection == "workspaces")
        .flat_map(|kind| &kind.resources)
        .filter(|workspace| workspace.name != *own)
        .map(|workspace| {
            html(
                "<section class=\"card\"><h2>Workspace {}</h2><p class=\"empty\">No resources: the credentials of this \
                 emulator give access to {} only.</p></section>",
                &[&workspace.name, own],
            )
        })
        .collect();
    let kinds: Html = listed.iter().map(collection).collect();
    let main = html(
        "{}<section aria-labelledby=\"own\"><h2 id=\"own\">Workspace {}</h2>\
         <div id=\"resources\" data-live>{}</div></section><div id=\"others\" data-live>{}</div>",
        &[&add_form(), own, &kinds, &others],
    );
    page(&engine, "/resources", "Resources", &main)
}

fn add_form() -> Html {
    let kinds = KINDS.iter().filter(|kind| kind.parent.is_none());
    let options: Html = kinds
        .map(|kind| {
            html(
                "<option value=\"{}\">{}</option>",
                &[&kind.path.replace('/', "."), &kind.noun],
            )
        })
        .collect();
    html(
        "<form class=\"card fields\" method=\"post\" action=\"/_emulator/page/resources/add\">\
         <h2>Add a resource</h2>\
         <label>Kind <select name=\"collection\">{}</select></label>\
         <label>Name <input name=\"name\" required maxlength=\"200\" autocomplete=\"off\" placeholder=\"support-bot\"></label>\
         <button class=\"primary\">Add</button>\
         <p class=\"quiet\">It gets plausible contents, and replaces one of the same name.</p></form>",
        &[&options],
    )
}

fn collection(kind: &Listed) -> Html {
    let rows: Html = kind.resources.iter().map(|one| row(kind, one)).collect();
    let more = match kind.count.saturating_sub(kind.resources.len()) {
        0 => Html::default(),
        more => html("<p class=\"quiet\">And {} more.</p>", &[&more]),
    };
    html(
        "<section class=\"card\"><div class=\"head\"><h3>{} <span class=\"count\">{}</span></h3></div>\
         <div class=\"scroll\"><table class=\"stack\"><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Status</th>\
         <th scope=\"col\">Created</th></tr></thead><tbody>{}</tbody></table></div>{}</section>",
        &[&plural(kind.noun), &kind.count, &rows, &more],
    )
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

fn row(kind: &Listed, one: &Brief) -> Html {
    let parents = match one.parents.is_empty() {
        true => Html::default(),
        false => html(
            "<span class=\"quiet\">{} / </span>",
            &[&one.parents.join(" / ")],
        ),
    };
    let name = match kind.is_nested || kind.collection == "pending-image-shares" {
        true => html("{}", &[&one.name]),
        false => html(
            "<a href=\"/_emulator/page/resource?collection={}&amp;name={}\">{}</a>",
            &[&InLink(&kind.collection), &InLink(&one.name), &one.name],
        ),
    };
    let title = one
        .title
        .as_ref()
        .map(|title| html(" <span class=\"quiet\">{}</span>", &[title]));
    let status = one
        .status
        .as_ref()
        .map(|status| badge(tone(status), status));
    html(
        "<tr><td>{}{}{}</td><td>{}</td><td class=\"quiet number\">{}</td></tr>",
        &[&parents, &name, &title, &status, &time(&one.created_at)],
    )
}

/// Returns the class of a status.
pub(super) fn tone(status: &str) -> &'static str {
    match status {
        status::DEPLOYED
        | "RUNNING"
        | "running"
        | "active"
        | "ready"
        | "succeeded"
        | "verified" => "good",
        status::FAILED | "failed" | "killed" => "bad",
        status::TERMINATED | status::DEACTIVATED | status::ARCHIVED | "STANDBY" => "calm",
        "completed" | "stopped" | "cancelled" => "calm",
        _ => "busy",
    }
}

/// The resource to show.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    collection: String,
    #[serde(default)]
    name: String,
}

pub(super) async fn show(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Response {
    let (kind, document) = match document(&engine, &wanted.collection, &wanted.name) {
        Ok(found) => found,
        Err(refused) => return problem(&engine, refused),
    };
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    let fields = [
        ("collection", wanted.collection.as_str()),
        ("name", wanted.name.as_str()),
    ];
    let main = html(
        "<p class=\"lead\"><a href=\"/_emulator/page/resources\">Resources</a> / {}</p>\
         <div class=\"actions\">{}{}</div>\
         <section class=\"card\"><h2>Document</h2><p class=\"quiet\">As the API returns it, with masked secrets.</p>\
         <pre id=\"document\" data-live tabindex=\"0\" role=\"region\" aria-label=\"Document\">{}</pre></section>",
        &[
            &kind.noun,
            &button("/resources/fail", &fields, "", "Fail its next deployment"),
            &button("/resources/delete", &fields, "danger", "Delete"),
            &text,
        ],
    );
    page(&engine, "/resources", &wanted.name, &main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_have_their_plurals() {
        for (noun, nouns) in [
            ("Agent", "Agents"),
            ("Policy", "Policies"),
            ("API key", "API keys"),
            ("Egress gateway", "Egress gateways"),
        ] {
            assert_eq!(plural(noun), nouns);
        }
    }
}
