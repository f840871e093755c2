//! A page of a list, and its position in the list.

use std::marker::PhantomData;
use std::{fmt, slice, vec};

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

/// A position in a list, issued by the server. It is valid for 24 hours, and only with the query of
/// the response it came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, DeriveDeserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Returns the cursor as the server wrote it.
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

/// The total number of resources in a workspace, as far as the server has counted them.
///
/// The server stops counting in very large workspaces. The number is then a lower bound, so it must not be used to
/// compute a number of pages; a walk always reaches the end of the list.
///
/// ```
/// use blaxel_core::{Page, Total};
///
/// let page: Page<u32> =
///     serde_json::from_str(r#"{"data": [1], "meta": {"total": 10000, "totalIsPartial": true}}"#)?;
/// let total = page.meta.total();
/// assert_eq!(total, Some(Total::AtLeast(10_000)));
/// assert_eq!(total.and_then(Total::exact), None);
/// assert_eq!(total.unwrap().to_string(), "at least 10000");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Total {
    /// The exact number.
    Exact(u64),
    /// A lower bound: the actual number is higher.
    AtLeast(u64),
}

impl Total {
    /// Returns the number if it is exact.
    #[must_use]
    pub fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(total) => Some(total),
            Self::AtLeast(_) => None,
        }
    }

    /// Returns the number of resources that the server has counted: the exact number or a lower bound.
    #[must_use]
    pub fn counted(self) -> u64 {
        match self {
            Self::Exact(total) | Self::AtLeast(total) => total,
        }
    }
}

/// Formats an exact number as `25`, and a lower bound as `at least 10000`.
impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(total) => total.fmt(f),
            Self::AtLeast(total) => write!(f, "at least {total}"),
        }
    }
}

/// The position of a page in its list: the next cursor and the total number of resources.
#[doc(alias = "PaginationMeta")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, DeriveDeserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PageMeta {
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more: Option<bool>,
    /// The cursor of the next page; empty or absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// `true` if the server stopped counting, so that `total` is a lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is_partial: Option<bool>,
}

impl PageMeta {
    /// Returns the cursor of the next page, or `None` on the last page.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&Cursor> {
        let cursor = self
            .next_cursor
            .as_ref()
            .filter(|cursor| !cursor.as_str().is_empty())?;
        (self.has_more != Some(false)).then_some(cursor)
    }

    /// Returns the number of resources in the workspace, regardless of the query's filters, or
    /// `None` if the server does not report it. It can be a lower bound: see [`Total`].
    #[must_use]
    pub fn total(&self) -> Option<Total> {
        let total = self.total?;
        Some(if self.total_is_partial == Some(true) {
            Total::AtLeast(total)
        } else {
            Total::Exact(total)
        })
    }

    /// Returns `true` if more pages follow.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.has_more
            .unwrap_or_else(|| self.next_cursor().is_some())
    }

    /// Returns `true` if the server says that more pages follow but gives no cursor.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.has_more == Some(true) && self.next_cursor().is_none()
    }

    /// Returns this metadata with another cursor of the next page.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.next_cursor = cursor.into();
        self
    }

    /// Returns this metadata with an explicit [`has_more`](Self::has_more). Without one, more pages
    /// follow if there is a cursor.
    #[must_use]
    pub fn with_has_more(mut self, more: bool) -> Self {
        self.has_more = Some(more);
        self
    }
}

/// A page of a list: some of its items, and the cursor of the next page.
///
/// It deserializes from `{data, meta}`, and from the bare array that older API versions send, which
/// is a list of one page. It serializes as `{data, meta}`.
///
/// ```
/// use blaxel_core::Page;
///
/// let page: Page<String> = serde_json::from_str(
///     r#"{"data": ["ada", "bea"], "meta": {"hasMore": true, "nextCursor": "c2"}}"#,
/// )?;
/// assert_eq!(page.len(), 2);
/// assert!(page.iter().any(|name| name == "bea"));
/// assert!(page.meta.next_cursor().is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items of this page. The list may have more.
    #[serde(rename = "data")]
    pub items: Vec<T>,
    /// The position of the page in its list.
    pub meta: PageMeta,
}

impl<T> Page<T> {
    /// Returns the number of items in this page.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if this page has no items. The list may still have items on other pages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns an iterator over the items of this page.
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Returns an iterator over mutable references to the items of this page.
    pub fn iter_mut(&mut self) -> slice::IterMut<'_, T> {
        self.items.iter_mut()
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Page<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// A page of any type that [`Pages`](crate::Pages) and [`Items`](crate::Items) can walk.
pub trait Paged {
    /// The type of the items.
    type Item;

    /// Returns the position of the page in its list.
    fn meta(&self) -> &PageMeta;

    /// Returns the items of the page.
    fn into_items(self) -> Vec<Self::Item>;

    /// Returns the number of items in the page.
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

/// Deserializes a [`Page`] from an object, an array or `null`.
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
        // An object with neither member is not a page: an empty page would hide a list.
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
    use proptest::prelude::*;

    fn page(json: &str) -> Page<u32> {
        serde_json::from_str(json).unwrap()
    }

    /// Each case has the JSON, the items, the next cursor, and whether the cursor is missing.
    #[test]
    fn objects_and_arrays_decode_with_any_member_missing() {
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
            assert_eq!(page.meta.next_cursor().map(Cursor::as_str), next, "{json}");
            assert_eq!(page.meta.is_truncated(), cut, "{json}");
        }
    }

    #[test]
    fn a_page_serializes_in_the_servers_format() {
        let json = r#"{"data":[1,2],"meta":{"hasMore":true,"nextCursor":"c","total":9}}"#;
        assert_eq!(serde_json::to_string(&page(json)).unwrap(), json);
        for array in ["[1,2]", "null"] {
            let read = page(array);
            let written = serde_json::to_string(&read).unwrap();
            assert!(written.ends_with(r#","meta":{}}"#), "{written}");
            assert_eq!(page(&written), read);
        }
    }

    #[test]
    fn a_partial_total_is_a_lower_bound() {
        for (meta, total) in [
            ("{}", None),
            (r#"{"totalIsPartial":true}"#, None),
            (r#"{"total":9}"#, Some(Total::Exact(9))),
            (
                r#"{"total":9,"totalIsPartial":null}"#,
                Some(Total::Exact(9)),
            ),
            (
                r#"{"total":9,"totalIsPartial":false}"#,
                Some(Total::Exact(9)),
            ),
            (
                r#"{"total":9,"totalIsPartial":true}"#,
                Some(Total::AtLeast(9)),
            ),
        ] {
            let page = page(&format!(r#"{{"data":[],"meta":{meta}}}"#));
            assert_eq!(page.meta.total(), total, "{meta}");
            let written = serde_json::to_string(&page).unwrap();
            let again: Page<u32> = serde_json::from_str(&written).unwrap();
            assert_eq!(again.meta, page.meta, "{written}");
        }
        let texts = [Total::Exact(9), Total::AtLeast(9)].map(|total| total.to_string());
        assert_eq!(texts, ["9", "at least 9"]);
        assert_eq!(Total::Exact(9).exact(), Some(9));
        assert_eq!(Total::AtLeast(9).exact(), None);
        assert_eq!(Total::AtLeast(9).counted(), 9);
    }

    #[test]
    fn json_that_is_not_a_page_is_an_error() {
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

    proptest! {
        #[test]
        fn every_iterator_yields_the_items_in_order(numbers in prop::collection::vec(any::<u32>(), 0..20)) {
            let mut page = page(&serde_json::to_string(&numbers).unwrap());
            prop_assert_eq!(page.len(), numbers.len());
            prop_assert_eq!(page.is_empty(), numbers.is_empty());
            prop_assert!(page.iter().eq(&numbers) && (&page).into_iter().eq(&numbers));
            for number in &mut page {
                *number ^= 1;
            }
            let changed: Vec<u32> = page.into_iter().map(|number| number ^ 1).collect();
            prop_assert_eq!(changed, numbers);
        }
    }
}
