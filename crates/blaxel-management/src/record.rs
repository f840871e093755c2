//! The shape that the types of the API have, written once.
//!
//! Every type is a struct whose members are named in camel case on the wire. A member that is
//! optional is left out while it is `None`; whatever a server adds is passed over, and whatever it
//! leaves out, or sends as `null`, is the default. The macros here add that, and a setter for each
//! member that a client may set; what stands in a module is names, types and what they mean.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reads a member that is always there in a type, and that a server may send as `null` nevertheless.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Writes a number without a fraction as JSON has it, `3600` rather than `3600.0`.
#[allow(dead_code, reason = "which types there are is a matter of features")]
pub(crate) fn number<S: Serializer>(
    number: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    /// Up to here every whole number is a `f64` of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it is whole, and lies within the bounds of an i64"
        )]
        Some(whole) if whole.fract() == 0.0 && whole.abs() <= EXACT => {
            (*whole as i64).serialize(serializer)
        }
        other => other.serialize(serializer),
    }
}

/// Declares types that a client writes and reads.
///
/// A member is `Option<T>`, [`Clearable<T>`](crate::Clearable) or, where the API requires it, plain.
/// Each gets a setter of its name, but for those marked `#[server]`, which the server alone sets, and those
/// marked `#[adder]`, which have a method by hand that adds to them. The
/// required ones are the parameters of `new`. Anything but flags and numbers is set with `Into`.
macro_rules! record {
    ($( $(#[$($meta:tt)*])* pub struct $name:ident { $($members:tt)* } )+) => { $(
        record! { @members [$(#[$($meta)*])* $name] {} {} {} $($members)* }
    )+ };

    // Of the members that many documents have, the meaning is said once, here.
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub status: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// Where it stands.
            #[server] pub status: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub events: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// What happened to it.
            #[server] pub events: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub created_at: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// When it was made.
            #[server] pub created_at: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub updated_at: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// When it was changed last.
            #[server] pub updated_at: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub created_by: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// Who made it.
            #[server] pub created_by: Option<$ty>, $($rest)* }
    };
    (@members $head:tt $fields:tt $required:tt $setters:tt
        pub updated_by: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head $fields $required $setters
            /// Who changed it last.
            #[server] pub updated_by: Option<$ty>, $($rest)* }
    };

    (@members $head:tt {$($fields:tt)*} $required:tt $setters:tt
        $(#[doc = $doc:expr])* #[adder] pub $field:ident: Option<$ty:ty>, $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            #[serde(skip_serializing_if = "Option::is_none")]
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
            #[serde(skip_serializing_if = "Option::is_none")]
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
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $required {
            $($setters)*
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
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $required {
            $($setters)*
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
            #[serde(skip_serializing_if = "crate::Clearable::is_absent")]
            pub $field: crate::Clearable<$ty>,
        } $required {
            $($setters)*
            $(#[doc = $doc])*
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
            #[serde(deserialize_with = "crate::record::null_as_default")]
            pub $field: u32,
        } {$($required)* $field: u32,} $setters $($rest)* }
    };
    (@members $head:tt {$($fields:tt)*} {$($required:tt)*} $setters:tt
        $(#[doc = $doc:expr])* $(#[serde $serde:tt])? pub $field:ident: $ty:ty, $($rest:tt)*) => {
        record! { @members $head {
            $($fields)*
            $(#[doc = $doc])*
            $(#[serde $serde])?
            #[serde(deserialize_with = "crate::record::null_as_default")]
            pub $field: $ty,
        } {$($required)* $field: impl Into<$ty>,} $setters $($rest)* }
    };

    (@members [$(#[$($meta:tt)*])* $name:ident] {$($fields:tt)*}
        {$($required:ident: $argument:ty,)*} {$($setters:tt)*}) => {
        $(#[$($meta)*])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[non_exhaustive]
        pub struct $name {
            $($fields)*
        }

        impl $name {
            /// With what is required, and everything else left to the server.
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
        #[serde(rename_all = "camelCase", default)]
        #[non_exhaustive]
        pub struct $name {
            $($fields)*
        }

        impl $name {
            /// One of that name, with everything else left to the server.
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

/// Declares types of responses: the server sends them, and no request does. They serialize as the API
/// has them, so that a program can print or keep what it was told.
macro_rules! answer {
    ($( $(#[$($meta:tt)*])* pub struct $name:ident { $($members:tt)* } )+) => { $(
        answer! { @members [$(#[$($meta)*])* $name] {} $($members)* }
    )+ };

    (@members $head:tt {$($fields:tt)*}
        $(#[$($member:tt)*])* pub $field:ident: Option<$ty:ty>, $($rest:tt)*) => {
        answer! { @members $head {
            $($fields)*
            $(#[$($member)*])*
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $field: Option<$ty>,
        } $($rest)* }
    };
    (@members $head:tt {$($fields:tt)*}
        $(#[$($member:tt)*])* pub $field:ident: $ty:ty, $($rest:tt)*) => {
        answer! { @members $head {
            $($fields)*
            $(#[$($member)*])*
            #[serde(deserialize_with = "crate::record::null_as_default")]
            pub $field: $ty,
        } $($rest)* }
    };

    (@members [$(#[$($meta:tt)*])* $name:ident] {$($fields:tt)*}) => {
        $(#[$($meta)*])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[non_exhaustive]
        pub struct $name {
            $($fields)*
        }
    };
}

/// Declares resources: what each is called (`metadata`), what it is to be (`spec`), and what else the
/// server says of it.
#[allow(
    unused_macros,
    reason = "which resources there are is a matter of features"
)]
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
            /// What it is called, and what the platform notes about it.
            #[serde(deserialize_with = "crate::record::null_as_default")]
            pub metadata: $metadata,
            /// What it is to be.
            #[serde(deserialize_with = "crate::record::null_as_default")]
            pub spec: $spec,
        } {} {
            /// What it is to be.
            #[must_use]
            pub fn spec(mut self, spec: $spec) -> Self {
                self.spec = spec;
                self
            }
        } $($members)* }
    )+ };

    // What the metadata of a resource can be set to differs.
    (@labels $name:ident Metadata) => {
        impl $name {
            /// An id in a system of your own: at most 64 letters, digits and hyphens. It need not be unique.
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
            /// Adds a label.
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
            /// What people are shown instead of the name.
            #[must_use]
            pub fn display_name(mut self, name: impl Into<String>) -> Self {
                self.metadata.display_name = Some(name.into());
                self
            }
        }
    };
}

/// Gives a resource setters for members that lie deeper in it, in its `spec` or in the `runtime` there.
///
/// `timeout: u32` sets a member of that name; `port: [Port ports]` adds one to a list.
#[allow(
    unused_macros,
    reason = "which resources there are is a matter of features"
)]
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
        #[doc = concat!("Adds to the `", stringify!($list), "` of its [`", stringify!($owner), "`].")]
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
        #[doc = concat!("Sets `", stringify!($field), "` of its [`", stringify!($owner), "`].")]
        #[must_use]
        pub fn $field(mut self, $field: $ty) -> Self {
            let $resource = &mut self;
            let part = $part;
            part.$field = Some($value);
            self
        }
    };
}
