//! Labels of a resource that are sent with its archive, for the machine that builds it.

use std::collections::BTreeMap;

use http::HeaderName;

use super::url::UploadUrl;

/// The labels that the machine reads.
const LABELS: [&str; 6] = [
    "x-blaxel-build-memory",
    "x-blaxel-build-volume",
    "x-blaxel-build-region",
    "x-blaxel-builder",
    "x-blaxel-experimental",
    "x-blaxel-build-cache",
];

/// The number of the first labels that are settings, without which a build must not begin.
const SETTINGS: usize = 3;

/// Maximum length of a value that is sent.
const MAX_VALUE: usize = 64;

/// Returns the headers for the labels of a resource. A presigned URL that lists its signed headers accepts these
/// and no others.
pub(super) fn headers(
    url: &UploadUrl,
    labels: &BTreeMap<String, String>,
) -> Vec<(HeaderName, String)> {
    let signed = url.signed_headers();
    let header = |label: &str| {
        let value = labels.get(label)?;
        let name = HeaderName::try_from(format!("x-amz-meta-{label}")).ok()?;
        let is_accepted = signed
            .as_ref()
            .is_none_or(|signed| signed.iter().any(|signed| signed == name.as_str()));
        let is_sent = is_accepted && !value.is_empty() && value.len() <= MAX_VALUE;
        is_sent.then(|| (name, value.clone()))
    };
    LABELS.into_iter().filter_map(header).collect()
}

/// Returns the settings among the labels that a request asked for and that are not among the headers.
pub(super) fn missing(
    requested: &BTreeMap<String, String>,
    headers: &[(HeaderName, String)],
) -> Vec<&'static str> {
    let is_missing = |label: &&str| {
        let name = format!("x-amz-meta-{label}");
        requested.contains_key(*label) && !headers.iter().any(|(sent, _)| sent.as_str() == name)
    };
    LABELS
        .into_iter()
        .take(SETTINGS)
        .filter(is_missing)
        .collect()
}
