//! Pages of a list, and the cursors between them.

use std::cmp::Ordering;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};

use super::call::Call;
use crate::errors::ErrorResponse;
use crate::params::Params;
use crate::state::Record;

/// A shorter search text matches everything.
const MIN_SEARCH: usize = 2;

/// An item of a list.
pub(crate) trait Item {
    /// Returns a number that orders items by creation, without ties.
    fn serial(&self) -> u64;
    /// Returns the text that orders items by name, without ties.
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

/// The last position of a page, after which the next one starts. It stays valid when items are
/// created or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Position {
    Serial(u64),
    Name(String),
}

/// The requested page of a list.
pub(crate) struct PageRequest {
    pub(crate) limit: usize,
    pub(crate) sort: Sort,
    /// Set to start with the last page if there is no cursor.
    pub(crate) from_end: bool,
    /// The text that cursors are bound to: everything that selects and orders the items.
    pub(crate) fingerprint: String,
}

/// A page of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page. `None` on the last page.
    cursor: Option<String>,
    /// The number up to which all items are counted.
    total_limit: usize,
}

impl<T: Item> Page<T> {
    /// Sorts the items and returns the requested page.
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
        let now = call.engine.seconds();
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
        let total_limit = call.engine.config.total_limit;
        Ok(Self {
            items,
            cursor,
            total_limit,
        })
    }

    /// Returns the response with the page. `total` is the length of the unfiltered list.
    pub(crate) fn response<S: Serialize>(&self, total: usize, show: impl Fn(&T) -> S) -> Response {
        let is_partial = total > self.total_limit;
        let meta = Meta {
            has_more: self.cursor.is_some(),
            next_cursor: self.cursor.as_deref().unwrap_or_default(),
            total: total.min(self.total_limit),
            total_is_partial: is_partial.then_some(true),
        };
        let data = Items::new(&self.items, show);
        Json(Body { data, meta }).into_response()
    }
}

/// The body of the response with a page.
#[derive(Serialize)]
struct Body<'a, D> {
    data: D,
    meta: Meta<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    has_more: bool,
    next_cursor: &'a str,
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is_partial: Option<bool>,
}

/// Items that are shown one after another, as each is written.
pub(super) struct Items<'a, T, F>(&'a [T], F);

impl<'a, T, S: Serialize, F: Fn(&T) -> S> Items<'a, T, F> {
    pub(super) fn new(items: &'a [T], show: F) -> Self {
        Self(items, show)
    }
}

impl<T, S: Serialize, F: Fn(&T) -> S> Serialize for Items<'_, T, F> {
    fn serialize<R: Serializer>(&self, serializer: R) -> Result<R::Ok, R::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// Returns the start of the last page if every page before it is full.
fn last_page(count: usize, limit: usize) -> usize {
    count.saturating_sub(1) / limit * limit
}

/// Parses `q`: trimmed and in lower case. Empty to match everything.
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

    /// Parses `sort`. The default is `usual`.
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

    /// Returns `true` if items are sorted by creation.
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

    /// Compares an item with a position. A position of the other sort order is before every item.
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
