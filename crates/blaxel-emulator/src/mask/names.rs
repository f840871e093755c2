//! Names that say that a value is secret.

use http::HeaderName;

/// Names of members and parameters whose values are secret, besides those with one of the [`ENDS`].
const NAMES: [&str; 12] = [
    "assertion",
    "auths",
    "clientassertion",
    "clientcredentials",
    "codeverifier",
    "cookies",
    "credentials",
    "devicecode",
    "dockerconfig",
    "dockerconfigjson",
    "jwt",
    "usercode",
];

/// The ends of such names.
const ENDS: [&str; 13] = [
    "accesskey",
    "apikey",
    "authorization",
    "connectionstring",
    "cookie",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "registryauth",
    "secret",
    "secretkey",
    "token",
];

/// Names that end so, of values that are not secret: places in lists.
const PUBLIC: [&str; 5] = [
    "continuationtoken",
    "nextpagetoken",
    "nexttoken",
    "pagetoken",
    "prevtoken",
];

/// Parameters of addresses that are signed, besides those that end in `signature`.
const SIGNED: [&str; 8] = [
    "awsaccesskeyid",
    "googleaccessid",
    "keypairid",
    "ossaccesskeyid",
    "sig",
    "xamzcredential",
    "xamzsecuritytoken",
    "xgoogcredential",
];

/// The parameter in which the platform takes the token of a preview.
const PREVIEW_TOKEN: &str = "blpreviewtoken";

/// Parts of the names of headers whose values are secret.
const HEADERS: [&str; 10] = [
    "api-key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "customer-key",
    "password",
    "registry-auth",
    "secret",
    "token",
];

/// Returns a name in lower case, without what separates its words.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, '_' | '-' | '.'))
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

/// Returns `true` if a member, a parameter or a variable of this name is secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    is_plain_secret(&plain(name))
}

fn is_plain_secret(plain: &str) -> bool {
    NAMES.contains(&plain)
        || (ENDS.iter().any(|end| plain.ends_with(end)) && !PUBLIC.contains(&plain))
}

/// Returns `true` if a parameter of this name is secret: it authorizes a request.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let plain = plain(name);
    is_signed(&plain) || is_plain_secret(&plain)
}

/// Returns `true` if a parameter of this name is secret, and must not be in an address. That of an address that is
/// signed must, and so does the token of a preview.
pub(super) fn is_misplaced(name: &str) -> bool {
    let plain = plain(name);
    is_plain_secret(&plain) && !is_signed(&plain) && plain != PREVIEW_TOKEN
}

fn is_signed(plain: &str) -> bool {
    SIGNED.contains(&plain) || plain.ends_with("signature")
}

/// Returns `true` if a header of this name is secret.
pub(crate) fn is_secret_header(name: &HeaderName) -> bool {
    HEADERS.iter().any(|part| name.as_str().contains(part))
}

/// Returns `true` for the name of a header whose value has several words.
pub(super) fn has_words(name: &str) -> bool {
    let plain = plain(name);
    plain.ends_with("authorization") || plain.ends_with("cookie")
}
