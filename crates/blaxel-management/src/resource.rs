//! Traits over all kinds of resources, for code that handles several kinds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use blaxel_core::{Items, Paged, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JSON document of the API: the body of a request or of a response.
///
/// A document serializes under the names of the API, and is equal after a round trip through JSON. Members
/// that this version of the SDK has no type for are not included. A [`SecretText`](crate::SecretText) is
/// serialized in plain text. The trait is implemented for every type that meets its bounds, so there is
/// nothing to implement.
pub trait Document:
    Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + Unpin + 'static
{
}

impl<T> Document for T where
    T: Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + Unpin + 'static
{
}

/// The labels of a resource without labels.
static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();

/// A resource of any kind, or an item of a list: its name, labels, times and status.
///
/// The trait is implemented for all types that the API lists or returns by name, so that one function can
/// handle all kinds:
///
/// ```
/// use blaxel_management::Resource;
/// use blaxel_management::agents::Agent;
///
/// fn row<R: Resource>(resource: &R) -> String {
///     let labels: Vec<_> = resource.labels().keys().map(String::as_str).collect();
///     let status = resource.status().unwrap_or("-");
///     format!("{} {status} {}", resource.name(), labels.join(","))
/// }
///
/// assert_eq!(row(&Agent::new("support-bot").label("team", "care")), "support-bot - team");
/// ```
pub trait Resource: Document {
    /// Returns the name or id that identifies the resource in `get` and `delete` of its
    /// [`Collection`](crate::Collection). It is empty if the server has not assigned one yet.
    fn name(&self) -> &str;

    /// Returns a key that is unique within a list: the [`name`](Self::name), unless names of the kind are not
    /// unique. Walks use it to detect duplicates; an item with an empty key is never a duplicate.
    fn key(&self) -> Cow<'_, str> {
        self.name().into()
    }

    /// Returns the labels. The map is empty if the kind has no labels.
    fn labels(&self) -> &BTreeMap<String, String> {
        &NO_LABELS
    }

    /// Returns `true` if the resource has the label `name` with this value.
    fn has_label(&self, name: &str, value: &str) -> bool {
        self.labels().get(name).is_some_and(|found| found == value)
    }

    /// Returns the time of creation, or `None` if the server does not report it.
    fn created_at(&self) -> Option<&Timestamp> {
        None
    }

    /// Returns the time of the last change, or `None` if the server does not report it.
    fn updated_at(&self) -> Option<&Timestamp> {
        None
    }

    /// Returns the status under its API name, such as `DEPLOYED`, or `None` if the kind has no status or the
    /// server does not report it.
    fn status(&self) -> Option<&str> {
        None
    }
}

/// Filters for walks over [resources](Resource).
///
/// The API cannot filter by label: every page is fetched, and items that do not match are dropped by the
/// client. If a text search is enough, [`ListParams::search`](blaxel_core::ListParams::search) filters on the
/// server.
pub trait ItemsExt: Sized {
    /// Skips items that do not have the label `name` with this value. If it is called more than once, an item
    /// must have all of the labels.
    ///
    /// ```
    /// # async fn example(
    /// #     agents: blaxel_management::Collection<
    /// #         blaxel_management::agents::Agent, impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::ItemsExt;
    ///
    /// let mut agents = agents.items().with_label("team", "care");
    /// while let Some(agent) = agents.try_next().await? {
    ///     println!("{}", agent.metadata.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    fn with_label(self, name: impl Into<String>, value: impl Into<String>) -> Self;
}

impl<P> ItemsExt for Items<P>
where
    P: Paged,
    P::Item: Resource,
{
    fn with_label(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.filter(move |item| item.has_label(&name, &value))
    }
}

/// A member that holds a string, or may hold one.
pub(crate) trait Text {
    /// Returns the string, or `None` if the member is unset.
    fn text(&self) -> Option<&str>;
}

impl Text for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl<T: AsRef<str>> Text for Option<T> {
    fn text(&self) -> Option<&str> {
        self.as_ref().map(AsRef::as_ref)
    }
}

/// Returns the labels of an optional member.
#[allow(dead_code, reason = "the features decide which kinds have labels")]
pub(crate) fn labels_in(member: Option<&BTreeMap<String, String>>) -> &BTreeMap<String, String> {
    member.unwrap_or(&NO_LABELS)
}

/// Implements [`Resource`] for a kind, from the paths of the members that hold the name, the times and so on.
macro_rules! resource {
    ($kind:ident { $($what:ident: $($member:ident).+),+ $(,)? } $($rest:item)*) => {
        impl $crate::resource::Resource for $kind {
            $( resource! { @$what $($member).+ } )+
            $($rest)*
        }
    };
    (@name $($member:ident).+) => {
        fn name(&self) -> &str {
            $crate::resource::Text::text(&self.$($member).+).unwrap_or_default()
        }
    };
    (@labels $($member:ident).+) => {
        fn labels(&self) -> &::std::collections::BTreeMap<String, String> {
            $crate::resource::labels_in(self.$($member).+.as_ref())
        }
    };
    (@created_at $($member:ident).+) => {
        fn created_at(&self) -> Option<&::blaxel_core::Timestamp> {
            self.$($member).+.as_ref()
        }
    };
    (@updated_at $($member:ident).+) => {
        fn updated_at(&self) -> Option<&::blaxel_core::Timestamp> {
            self.$($member).+.as_ref()
        }
    };
    (@status $($member:ident).+) => {
        fn status(&self) -> Option<&str> {
            $crate::resource::Text::text(&self.$($member).+)
        }
    };
    // The accessors of resources with the usual metadata.
    (@metadata $($metadata:ident).+) => {
        resource! { @name $($metadata).+.name }
        resource! { @created_at $($metadata).+.created_at }
        resource! { @updated_at $($metadata).+.updated_at }
    };
}
