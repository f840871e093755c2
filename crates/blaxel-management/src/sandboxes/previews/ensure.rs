//! Previews that are created if they do not exist, and deletions that are waited for.

use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use tokio::time::{Instant, sleep};

use super::Preview;
use crate::collection::{Collection, Outcome};
use crate::metadata::Status;
use crate::resource::Resource;

/// The delay between two polls of a preview that is being deleted, and the limit on all of them.
const POLL: Duration = Duration::from_millis(500);
const LIMIT: Duration = Duration::from_secs(10);

/// Maximum number of refused creations of a preview that does not exist.
const MAX_REFUSALS: u32 = 2;

impl<S: HttpService> Collection<Preview, S> {
    /// Returns the preview of that name, creating it as drafted if it does not exist.
    ///
    /// An existing preview is returned as it is, even if it differs from the draft;
    /// [`apply`](Self::apply) replaces it. If it is being deleted, the call waits for at most 10 seconds until it
    /// no longer exists, and creates a new one. If several clients ensure the same preview at the same time,
    /// one of them creates it.
    ///
    /// It needs a tokio runtime with timers. The future can be dropped at any time, and the call repeated.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::Preview;
    ///
    /// let previews = management.sandboxes().previews("code-runner");
    /// let preview = previews.ensure(&Preview::of_port("web", 3000)).await?;
    /// println!("{:?}", preview.resource().spec.url);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_conflict`] if another preview has the URL of the draft; [`Error::is_timeout`] if a preview of
    /// this name is still being deleted after 10 seconds; otherwise the error of a call.
    pub async fn ensure(&self, preview: &Preview) -> Result<Outcome<Preview>, Error> {
        let name = preview.name();
        let mut refusals = 0;
        loop {
            match self.find(name).await? {
                Some(found) if !is_deleting(&found) => {
                    return Ok(Outcome::Unchanged(found));
                }
                // Another client may create one of this name as soon as it is gone.
                Some(_) => self.wait_while(name, is_deleting).await?,
                None => {}
            }
            match self.create(preview).await {
                Ok(created) => return Ok(Outcome::Created(created)),
                // Another client has created it, or its URL is taken.
                Err(refusal) if refusal.is_conflict() && refusals < MAX_REFUSALS => refusals += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Deletes a preview, and waits for at most 10 seconds until it no longer exists
    /// (`DELETE /sandboxes/{sandboxName}/previews/{previewName}`). Its tokens end at once.
    ///
    /// It needs a tokio runtime with timers.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let previews = management.sandboxes().previews("code-runner");
    /// previews.delete_and_wait("web").await?;
    /// assert!(previews.find("web").await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no preview of this name; [`Error::is_timeout`] if it still exists
    /// after 10 seconds; otherwise the error of a call.
    pub async fn delete_and_wait(&self, name: &str) -> Result<(), Error> {
        let deleted = self.delete(name).await?;
        if deleted.status == Some(Status::Deleting) {
            self.wait_while(name, |_| true).await?;
        }
        Ok(())
    }

    /// Polls a preview until it does not exist, or is not the one that is waited for.
    async fn wait_while(&self, name: &str, is_same: fn(&Preview) -> bool) -> Result<(), Error> {
        let start = Instant::now();
        while self.find(name).await?.is_some_and(|found| is_same(&found)) {
            if start.elapsed() >= LIMIT {
                let what = format!("deletion of the preview `{name}`");
                return Err(Error::timeout(&what, LIMIT));
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

fn is_deleting(preview: &Preview) -> bool {
    preview.status == Some(Status::Deleting)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Management;
    use crate::scripted::{Reply, Script};

    const GET: &str = "GET /sandboxes/box/previews/web";
    const CREATE: &str = "POST /sandboxes/box/previews";
    const DELETE: &str = "DELETE /sandboxes/box/previews/web";

    fn is(status: &str) -> Reply {
        let spec = json!({"port": 4000});
        Reply::json(
            200,
            &json!({"metadata": {"name": "web"}, "spec": spec, "status": status}),
        )
    }

    fn refused(status: u16) -> Reply {
        Reply::json(status, &json!({"error": "no", "code": status}))
    }

    fn previews(replies: Vec<Reply>) -> (Collection<Preview, Script>, Script) {
        let script = Script::new(replies);
        let management = Management::new(script.clone());
        (management.sandboxes().previews("box"), script)
    }

    #[tokio::test(start_paused = true)]
    async fn a_preview_is_created_unless_it_exists() {
        for (replies, requests, created) in [
            (vec![is("DEPLOYED")], &[GET][..], false),
            (vec![refused(404), is("DEPLOYED")], &[GET, CREATE], true),
            // Another client creates it in between.
            (
                vec![refused(404), refused(409), is("DEPLOYED")],
                &[GET, CREATE, GET],
                false,
            ),
            // It is created and deleted in between.
            (
                vec![refused(404), refused(409), refused(404), is("DEPLOYED")],
                &[GET, CREATE, GET, CREATE],
                true,
            ),
            // It is being deleted.
            (
                vec![is("DELETING"), is("DELETING"), refused(404), is("DEPLOYED")],
                &[GET, GET, GET, CREATE],
                true,
            ),
            // It is being deleted, and another client creates one of this name between two polls.
            (
                vec![
                    is("DELETING"),
                    is("DELETING"),
                    is("DEPLOYED"),
                    refused(409),
                    is("DEPLOYED"),
                ],
                &[GET, GET, GET, CREATE, GET],
                false,
            ),
        ] {
            let (previews, script) = previews(replies);
            let ensured = previews
                .ensure(&Preview::of_port("web", 3000))
                .await
                .unwrap();
            assert_eq!(script.lines(), requests);
            assert_eq!(ensured.is_created(), created, "{requests:?}");
            assert_eq!(
                ensured.resource().spec.port,
                Some(4000),
                "it is returned as it is"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_preview_that_cannot_be_created_is_an_error() {
        // The URL is taken.
        let conflict = |status| [refused(404), refused(status)];
        let (taken, script) = previews([conflict(409), conflict(409), conflict(409)].concat());
        let error = taken
            .ensure(&Preview::of_port("web", 3000))
            .await
            .unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(script.lines().len(), 6);

        let (bad, script) = previews(conflict(400).into());
        let error = bad
            .ensure(&Preview::of_port("web", 3000))
            .await
            .unwrap_err();
        assert_eq!(
            error.status().map(|status| status.as_u16()),
            Some(400),
            "{error}"
        );
        assert_eq!(script.lines(), [GET, CREATE]);

        let (stuck, script) = previews(vec![is("DELETING")]);
        let error = stuck
            .ensure(&Preview::of_port("web", 3000))
            .await
            .unwrap_err();
        assert!(
            error.is_timeout() && error.to_string().contains("web"),
            "{error}"
        );
        assert_eq!(script.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_is_followed_to_its_end() {
        let (slow, script) = previews(vec![is("DELETING"), is("DELETING"), refused(404)]);
        slow.delete_and_wait("web").await.unwrap();
        assert_eq!(script.lines(), [DELETE, GET, GET]);
        assert_eq!(script.elapsed(), POLL);
        let (quick, script) = previews(vec![is("DEPLOYED")]);
        quick.delete_and_wait("web").await.unwrap();
        assert_eq!(script.lines(), [DELETE]);
        let (none, _) = previews(vec![refused(404)]);
        assert!(
            none.delete_and_wait("web")
                .await
                .unwrap_err()
                .is_not_found()
        );
    }
}
