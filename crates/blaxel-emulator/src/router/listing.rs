//! Lists: bare arrays in the first version, pages since then.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use blaxel_core::ApiVersion;
use serde_json::{Value, json};

use super::call::Call;
use super::pages::{Item, Items, Page, PageRequest, Sort, search};
use super::records;
use super::route::HandlerResult;
use crate::errors::ErrorResponse;
use crate::params::Params;
use crate::state::{
    Collection, Kind, Layout, Listing, OpenStore, Pages, Record, Shown, member, status,
};

/// The filters of a list.
struct ListQuery {
    limit: usize,
    sort: Sort,
    /// Trimmed and in lower case. Empty to match everything.
    search: String,
    /// In upper case and sorted. Empty to match every state.
    states: Vec<String>,
    /// Set to include terminated resources. Ignored if `states` is not empty.
    show_terminated: bool,
    /// Compared exactly. `None` to match everything.
    external_id: Option<String>,
    /// The `type` to match. `None` to match everything.
    kind_type: Option<String>,
    from_end: bool,
}

/// A record of a list.
struct Row<'a> {
    record: &'a Record,
    sort_key: Cow<'a, str>,
}

impl Item for Row<'_> {
    fn serial(&self) -> u64 {
        self.record.serial
    }

    fn name(&self) -> &str {
        &self.sort_key
    }
}

impl<'a> Row<'a> {
    /// Returns the record as lists show it.
    fn show(&self, store: &OpenStore, collection: &Collection, paged: bool) -> Shown<'a> {
        let mut shown = store.shown(collection, self.record);
        (collection.kind().abridge)(&mut shown, paged);
        shown
    }
}

pub(crate) fn list(call: &Call, kind: &'static Kind) -> HandlerResult {
    let engine = &call.engine;
    let store = engine.store.open();
    let collection = records::collection(call, kind, &store)?;
    let rows = store.all(&collection).map(|record| Row {
        record,
        sort_key: (kind.sort_key)(record),
    });
    let mut rows: Vec<Row<'_>> = rows.collect();
    let pages = match kind.listing {
        Listing::Paged(pages) if call.version >= ApiVersion::V2026_04_28 => pages,
        listing => {
            let query = ListQuery::unpaged(&call.query, listing)?;
            rows.retain(|row| query.matches(row.record, kind, store.now()));
            rows.sort_by(|a, b| query.sort.order(a, b));
            let items = Items::new(&rows, |row| row.show(&store, &collection, false));
            return Ok(Json(items).into_response());
        }
    };
    let query = ListQuery::read(&call.query, &pages)?;
    let over = |row: &&Row<'_>| row.record.timeline.is_terminated(store.now());
    let total = rows.len() - rows.iter().filter(over).count();
    rows.retain(|row| query.matches(row.record, kind, store.now()));
    let request = PageRequest {
        limit: query.limit,
        sort: query.sort,
        from_end: query.from_end,
        fingerprint: query.fingerprint(&engine.config.workspace, &collection),
    };
    let page = Page::cut(call, request, rows)?;
    Ok(page.response(total, |row| row.show(&store, &collection, true)))
}

impl ListQuery {
    /// Parses the filters of an unpaged list, which returns everything, newest first.
    fn unpaged(params: &Params, listing: Listing) -> Result<Self, ErrorResponse> {
        // The states are validated in any case, although most lists ignore them.
        let (asked, heeded) = match listing {
            Listing::Paged(pages) if pages.status => {
                (states(params.get("status"))?, pages.status_always)
            }
            _ => (Vec::new(), false),
        };
        Ok(Self {
            limit: 0,
            sort: Sort::CreatedDesc,
            search: String::new(),
            states: if heeded { asked } else { Vec::new() },
            show_terminated: params.get("showTerminated") == Some("true"),
            external_id: match listing {
                Listing::Filtered => wanted(params, "externalId").map(str::to_owned),
                _ => None,
            },
            kind_type: None,
            from_end: false,
        })
    }

    fn read(params: &Params, pages: &Pages) -> Result<Self, ErrorResponse> {
        let sort = Sort::read(params, Sort::CreatedDesc)?;
        let from_end = match params.get("anchor").filter(|_| pages.anchor) {
            None | Some("") => false,
            Some("end") if sort.is_by_creation() => true,
            Some("end") => {
                return Err(ErrorResponse::bad_request(
                    "anchor needs an order by createdAt.",
                ));
            }
            Some(_) => return Err(ErrorResponse::bad_request("anchor must be end.")),
        };
        // An unknown type is ignored.
        let kind_type = wanted(params, "type").filter(|text| pages.types.contains(text));
        Ok(Self {
            limit: params.limit(pages.default, pages.max)?,
            sort,
            search: search(params),
            states: if pages.status {
                states(params.get("status"))?
            } else {
                Vec::new()
            },
            show_terminated: params.get("showTerminated") == Some("true"),
            external_id: wanted(params, "externalId")
                .filter(|_| pages.external_id)
                .map(str::to_owned),
            kind_type: kind_type.map(str::to_owned),
            from_end,
        })
    }

    fn matches(&self, record: &Record, kind: &Kind, now: Duration) -> bool {
        let status = record.status(now);
        let in_state = if self.states.is_empty() {
            self.show_terminated || status != status::TERMINATED
        } else {
            self.states.iter().any(|state| state == status)
        };
        let document = &record.document;
        let has = |wanted: &Option<String>, path: &str| {
            let wanted = wanted.as_deref();
            wanted.is_none() || member::text(document, path) == wanted
        };
        in_state
            && has(&self.external_id, "metadata/externalId")
            && has(&self.kind_type, "type")
            && (self.search.is_empty() || self.finds(record, kind, now))
    }

    /// Returns `true` if the name, the display name, a label's name or value, or a keyword of the kind
    /// contains the search text.
    fn finds(&self, record: &Record, kind: &Kind, now: Duration) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.search);
        if holds(&record.name) || (kind.keywords)(record, now).into_iter().any(holds) {
            return true;
        }
        let head = match kind.form {
            Layout::Resource => record.document.get("metadata").and_then(Value::as_object),
            Layout::Flat { .. } => Some(&*record.document),
        };
        let member = |name: &str| head.and_then(|head| head.get(name));
        let text = |name: &str| member(name).and_then(Value::as_str).is_some_and(holds);
        let labels = member("labels").and_then(Value::as_object);
        text("displayName")
            || labels.is_some_and(|labels| {
                labels
                    .iter()
                    .any(|(key, value)| holds(key) || value.as_str().is_some_and(holds))
            })
    }

    /// Returns the text that cursors are bound to: everything that selects and orders the items.
    fn fingerprint(&self, workspace: &str, collection: &Collection) -> String {
        let Self {
            sort,
            search,
            states,
            show_terminated,
            external_id,
            kind_type,
            limit: _,
            from_end: _,
        } = self;
        let sort = format!("{sort:?}");
        let place = (workspace, collection.kind().path, collection.parents());
        let filters = (states, show_terminated, external_id, kind_type);
        json!([place, sort, search, filters]).to_string()
    }
}

/// Returns a parameter that is not empty.
fn wanted<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).filter(|text| !text.is_empty())
}

fn states(text: Option<&str>) -> Result<Vec<String>, ErrorResponse> {
    let mut states = Vec::new();
    for state in text
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|state| !state.is_empty())
    {
        let state = state.to_uppercase();
        if !status::ALL.contains(&state.as_str()) {
            return Err(ErrorResponse::bad_request(format!(
                "status {state:?} is not known."
            )));
        }
        states.push(state);
    }
    states.sort();
    states.dedup();
    // All states together filter nothing.
    Ok(if states.len() == status::ALL.len() {
        Vec::new()
    } else {
        states
    })
}
