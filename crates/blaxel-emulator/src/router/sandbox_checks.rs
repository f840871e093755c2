//! The image, volumes and kernel features that a new sandbox asks for.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::catalog::sandbox_images;
use crate::errors::ErrorResponse;
use crate::state::{
    Collection, Document, IMAGES, OpenStore, SANDBOXES, VOLUMES, image, member, status,
};

/// The kernel features that a sandbox can have.
const KERNEL_FEATURES: [&str; 6] = [
    "iptables",
    "nfs",
    "tun",
    "android",
    "landlock",
    "kernelExtensions",
];
/// The features that run on other infrastructure than NFS.
const WITHOUT_NFS: [&str; 3] = ["iptables", "android", "landlock"];

/// Checks what a new sandbox asks for.
pub(super) fn check(store: &OpenStore, name: &str, document: &Document) -> Result<(), Problem> {
    if let Some(reference) = member::text(document, "spec/runtime/image") {
        check_image(store, reference)?;
    }
    check_features(document)?;
    let attached = member::get(document, "spec/volumes").and_then(Value::as_array);
    for volume in attached.into_iter().flatten().filter_map(Value::as_object) {
        check_volume(store, name, document, volume)?;
    }
    Ok(())
}

/// A reason why a sandbox cannot be created.
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Value,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self {
            status,
            code,
            message,
            details: Value::Null,
        }
    }

    fn bad(code: &'static str, message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Returns the response in the format of sandbox creation.
    pub(super) fn response(self, store: &OpenStore, sandbox: &str) -> ErrorResponse {
        let mut body = json!({
            "code": self.code,
            "message": self.message,
            "status_code": self.status.as_u16(),
            "sandbox_name": sandbox,
            "workspace": store.setting().workspace,
        });
        if !self.details.is_null() {
            body["details"] = self.details;
        }
        ErrorResponse::with_body(self.status, body)
    }
}

/// Checks the kernel features, of which some do not go together.
fn check_features(document: &Document) -> Result<(), Problem> {
    let given = member::get(document, "spec/runtime/extraArgs").and_then(Value::as_object);
    let bad = |message| Err(Problem::bad("VALIDATION_ERROR", message));
    for (name, value) in given.into_iter().flatten() {
        if !KERNEL_FEATURES.contains(&name.as_str()) {
            let known = KERNEL_FEATURES.join(", ");
            return bad(format!(
                "spec.runtime.extraArgs has the unknown key {name:?}. Known keys: {known}."
            ));
        }
        if value != "enabled" && value != "disabled" {
            return bad(format!(
                "spec.runtime.extraArgs.{name} must be enabled or disabled."
            ));
        }
    }
    let has = |name: &str| given.and_then(|given| given.get(name)) == Some(&json!("enabled"));
    match WITHOUT_NFS.into_iter().find(|other| has(other)) {
        Some(other) if has("nfs") => bad(format!(
            "spec.runtime.extraArgs cannot enable nfs together with {other}."
        )),
        _ => Ok(()),
    }
}

/// Checks an image: one of the platform (`blaxel/name`), one of the workspace (`name` or
/// `sandbox/name`), or one of a registry, which is not asked.
fn check_image(store: &OpenStore, reference: &str) -> Result<(), Problem> {
    if !is_reference(reference) {
        return Err(invalid(reference, "is not the name of an image"));
    }
    let without_digest = reference.split('@').next().unwrap_or_default();
    let (repository, tag) = image::split(without_digest);
    let parts: Vec<_> = repository.split('/').collect();
    match parts.as_slice() {
        ["blaxel", name] => {
            let is_known = sandbox_images().any(|known| known == *name);
            if is_known && tag == "latest" {
                return Ok(());
            }
            Err(invalid(reference, "is not an image of the platform"))
        }
        [name] | ["sandbox", name] => {
            let key = image::key(name, "sandbox");
            let found = store.get(&Collection::top(&IMAGES), &key);
            let tags = found.map(|found| image::tags(found, store.now()));
            let has_tag = |tags: Vec<Value>| {
                let mut tags = tags.iter();
                tags.any(|own| own.get("name").and_then(Value::as_str) == Some(tag))
            };
            if tags.is_some_and(has_tag) {
                return Ok(());
            }
            let message = format!("The workspace has no image {reference:?} for sandboxes.");
            Err(Problem::bad("IMAGE_NOT_FOUND", message))
        }
        _ => Ok(()),
    }
}

fn invalid(reference: &str, problem: &str) -> Problem {
    let supported: Vec<_> = sandbox_images()
        .map(|name| format!("blaxel/{name}:latest"))
        .collect();
    Problem {
        details: json!({"requested_image": reference, "supported_images": supported}),
        ..Problem::bad("INVALID_IMAGE", format!("{reference:?} {problem}."))
    }
}

/// Returns `true` if a text has the form of a reference: path segments in lower case, of which the
/// first may be a registry with a port, with an optional tag and digest.
fn is_reference(text: &str) -> bool {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let (repository, tag) = image::split(name);
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_segment = |(place, segment): (usize, &str)| {
        let may_have = if place == 0 { &b"._-:"[..] } else { b"._-" };
        let ends = segment.bytes().next().zip(segment.bytes().last());
        ends.is_some_and(|(first, last)| is_plain(first) && is_plain(last))
            && segment
                .bytes()
                .all(|byte| is_plain(byte) || may_have.contains(&byte))
    };
    let is_tag = |tag: &str| {
        (1..=128).contains(&tag.len())
            && !tag.starts_with(['.', '-'])
            && tag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    repository.split('/').enumerate().all(is_segment) && is_tag(tag) && digest.is_none_or(is_digest)
}

/// Checks a volume that is to be attached.
fn check_volume(
    store: &OpenStore,
    sandbox: &str,
    document: &Document,
    attached: &Map<String, Value>,
) -> Result<(), Problem> {
    let text = |name: &str| attached.get(name).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    if text("mountPath").is_none_or(|path| !path.starts_with('/')) {
        let message = format!("The volume {name:?} has no absolute mountPath.");
        return Err(Problem::bad("INVALID_VOLUME", message));
    }
    if text("type") == Some("ephemeral") {
        let size = attached.get("sizeMb").and_then(Value::as_u64);
        if size.is_none_or(|size| size == 0) {
            let message = format!("The ephemeral volume {name:?} has no sizeMb.");
            return Err(Problem::bad("INVALID_VOLUME", message));
        }
        return Ok(());
    }
    let Some(volume) = store.get(&Collection::top(&VOLUMES), name) else {
        let message = format!("There is no volume named {name:?}.");
        return Err(Problem::bad("VOLUME_NOT_FOUND", message));
    };
    let here = member::text(document, "spec/region");
    let there = member::text(&volume.document, "spec/region");
    if let (Some(here), Some(there)) = (here, there)
        && here != there
    {
        let message = format!("The volume {name:?} is in {there}, and the sandbox in {here}.");
        return Err(Problem::bad("INVALID_VOLUME_REGION", message));
    }
    let user = attached_to(store, name).filter(|user| *user != sandbox);
    let Some(user) = user else { return Ok(()) };
    let message = format!("The volume {name:?} is attached to the sandbox {user:?}.");
    let code = "VOLUME_ALREADY_ATTACHED";
    Err(Problem::new(StatusCode::CONFLICT, code, message))
}

/// Returns the sandbox that a volume is attached to.
fn attached_to<'a>(store: &'a OpenStore, volume: &str) -> Option<&'a str> {
    let sandboxes = Collection::top(&SANDBOXES);
    let mut records = store.all(&sandboxes);
    let user = records.find(|record| {
        let is_over = matches!(
            record.status(store.now()),
            status::TERMINATED | status::FAILED
        );
        let volumes = member::get(&record.document, "spec/volumes").and_then(Value::as_array);
        let mut volumes = volumes.into_iter().flatten();
        !is_over
            && volumes.any(|attached| {
                let text = |name: &str| attached.get(name).and_then(Value::as_str);
                text("name") == Some(volume) && text("type") != Some("ephemeral")
            })
    })?;
    Some(&user.name)
}
