//! The settings for what a test observes, and for the failures that it meets by chance.

use super::Builder;

impl Builder {
    /// Keeps the headers of requests and responses in the journal, and at most `limit` bytes of each
    /// body. By default they are not kept.
    ///
    /// Secrets are masked: those in headers, parameters and members whose names say so, and the
    /// credentials that the emulator knows. All bodies together have at most 64 MiB; the oldest ones are
    /// dropped first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use blaxel_core::{Plane, raw_request};
    /// use blaxel_emulator::Emulator;
    /// use tower_service::Service as _;
    ///
    /// let emulator = Emulator::builder().journal_contents(64 << 10).build();
    /// let request = raw_request(Plane::Control, http::Request::get("/models").body("")?)?;
    /// drop(emulator.service().call(request).await?);
    /// let entry = &emulator.journal()[0];
    /// let headers = &entry.request.as_ref().ok_or("not kept")?.headers;
    /// assert_eq!(headers["x-blaxel-authorization"], "Bearer ****");
    /// # Ok(())
    /// # }
    /// ```
    pub fn journal_contents(mut self, limit: usize) -> Self {
        self.config.journal_contents = Some(limit);
        self
    }

    /// Lets one request of ten, by chance, meet a fault of an [`Incident`](crate::Incident).
    ///
    /// The chance depends on the seed, the operation and the number of its calls so far, and on nothing
    /// else: the same seed and the same calls give the same faults, whatever other operations run at the
    /// same time. [`Entry::incident`](crate::Entry::incident) names the incident that a request met.
    /// Faults that were asked for come first. Incidents without a fault, such as `clock-skew`, are left
    /// out.
    ///
    /// ```
    /// let emulator = blaxel_emulator::Emulator::builder().chaos(4711).build();
    /// assert_eq!(emulator.chaos_seed(), Some(4711));
    /// ```
    pub fn chaos(mut self, seed: u64) -> Self {
        self.config.chaos = Some(seed);
        self
    }
}
