//! One page of a list.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use crate::description::OperationInfo;
use crate::error::Error;
use crate::open_enum;
use crate::request::RequestWriter;
use crate::source::Source;

/// A place in a list, given out by the server. It is good for 24 hours and only with the query it
/// came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, DeriveDeserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor as the server wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

open_enum! {
    /// The order of a list.
    pub enum Sort {
        /// Newest first; what the server does unless told otherwise.
        CreatedDescending = "createdAt:desc",
        /// Oldest first.
        CreatedAscending = "createdAt:asc",
        /// By name, from A to Z.
        NameAscending = "name:asc",
        /// By name, from Z to A.
        NameDescending = "name:desc",
    }
}

/// What to list, and how much of it at a time.
///
/// ```
/// use blaxel_core::{ListParams, Sort};
///
/// let params = ListParams::new().limit(20).sort(Sort::NameAscending).search("support");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ListParams {
    limit: Option<u32>,
    cursor: Option<Cursor>,
    sort: Option<Sort>,
    search: Option<String>,
    statuses: Vec<String>,
    from_end: bool,
    external_id: Option<String>,
    terminated: bool,
    kind: Option<String>,
    name: Option<String>,
    source_workspace: Option<String>,
}

impl ListParams {
    /// Everything, in the server's order and page size.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many items in a page. The server takes 50 by default, and lowers what is above
    /// its maximum, mostly 200. 0 is refused when the request is written.
    pub fn limit(mut self, items: u32) -> Self {
        self.limit = Some(items);
        self
    }

    /// Begins at this place rather than at the beginning.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    /// In this order.
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Only what has this text in its name, display name or labels, in any case. The server ignores
    /// texts under two characters.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(text.into());
        self
    }

    /// Only what has this status; call it again for further ones.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.statuses.push(status.into());
        self
    }

    /// The last page instead of the first; only with the orders by creation.
    pub fn from_end(mut self) -> Self {
        self.from_end = true;
        self
    }

    /// Only what bears this id in a system of the user's own; it need not be unique.
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// With the terminated ones, which a list of sandboxes otherwise leaves out. A
    /// [`status`](Self::status) that is asked for decides alone.
    pub fn with_terminated(mut self) -> Self {
        self.terminated = true;
        self
    }

    /// Only those of this kind, where a list holds several, as a list of schedules does.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only what has exactly this name, where a list can be asked for it, as one of image tags can.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only what this other workspace shares, where a list can be asked for it, as one of image tags
    /// can.
    pub fn source_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.source_workspace = Some(workspace.into());
        self
    }

    /// Takes the place to begin at, and leaves the beginning.
    pub fn take_cursor(&mut self) -> Option<Cursor> {
        self.cursor.take()
    }

    /// Writes the query parameters.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a limit of 0, and for a parameter that the operation does not take: a
    /// server would ignore it, and the list would hold more than was asked for.
    pub fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        if self.limit == Some(0) {
            let problem = "a page of 0 items leads nowhere; give at least 1, or no limit";
            return Err(Error::input("limit", &Source::Code, problem));
        }
        let limit = self.limit.map(|limit| limit.to_string());
        let statuses = self.statuses.join(",");
        for (name, value) in [
            ("limit", limit.as_deref()),
            ("cursor", self.cursor.as_ref().map(Cursor::as_str)),
            ("sort", self.sort.as_ref().map(Sort::as_str)),
            ("q", self.search.as_deref()),
            ("status", (!statuses.is_empty()).then_some(&statuses)),
            ("anchor", self.from_end.then_some("end")),
            ("externalId", self.external_id.as_deref()),
            ("showTerminated", self.terminated.then_some("true")),
            ("type", self.kind.as_deref()),
            ("name", self.name.as_deref()),
            ("sourceWorkspace", self.source_workspace.as_deref()),
        ] {
            let Some(value) = value else { continue };
            if !request.operation().takes(name) {
                return Err(not_taken(name, request.operation()));
            }
            request.query(name, value);
        }
        Ok(())
    }
}

fn not_taken(name: &str, operation: &OperationInfo) -> Error {
    let known = operation.parameters().unwrap_or_default().join(", ");
    let problem = match known.as_str() {
        "" => "this list takes no parameters at all".to_owned(),
        known => format!("this list does not take it; it takes {known}"),
    };
    Error::input(name, &Source::Code, problem)
}

/// What a page says about the list it is a part of.
#[doc(alias = "PaginationMeta")]
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveDeserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PageMeta {
    /// Whether more pages follow, where the server says so.
    pub has_more: Option<bool>,
    /// Where the next page begins; empty or absent on the last one.
    pub next_cursor: Option<Cursor>,
    /// How many there are in the workspace, whatever the filters of the query.
    pub total: Option<u64>,
}

impl PageMeta {
    /// Where to go on, or `None` at the end of the list.
    #[must_use]
    pub fn next(&self) -> Option<&Cursor> {
        let cursor = self
            .next_cursor
            .as_ref()
            .filter(|cursor| !cursor.as_str().is_empty())?;
        (self.has_more != Some(false)).then_some(cursor)
    }

    /// Whether the server says that more follows and does not say where.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.has_more == Some(true) && self.next().is_none()
    }
}

/// A page of a list: some of the items, and where the others are.
///
/// It decodes from `{data, meta}` and from the bare array that older API versions send, which is a
/// single page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items of this page, which need not be all there are.
    pub items: Vec<T>,
    /// Where the page stands in its list.
    pub meta: PageMeta,
}

/// A page of any shape, for the walk over pages.
pub trait Paged {
    /// What the list consists of.
    type Item;

    /// Where the page stands in its list.
    fn meta(&self) -> &PageMeta;

    /// The items of the page.
    fn into_items(self) -> Vec<Self::Item>;

    /// How many items the page has.
    fn count(&self) -> usize;
}

impl<T> Paged for Page<T> {
    type Item = T;

    fn meta(&self) -> &PageMeta {
        &self.meta
    }

    fn into_items(self) -> Vec<T> {
        self.items
    }

    fn count(&self) -> usize {
        self.items.len()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PageVisitor<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page as {data, meta}, or an array")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Page<T>, E> {
        Ok(Page {
            items: Vec::new(),
            meta: PageMeta::default(),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Page<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element()? {
            items.push(item);
        }
        Ok(Page {
            items,
            meta: PageMeta::default(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Page<T>, A::Error> {
        let (mut items, mut meta) = (None, None);
        let mut known = false;
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "data" => (known, items) = (true, object.next_value::<Option<Vec<T>>>()?),
                "meta" => (known, meta) = (true, object.next_value::<Option<PageMeta>>()?),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        // An object with neither member is no page: taking it for an empty one would hide a list.
        if !known {
            return Err(de::Error::missing_field("data"));
        }
        Ok(Page {
            items: items.unwrap_or_default(),
            meta: meta.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(json: &str) -> Page<u32> {
        serde_json::from_str(json).unwrap()
    }

    /// Reply, then the items, where it goes on, and whether it is cut off.
    #[test]
    fn both_shapes_and_all_gaps_decode() {
        for (json, items, next, cut) in [
            (r#"[1,2]"#, vec![1, 2], None, false),
            ("null", vec![], None, false),
            (
                r#"{"data":[1],"meta":{"hasMore":true,"nextCursor":"c","total":9}}"#,
                vec![1],
                Some("c"),
                false,
            ),
            (
                r#"{"data":[1],"meta":{"hasMore":false,"nextCursor":"c"}}"#,
                vec![1],
                None,
                false,
            ),
            (
                r#"{"data":[1],"meta":{"hasMore":true,"nextCursor":""}}"#,
                vec![1],
                None,
                true,
            ),
            (
                r#"{"data":[1],"meta":{"nextCursor":"c"}}"#,
                vec![1],
                Some("c"),
                false,
            ),
            (
                r#"{"meta":{"hasMore":true,"nextCursor":"c"},"data":[],"more":{}}"#,
                vec![],
                Some("c"),
                false,
            ),
            (r#"{"data":null,"meta":null}"#, vec![], None, false),
            (r#"{"data":[1]}"#, vec![1], None, false),
        ] {
            let page = page(json);
            assert_eq!(page.items, items, "{json}");
            assert_eq!(page.meta.next().map(Cursor::as_str), next, "{json}");
            assert_eq!(page.meta.is_cut(), cut, "{json}");
        }
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        for json in [
            "{}",
            "3",
            "\"x\"",
            r#"{"error":"no"}"#,
            r#"{"data":[null]}"#,
        ] {
            assert!(serde_json::from_str::<Page<u32>>(json).is_err(), "{json}");
        }
    }

    static LIST: OperationInfo = OperationInfo::new("ListThings", http::Method::GET, "/things");

    #[test]
    fn parameters_are_written() {
        let params = ListParams::new()
            .limit(5)
            .cursor(Cursor::from("a+b/="))
            .sort(Sort::NameAscending)
            .search("x y")
            .status("DEPLOYED")
            .status("FAILED")
            .from_end();
        let mut writer = RequestWriter::new(&LIST);
        params.write(&mut writer).unwrap();
        let expected = "/things?limit=5&cursor=a%2Bb%2F%3D&sort=name%3Aasc&q=x%20y\
                        &status=DEPLOYED%2CFAILED&anchor=end";
        let request = writer.finish().unwrap();
        assert_eq!(request.uri().path_and_query().unwrap(), expected);
    }

    #[test]
    fn a_filter_that_the_list_would_ignore_is_refused() {
        static FEW: OperationInfo = OperationInfo::new("ListFew", http::Method::GET, "/few")
            .with_parameters(&["limit", "cursor"]);
        let mut writer = RequestWriter::new(&FEW);
        ListParams::new().limit(1).write(&mut writer).unwrap();
        let error = ListParams::new()
            .status("FAILED")
            .write(&mut writer)
            .unwrap_err();
        assert!(error.is_input(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("status") && text.contains("limit, cursor"),
            "{text}"
        );
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        let mut writer = RequestWriter::new(&LIST);
        let error = ListParams::new().limit(0).write(&mut writer).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("limit"),
            "{error}"
        );
    }
}
