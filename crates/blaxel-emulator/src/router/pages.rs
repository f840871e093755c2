//! Pages: parts of a list, and the cursors that lead from one to the next.

use std::cmp::Ordering;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use crate::errors::ErrorResponse;
use crate::params::Params;
use crate::state::Record;

/// A search text shorter than this finds everything.
const MIN_SEARCH: usize = 2;

/// What a list is made of.
pub(crate) trait Item {
    /// Orders as the times of creation do, and without ties.
    fn serial(&self) -> u64;
    fn name(&self) -> &str;
}

impl Item for &Record {
    fn serial(&self) -> u64 {
        self.serial
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    CreatedDesc,
    CreatedAsc,
    NameAsc,
    NameDesc,
}

/// Where a page ended: what the next one comes after. It stays good whatever is created or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Position {
    Serial(u64),
    Name(String),
}

/// Which page of a list is request.
pub(crate) struct PageRequest {
    pub(crate) limit: usize,
    pub(crate) sort: Sort,
    /// Whether it is the last one, where no cursor says otherwise.
    pub(crate) from_end: bool,
    /// What cursors are bound to: everything that decides which items come, and in which order.
    pub(crate) fingerprint: String,
}

/// A part of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Leads to the next one; `None` behind the last.
    cursor: Option<String>,
}

impl<T: Item> Page<T> {
    /// Cuts the page out that a call wants.
    pub(crate) fn cut(
        call: &Call,
        request: PageRequest,
        mut items: Vec<T>,
    ) -> Result<Self, ErrorResponse> {
        let PageRequest {
            limit,
            sort,
            from_end,
            fingerprint,
        } = request;
        items.sort_by(|a, b| sort.order(a, b));
        let now = call.engine.clock.seconds();
        let cursors = &call.engine.cursors;
        let start = match call.query.get("cursor").filter(|cursor| !cursor.is_empty()) {
            Some(cursor) => {
                let after: Position = cursors.read(cursor, &fingerprint, now)?;
                items.partition_point(|item| sort.compare_to(item, &after) != Ordering::Greater)
            }
            None if from_end => last_page(items.len(), limit),
            None => 0,
        };
        let mut items = items.split_off(start);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| has_more);
        let cursor = last.map(|last| cursors.issue(fingerprint, now, sort.position(last)));
        Ok(Self { items, cursor })
    }

    /// The page as the API answers it. `total` is the length of the list without any filter.
    pub(crate) fn response<S: Serialize>(&self, total: usize, show: impl Fn(&T) -> S) -> Response {
        let data: Vec<S> = self.items.iter().map(show).collect();
        Json(json!({
            "data": data,
            "meta": {
                "hasMore": self.cursor.is_some(),
                "nextCursor": self.cursor.as_deref().unwrap_or_default(),
                "total": total,
            },
        }))
        .into_response()
    }
}

/// Where the last page begins, if every page before it is full.
fn last_page(count: usize, limit: usize) -> usize {
    count.saturating_sub(1) / limit * limit
}

/// Reads `q`: trimmed and in lower case; empty where everything is to be found.
pub(crate) fn search(params: &Params) -> String {
    let search = params.get("q").unwrap_or_default().trim().to_lowercase();
    if search.chars().count() < MIN_SEARCH {
        String::new()
    } else {
        search
    }
}

impl Sort {
    const NAMES: [(&str, Self); 4] = [
        ("createdAt:desc", Self::CreatedDesc),
        ("createdAt:asc", Self::CreatedAsc),
        ("name:asc", Self::NameAsc),
        ("name:desc", Self::NameDesc),
    ];

    /// Reads `sort`; where it is absent or empty, the usual order holds.
    pub(crate) fn read(params: &Params, usual: Self) -> Result<Self, ErrorResponse> {
        let text = params.get("sort").unwrap_or_default();
        if text.is_empty() {
            return Ok(usual);
        }
        let named = Self::NAMES.iter().find(|(name, _)| *name == text);
        named.map(|(_, sort)| *sort).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name).join(", ");
            ErrorResponse::bad_request(format!("sort {text:?} is not one of {names}."))
        })
    }

    /// Whether it goes by the time of creation.
    pub(crate) fn is_by_creation(self) -> bool {
        matches!(self, Self::CreatedDesc | Self::CreatedAsc)
    }

    pub(crate) fn order<T: Item>(self, a: &T, b: &T) -> Ordering {
        match self {
            Self::CreatedAsc => a.serial().cmp(&b.serial()),
            Self::CreatedDesc => b.serial().cmp(&a.serial()),
            Self::NameAsc => a.name().cmp(b.name()),
            Self::NameDesc => b.name().cmp(a.name()),
        }
    }

    fn position<T: Item>(self, item: &T) -> Position {
        if self.is_by_creation() {
            Position::Serial(item.serial())
        } else {
            Position::Name(item.name().to_owned())
        }
    }

    /// Where an item stands as seen from a position. A position of the other sort is none of this
    /// list's; everything comes after it.
    fn compare_to<T: Item>(self, item: &T, position: &Position) -> Ordering {
        let upward = match position {
            Position::Serial(serial) => item.serial().cmp(serial),
            Position::Name(name) => item.name().cmp(name),
        };
        match self {
            Self::CreatedAsc | Self::NameAsc => upward,
            Self::CreatedDesc | Self::NameDesc => upward.reverse(),
        }
    }
}
