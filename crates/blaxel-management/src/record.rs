//! Macros that declare the types of the API, so that all of them serialize alike.
//!
//! Every type is a struct whose members have camel case names on the wire. An optional member is left
//! out while it is `None`. A member that the server adds is ignored; one that it leaves out, or sends as
//! `null`, gets its default value. The macros generate the serde attributes for this, and a setter for
//! each member that a client may set. A module that uses them holds only names, types and docs.
//!
//! [`record!`] declares types that a client writes and reads, [`response!`] types that it only reads, and
//! [`document!`] resources with `metadata` and `spec`. [`deep_setters!`] adds setters for nested members.

use serde::{Serialize, Serializer};

/// For required members, which a server may send as `null` nevertheless.
pub(crate) use blaxel_core::__private::lenient::null_as_default;

/// Serializes a number without a fraction as an integer: `3600` rather than `3600.0`.
#[allow(dead_code, reason = "the features decide which types exist")]
pub(crate) fn number<S: Serializer>(
    number: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    /// The largest magnitude up to which an `f64` represents every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it is an integer within the bounds of an i64"
        )]
        Some(whole) if whole.fract() == 0.0 && whole.abs() <= EXACT => {
            (*whole as i64).serialize(serializer)
        }
        other => other.serialize(serializer),
    }
}

/// Declares types that a client writes and reads.
///
/// A member is `Option<T>`, [`Clearable<T>`](crate::Clearable), or a plain `T` where the API requires it.
/// Plain members are the parameters of `new`. Every optional member gets a setter of the same name, except
/// those marked `#[server]`, which only the server sets, and those marked `#[adder]`, which have a
/// handwritten method that adds to them. Setters take `impl Into<T>`, except for flags and numbers.
macro_rules! record {
    ($( $(#[$($meta:tt)*])* pub struct $name:ident { $($members:tt)* } )+) => { $(
        record! { @members [$(#[$($meta)*])* $name] {} {} {} $($members)* }
    )+ };

    // Members that many documents have are documented once, here.
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub status: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// The current status.
            #[server] pub status: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub events: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// The events in the life of the resource.
            #[server] pub events: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub created_at: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// The time of creation.
            #[server] pub created_at: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub updated_at: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// The time of the last change.
            #[server] pub updated_at: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub created_by: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// The user or service account that created the resource.
            #[server] pub created_by: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub updated_by: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// The user or service account that last changed the resource.
            #[server] pub updated_by: Option<$ty>, $($rest)* }
    };

    (@members $head:tt {$($fields:tt)*} $required:tt $setters:tt
        $(#[doc = $doc:expr])* #[adder] pub $field:ident: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $required $setters $($rest)* }
    };
    (@members $head:tt {$($fields:tt)*} $required:tt $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? #[server] pub $field:ident: Option<$ty:ty>,
        $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            /// Set by the server.
            $(#[serde $serde])?
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $required $setters $($rest)* }
    };

    (@members $head:tt $fields:tt $required:tt $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: Option<bool>, $($rest:tt)*) => {
        record! { @plain $head $fields $required $setters [$(#[doc = $doc])*] [$(#[serde $serde])?]
            $field bool; $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: Option<u32>, $($rest:tt)*) => {
        record! { @plain $head $fields $required $setters [$(#[doc = $doc])*] [$(#[serde $serde])?]
            $field u32; $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: Option<i64>, $($rest:tt)*) => {
        record! { @plain $head $fields $required $setters [$(#[doc = $doc])*] [$(#[serde $serde])?]
            $field i64; $($rest)* }
    };
    (@plain $head:tt {$($fields:tt)*} $required:tt {$($setters:tt)*}
        [$($doc:tt)*] [$($serde:tt)*] $field:ident $ty:ty; $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $($doc)*
            $($serde)*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $required {
            $($setters)*
            #[doc = concat!("Sets `", stringify!($field), "`:")]
            ///
            $($doc)*
            #[must_use]
            pub fn $field(mut self, $field: $ty) -> Self {
                self.$field = Some($field);
                self
            }
        } $($rest)* }
    };

    (@members $head:tt {$($fields:tt)*} $required:tt {$($setters:tt)*}
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: Option<$ty:ty>,
        $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            $(#[serde $serde])?
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $required {
            $($setters)*
            #[doc = concat!("Sets `", stringify!($field), "`:")]
            ///
            $(#[doc = $doc])*
            #[must_use]
            pub fn $field(mut self, $field: impl Into<$ty>) -> Self {
                self.$field = Some($field.into());
                self
            }
        } $($rest)* }
    };

    (@members $head:tt {$($fields:tt)*} $required:tt {$($setters:tt)*}
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: Clearable<$ty:ty>,
        $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            $(#[serde $serde])?
            #[serde(default, skip_serializing_if = "crate::Clearable::is_absent")]
            pub $field: crate::Clearable<$ty>,
        } $required {
            $($setters)*
            #[doc = concat!("Sets `", stringify!($field), "`:")]
            ///
            $(#[doc = $doc])*
            ///
            /// [`Clearable::Null`](crate::Clearable::Null) clears the stored value.
            #[must_use]
            pub fn $field(mut self, $field: impl Into<crate::Clearable<$ty>>) -> Self {
                self.$field = $field.into();
                self
            }
        } $($rest)* }
    };

    (@members $head:tt {$($fields:tt)*} {$($required:tt)*} $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: u32, $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            $(#[serde $serde])?
            #[serde(default, deserialize_with = "crate::record::null_as_default")]
            pub $field: u32,
        } {$($required)* $field: u32,} $setters $($rest)* }
    };
    (@members $head:tt {$($fields:tt)*} {$($required:tt)*} $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: $ty:ty, $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            $(#[serde $serde])?
            #[serde(default, deserialize_with = "crate::record::null_as_default")]
            pub $field: $ty,
        } {$($required)* $field: impl Into<$ty>,} $setters $($rest)* }
    };

    (@members [$(#[$($meta:tt)*])* $name:ident] {$($fields:tt)*}
        {$($required:ident: $argument:ty,)*} {$($setters:tt)*}) => {
        $(#[$($meta)*])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            $($fields)*
        }

        impl $name {
            /// Creates a value from the required members. Optional members are left out, so the server's
            /// defaults apply.
            #[must_use]
            pub fn new($($required: $argument),*) -> Self {
                Self {
                    $($required: $required.into(),)*
                    ..Self::default()
                }
            }

            $($setters)*
        }
    };

    (@members [$(#[$($meta:tt)*])* $name:ident document $metadata:ident] {$($fields:tt)*}
        {} {$($setters:tt)*}) => {
        $(#[$($meta)*])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            $($fields)*
        }

        impl $name {
            /// Creates a draft of a resource with this name, in memory only: nothing is sent. All other members
            /// are left out, so the server's defaults apply.
            ///
            /// The methods of [`Collection`](crate::Collection) send it, such as `create`.
            #[must_use]
            pub fn new(name: impl Into<String>) -> Self {
                Self {
                    metadata: $metadata::new(name),
                    ..Self::default()
                }
            }

            $($setters)*
        }

        document! { @labels $name $metadata }
    };
}

/// Declares types that only occur in responses. They serialize under the names of the API, so that a program
/// can print or store a response.
macro_rules! response {
    ($( $(#[$($meta:tt)*])* pub struct $name:ident { $($members:tt)* } )+) => { $(
        response! { @members [$(#[$($meta)*])* $name] {} $($members)* }
    )+ };

    (@members $head:tt {$($fields:tt)*}
        $(#[$($member:tt)*])* pub $field:ident: Option<$ty:ty>, $($rest:tt)*) => {
        response! { @members $head {
            $($fields)*
            $(#[$($member)*])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $($rest)* }
    };
    (@members $head:tt {$($fields:tt)*}
        $(#[$($member:tt)*])* pub $field:ident: $ty:ty, $($rest:tt)*) => {
        response! { @members $head {
            $($fields)*
            $(#[$($member)*])*
            #[serde(default, deserialize_with = "crate::record::null_as_default")]
            pub $field: $ty,
        } $($rest)* }
    };

    (@members [$(#[$($meta:tt)*])* $name:ident] {$($fields:tt)*}) => {
        $(#[$($meta)*])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name {
            $($fields)*
        }
    };
}

/// Declares resources: the name and labels (`metadata`), the desired state (`spec`), and the members that
/// the server adds.
#[allow(unused_macros, reason = "the features decide which resources exist")]
macro_rules! document {
    ($(
        $(#[$($meta:tt)*])*
        pub struct $name:ident {
            pub metadata: $metadata:ident,
            pub spec: $spec:ty,
            $($members:tt)*
        }
    )+) => { $(
        record! { @members [$(#[$($meta)*])* $name document $metadata] {
            /// The name and labels, and the metadata that the platform sets.
            #[serde(default, deserialize_with = "crate::record::null_as_default")]
            pub metadata: $metadata,
            /// The desired state.
            #[serde(default, deserialize_with = "crate::record::null_as_default")]
            pub spec: $spec,
        } {} {
            /// Sets the desired state, replacing the whole of `spec`. By default it is empty, so the server's
            /// defaults apply.
            #[must_use]
            pub fn spec(mut self, spec: $spec) -> Self {
                self.spec = spec;
                self
            }
        } $($members)* }
    )+ };

    // The metadata types have different settable members.
    (@labels $name:ident Metadata) => {
        impl $name {
            /// Sets an id from a system of your own: at most 64 letters, digits and hyphens. It need not be
            /// unique. None by default.
            #[must_use]
            pub fn external_id(mut self, id: impl Into<String>) -> Self {
                self.metadata.external_id = Some(id.into());
                self
            }
        }

        document! { @labels $name CustomDomainMetadata }
    };
    (@labels $name:ident CustomDomainMetadata) => {
        document! { @labels $name NestedMetadata }

        impl $name {
            /// Adds a label, or replaces the value of the label with that key.
            #[must_use]
            pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                let labels = self.metadata.labels.get_or_insert_default();
                labels.insert(name.into(), value.into());
                self
            }
        }
    };
    (@labels $name:ident PreviewTokenMetadata) => {};
    (@labels $name:ident $metadata:ident) => {
        impl $name {
            /// Sets the name that user interfaces show. None by default.
            #[must_use]
            pub fn display_name(mut self, name: impl Into<String>) -> Self {
                self.metadata.display_name = Some(name.into());
                self
            }
        }
    };
}

/// Gives a resource setters for nested members: those of its `spec`, or of the `runtime` in it.
///
/// `timeout: u32` declares a setter of the member `timeout`; `port: [Port ports]` declares a method that adds
/// an element to the list `ports`.
#[allow(unused_macros, reason = "the features decide which resources exist")]
macro_rules! deep_setters {
    ($name:ident: $(
        $part:ident $owner:ident { $($field:ident: $ty:tt),+ $(,)? }
    )+) => {
        impl $name {
            $($( deep_setters! { @$part $owner $field $ty } )+)+
        }
    };

    (@spec $owner:ident $($member:tt)+) => {
        deep_setters! { @set $owner, |resource| &mut resource.spec, $($member)+ }
    };
    (@runtime $owner:ident $($member:tt)+) => {
        deep_setters! { @set $owner, |resource| resource.runtime_mut(), $($member)+ }
    };

    (@set $owner:ident, |$resource:ident| $part:expr, $field:ident [$ty:ident $list:ident]) => {
        #[doc = concat!("Adds an element to [`", stringify!($owner), "::", stringify!($list), "`].")]
        #[must_use]
        pub fn $field(mut self, $field: impl Into<$ty>) -> Self {
            let $resource = &mut self;
            let part = $part;
            part.$list.get_or_insert_default().push($field.into());
            self
        }
    };
    (@set $owner:ident, |$resource:ident| $part:expr, $field:ident bool) => {
        deep_setters! { @plain $owner, |$resource| $part, $field, bool, $field }
    };
    (@set $owner:ident, |$resource:ident| $part:expr, $field:ident u32) => {
        deep_setters! { @plain $owner, |$resource| $part, $field, u32, $field }
    };
    (@set $owner:ident, |$resource:ident| $part:expr, $field:ident $ty:ident) => {
        deep_setters! { @plain $owner, |$resource| $part, $field, impl Into<$ty>, $field.into() }
    };
    (@plain $owner:ident, |$resource:ident| $part:expr, $field:ident, $ty:ty, $value:expr) => {
        #[doc = concat!("Sets [`", stringify!($owner), "::", stringify!($field), "`](field@", stringify!($owner), "::", stringify!($field), ").")]
        #[must_use]
        pub fn $field(mut self, $field: $ty) -> Self {
            let $resource = &mut self;
            let part = $part;
            part.$field = Some($value);
            self
        }
    };
}
