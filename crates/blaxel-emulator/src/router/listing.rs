//! Lists: bare arrays in the first version, pages since.

use std::cmp::Ordering;
use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use blaxel_core::ApiVersion;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Params;
use super::{Call, Outcome, resources};
use crate::errors::Refusal;
use crate::state::{Document, Form, Kind, Listing, Pages, Record, Shelf, member, status};

/// A search text shorter than this finds everything.
const MIN_SEARCH: usize = 2;

/// Where a page ended: what the next one comes after. It stays good whatever is created or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Position {
    Serial(u64),
    Name(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    CreatedDesc,
    CreatedAsc,
    NameAsc,
    NameDesc,
}

/// What a list is asked for.
struct ListQuery {
    limit: usize,
    sort: Sort,
    /// Trimmed and in lower case; empty where everything is to be found.
    search: String,
    /// In upper case, sorted; empty where every state is asked for.
    states: Vec<String>,
    /// Whether what is over is shown too. The states, where they are given, matter more.
    show_terminated: bool,
    /// Compared as it stands; `None` where it does not matter.
    external_id: Option<String>,
    /// The `type` that is asked for; `None` where it does not matter.
    kind_type: Option<String>,
    from_end: bool,
}

pub(crate) fn list(call: &Call, kind: &'static Kind) -> Outcome {
    let engine = &call.engine;
    let shelves = engine.store.open();
    let shelf = resources::shelf(call, kind, &shelves)?;
    let mut records: Vec<&Record> = shelves.all(&shelf).collect();
    let documents = |records: &[&Record], paged: bool| -> Vec<Document> {
        let shown = records.iter().map(|record| {
            let mut document = shelves.shown(&shelf, record);
            (kind.abridge)(&mut document, paged);
            document
        });
        shown.collect()
    };
    let pages = match kind.listing {
        Listing::Paged(pages) if call.version >= ApiVersion::V2026_04_28 => pages,
        listing => {
            let query = ListQuery::unpaged(&call.query, listing)?;
            records.retain(|record| query.matches(record, kind, shelves.now()));
            records.sort_by(|a, b| query.sort.order(a, b));
            return Ok(Json(documents(&records, false)).into_response());
        }
    };
    let query = ListQuery::read(&call.query, &pages)?;
    let over = |record: &&&Record| record.walk.is_terminated(shelves.now());
    let total = records.len() - records.iter().filter(over).count();
    records.retain(|record| query.matches(record, kind, shelves.now()));
    records.sort_by(|a, b| query.sort.order(a, b));

    let now = engine.clock.seconds();
    let fingerprint = query.fingerprint(&engine.config.workspace, &shelf);
    let start = match call.query.get("cursor").filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => {
            let after: Position = engine.cursors.read(cursor, &fingerprint, now)?;
            records.partition_point(|record| query.sort.place(record, &after) != Ordering::Greater)
        }
        None if query.from_end => last_page(records.len(), query.limit),
        None => 0,
    };
    let page: Vec<&Record> = records
        .iter()
        .skip(start)
        .take(query.limit)
        .copied()
        .collect();
    let next = page.last().filter(|_| start + page.len() < records.len());
    let cursor = next.map(|last| {
        engine
            .cursors
            .issue(fingerprint, now, query.sort.position(last))
    });
    Ok(Json(json!({
        "data": documents(&page, true),
        "meta": {
            "hasMore": cursor.is_some(),
            "nextCursor": cursor.unwrap_or_default(),
            "total": total,
        },
    }))
    .into_response())
}

/// Where the last page begins, if every page before it is full.
fn last_page(count: usize, limit: usize) -> usize {
    count.saturating_sub(1) / limit * limit
}

impl ListQuery {
    /// What is heeded where there are no pages: everything comes at once, newest first.
    fn unpaged(params: &Params, listing: Listing) -> Result<Self, Refusal> {
        // The states are looked at in any case, although they choose nothing most times.
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
            external_id: None,
            kind_type: None,
            from_end: false,
        })
    }

    fn read(params: &Params, pages: &Pages) -> Result<Self, Refusal> {
        let sort = match params.get("sort") {
            None | Some("") => Sort::CreatedDesc,
            Some(text) => Sort::named(text).ok_or_else(|| {
                Refusal::bad_request(format!(
                    "sort {text:?} is not one of createdAt:desc, createdAt:asc, name:asc, name:desc."
                ))
            })?,
        };
        let from_end = match params.get("anchor").filter(|_| pages.anchor) {
            None | Some("") => false,
            Some("end") if matches!(sort, Sort::CreatedDesc | Sort::CreatedAsc) => true,
            Some("end") => return Err(Refusal::bad_request("anchor needs an order by createdAt.")),
            Some(_) => return Err(Refusal::bad_request("anchor must be end.")),
        };
        let search = params.get("q").unwrap_or_default().trim().to_lowercase();
        let search = if search.chars().count() < MIN_SEARCH {
            String::new()
        } else {
            search
        };
        let wanted = |name: &str| params.get(name).filter(|text| !text.is_empty());
        let kind_type = wanted("type").filter(|_| !pages.types.is_empty());
        if let Some(text) = kind_type.filter(|text| !pages.types.contains(text)) {
            let types = pages.types.join(", ");
            let message = format!("type {text:?} is not one of {types}.");
            return Err(Refusal::bad_request(message));
        }
        Ok(Self {
            limit: limit(params, pages.default, pages.max)?,
            sort,
            search,
            states: if pages.status {
                states(params.get("status"))?
            } else {
                Vec::new()
            },
            show_terminated: params.get("showTerminated") == Some("true"),
            external_id: wanted("externalId")
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
            && (self.search.is_empty() || self.finds(record, kind))
    }

    /// Whether the search text is in the name, the display name, or a label's name or value.
    fn finds(&self, record: &Record, kind: &Kind) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.search);
        if holds(&record.name) {
            return true;
        }
        let head = match kind.form {
            Form::Resource => record.document.get("metadata").and_then(Value::as_object),
            Form::Flat { .. } => Some(&record.document),
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

    /// What a cursor is bound to: everything that decides which items come, and in which order.
    fn fingerprint(&self, workspace: &str, shelf: &Shelf) -> String {
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
        let place = (workspace, shelf.kind().path, shelf.scope());
        let filters = (states, show_terminated, external_id, kind_type);
        json!([place, sort, search, filters]).to_string()
    }
}

/// Reads `limit`: a larger one than allowed is lowered without a word, one below 1 is refused.
pub(crate) fn limit(params: &Params, default: usize, max: usize) -> Result<usize, Refusal> {
    let Some(text) = params.get("limit") else {
        return Ok(default);
    };
    let refuse = || Refusal::bad_request(format!("limit {text:?} is not a whole number above 0."));
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    // Only one that is too large for the type fails to parse now.
    let limit = text.parse().unwrap_or(max).min(max);
    if limit == 0 { Err(refuse()) } else { Ok(limit) }
}

fn states(text: Option<&str>) -> Result<Vec<String>, Refusal> {
    let mut states = Vec::new();
    for state in text
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|state| !state.is_empty())
    {
        let state = state.to_uppercase();
        if !status::ALL.contains(&state.as_str()) {
            return Err(Refusal::bad_request(format!(
                "status {state:?} is not known."
            )));
        }
        states.push(state);
    }
    states.sort();
    states.dedup();
    // To name every state is to name none.
    Ok(if states.len() == status::ALL.len() {
        Vec::new()
    } else {
        states
    })
}

impl Sort {
    fn named(text: &str) -> Option<Self> {
        Some(match text {
            "createdAt:desc" => Self::CreatedDesc,
            "createdAt:asc" => Self::CreatedAsc,
            "name:asc" => Self::NameAsc,
            "name:desc" => Self::NameDesc,
            _ => return None,
        })
    }

    fn order(self, a: &Record, b: &Record) -> Ordering {
        match self {
            Self::CreatedAsc => a.serial.cmp(&b.serial),
            Self::CreatedDesc => b.serial.cmp(&a.serial),
            Self::NameAsc => a.name.cmp(&b.name),
            Self::NameDesc => b.name.cmp(&a.name),
        }
    }

    fn position(self, record: &Record) -> Position {
        match self {
            Self::CreatedAsc | Self::CreatedDesc => Position::Serial(record.serial),
            Self::NameAsc | Self::NameDesc => Position::Name(record.name.clone()),
        }
    }

    /// Where a record stands as seen from a position. A position of the other sort is none of this
    /// list's; everything comes after it.
    fn place(self, record: &Record, position: &Position) -> Ordering {
        let upward = match position {
            Position::Serial(serial) => record.serial.cmp(serial),
            Position::Name(name) => record.name.cmp(name),
        };
        match self {
            Self::CreatedAsc | Self::NameAsc => upward,
            Self::CreatedDesc | Self::NameDesc => upward.reverse(),
        }
    }
}
