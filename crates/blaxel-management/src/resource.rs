//! What any resource tells about itself, whatever its kind.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use blaxel_core::{Items, Paged, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JSON document of the API: what requests send, and what responses hold.
///
/// It can be printed or kept as JSON under the names of the API, and is equal when it is read back; members
/// that this version of the SDK has no type for are left out of that. A [`SecretText`](crate::SecretText) in
/// it is written as it is, like every other member. Every type that fits is a document, so there is nothing
/// to implement.
pub trait Document:
    Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + Unpin + 'static
{
}

impl<T> Document for T where
    T: Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + Unpin + 'static
{
}

/// The labels of what has none.
static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();

/// A resource of any kind, or as much of it as a list tells: its name, labels, times and status.
///
/// It is implemented for all that the API lists or gives out by name, so that code for one kind can be
/// written for all of them:
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
    /// Returns the name or id under which the resource is kept, which `get` and `delete` of its
    /// [`Collection`](crate::Collection) take. It is empty if the server has yet to give one.
    fn name(&self) -> &str;

    /// Returns a text that no other item of the same list has: the [`name`](Self::name), unless the kind
    /// needs more. Walks tell items apart by it; an item without one is like no other.
    fn key(&self) -> Cow<'_, str> {
        self.name().into()
    }

    /// Returns the labels; none if the kind has no labels.
    fn labels(&self) -> &BTreeMap<String, String> {
        &NO_LABELS
    }

    /// Returns `true` if the resource has a label of this name and value.
    fn has_label(&self, name: &str, value: &str) -> bool {
        self.labels().get(name).is_some_and(|found| found == value)
    }

    /// Returns the time of creation, where the server tells it.
    fn created_at(&self) -> Option<&Timestamp> {
        None
    }

    /// Returns the time of the last change, where the server tells it.
    fn updated_at(&self) -> Option<&Timestamp> {
        None
    }

    /// Returns the status in the word of the API, such as `DEPLOYED`, if the kind has one and the server
    /// tells it.
    fn status(&self) -> Option<&str> {
        None
    }
}

/// Filters of walks over [resources](Resource).
///
/// The API has no filter for labels: every page is still fetched, and what does not match is dropped here.
/// Where a search suffices, [`ListParams::search`](blaxel_core::ListParams::search) has the server leave
/// things out.
pub trait ItemsExt: Sized {
    /// Leaves out what does not have a label of this name and value. Called again, it wants that label
    /// too.
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

/// A member that is a text, or may be one.
pub(crate) trait Text {
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

/// The labels in a member that may be absent.
#[allow(dead_code, reason = "which kinds have labels is a matter of features")]
pub(crate) fn labels_in(member: Option<&BTreeMap<String, String>>) -> &BTreeMap<String, String> {
    member.unwrap_or(&NO_LABELS)
}

/// Makes a kind a [`Resource`], by naming the members that tell what it is asked for.
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
    // What resources with the usual metadata have in common.
    (@metadata $($metadata:ident).+) => {
        resource! { @name $($metadata).+.name }
        resource! { @created_at $($metadata).+.created_at }
        resource! { @updated_at $($metadata).+.updated_at }
    };
}
