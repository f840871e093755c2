//! The deletion of what a failed or dropped launch has made.

use std::time::Duration;

use blaxel_core::HttpService;
use blaxel_management::Collection;
use blaxel_management::drives::Drive;
use blaxel_management::sandboxes::Sandbox;
use tokio::time::sleep;

use crate::cleanup::in_background;

/// The delay between two attempts to delete a drive that a sandbox still uses, and the number of attempts.
const BUSY: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 5;

/// A guard that deletes what a launch has made, unless the launch succeeds. If it is dropped, a background task of at
/// most 10 seconds does it.
pub(super) struct Rollback<S: HttpService> {
    made: Option<Made<S>>,
}

struct Made<S> {
    sandboxes: Collection<Sandbox, S>,
    drives: Collection<Drive, S>,
    /// The sandbox that the launch has created and that is to be deleted.
    sandbox: Option<String>,
    /// `true` after the sandbox was deleted.
    is_deleted: bool,
    /// The drives with random names, and whether they are mounted.
    generated: Vec<(String, bool)>,
}

impl<S: HttpService> Rollback<S> {
    pub(super) fn new(sandboxes: Collection<Sandbox, S>, drives: Collection<Drive, S>) -> Self {
        Self {
            made: Some(Made {
                sandboxes,
                drives,
                sandbox: None,
                is_deleted: false,
                generated: Vec::new(),
            }),
        }
    }

    /// Adds the sandbox, which is deleted first.
    pub(super) fn add_sandbox(&mut self, name: &str) {
        if let Some(made) = &mut self.made {
            made.sandbox = Some(name.to_owned());
        }
    }

    /// Adds a drive with a random name, before it is created.
    pub(super) fn add_drive(&mut self, name: &str) {
        if let Some(made) = &mut self.made {
            made.generated.push((name.to_owned(), false));
        }
    }

    /// Marks a drive as mounted: it is deleted only together with the sandbox.
    pub(super) fn set_mounted(&mut self, name: &str) {
        let made = self.made.iter_mut().flat_map(|made| &mut made.generated);
        for (drive, mounted) in made {
            *mounted |= drive == name;
        }
    }

    /// Keeps everything.
    pub(super) fn disarm(mut self) {
        self.made = None;
    }

    /// Deletes everything, and returns the names of the sandbox and the drives that could not be deleted.
    pub(super) async fn undo(mut self) -> (Option<String>, Vec<String>) {
        match &mut self.made {
            // It stays in the guard, which finishes the work if this future is dropped.
            Some(made) => {
                made.delete().await;
                let made = self.made.take();
                made.map_or_else(Default::default, |made| {
                    let drives = made.generated.into_iter().map(|(name, _)| name);
                    (made.sandbox, drives.collect())
                })
            }
            None => (None, Vec::new()),
        }
    }
}

impl<S: HttpService> Made<S> {
    fn is_empty(&self) -> bool {
        self.sandbox.is_none() && self.generated.is_empty()
    }

    /// Deletes the sandbox and the drives. What is deleted is removed from the lists.
    async fn delete(&mut self) {
        // The name stays until the response, for the case that this future is dropped.
        if let Some(name) = self.sandbox.clone()
            && self.sandboxes.delete_if_present(&name).await.is_ok()
        {
            (self.sandbox, self.is_deleted) = (None, true);
        }
        let mut index = 0;
        while let Some((name, mounted)) = self.generated.get(index) {
            // A mounted one belongs to a sandbox that stays.
            let is_used = *mounted && !self.is_deleted;
            if !is_used && self.delete_drive(name).await {
                self.generated.remove(index);
            } else {
                index = index.saturating_add(1);
            }
        }
    }

    /// Deletes a drive. Returns `true` if it does not exist any more.
    async fn delete_drive(&self, name: &str) -> bool {
        for attempt in 1..=ATTEMPTS {
            match self.drives.delete_if_present(name).await {
                Ok(_) => return true,
                // The end of the sandbox takes a while.
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => sleep(BUSY).await,
                Err(_) => return false,
            }
        }
        false
    }
}

impl<S: HttpService> Drop for Rollback<S> {
    fn drop(&mut self) {
        if let Some(mut made) = self.made.take().filter(|made| !made.is_empty()) {
            in_background(async move { made.delete().await });
        }
    }
}
