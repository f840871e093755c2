//! [`Drives`], the drives of the workspace from the view of a sandbox.

use std::sync::Arc;

use blaxel_guest::{DriveError, DriveStore, Volume};
use serde_json::Value;

use crate::state::{Collection, DRIVES, Document, SANDBOXES, Store, member};

/// The drives that the sandbox of a name may mount.
pub(super) struct Drives {
    sandbox: String,
    store: Arc<Store>,
}

impl Drives {
    pub(super) fn of(sandbox: &str, store: &Arc<Store>) -> Self {
        Self {
            sandbox: sandbox.to_owned(),
            store: Arc::clone(store),
        }
    }
}

impl DriveStore for Drives {
    fn open(&self, name: &str, path: &str, read_only: bool) -> Result<Volume, DriveError> {
        let store = self.store.open();
        let drive = store.get(&Collection::top(&DRIVES), name);
        let drive = drive.ok_or(DriveError::NotFound)?;
        let sandbox = store.get(&Collection::top(&SANDBOXES), &self.sandbox);
        let sandbox = sandbox.ok_or(DriveError::Forbidden)?;
        let permissions = member::get(&drive.document, "spec/permissions");
        let permissions = permissions.and_then(Value::as_array);
        let permissions = permissions.map(Vec::as_slice).unwrap_or_default();
        let may = |permission| permits(permission, &sandbox.document, path, read_only);
        if !permissions.is_empty() && !permissions.iter().any(may) {
            return Err(DriveError::Forbidden);
        }
        let unavailable = || DriveError::Other("the drive has no contents".to_owned());
        drive.files.clone().ok_or_else(unavailable)
    }
}

/// Returns `true` if a permission lets a sandbox mount a directory of the drive.
fn permits(permission: &Value, sandbox: &Document, path: &str, read_only: bool) -> bool {
    let labels = permission.get("labels").and_then(Value::as_object);
    let has_labels = labels.into_iter().flatten().all(|(name, value)| {
        let own = member::get(sandbox, "metadata/labels").and_then(|labels| labels.get(name));
        own == Some(value)
    });
    let text = |name: &str| permission.get(name).and_then(Value::as_str);
    let may_write = text("mode") == Some("read-write");
    let top = text("path").unwrap_or("/").trim_matches('/');
    let inside = path.trim_matches('/');
    let is_below = top.is_empty()
        || inside
            .strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    has_labels && is_below && (read_only || may_write)
}
