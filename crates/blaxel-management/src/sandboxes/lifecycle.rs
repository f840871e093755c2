//! The automatic deletion of sandboxes.

use blaxel_core::{Period, Timestamp, open_enum};

record! {
    /// The rules for the automatic deletion of a sandbox, and the retention of its record.
    ///
    /// ```
    /// use blaxel_core::Period;
    /// use blaxel_management::sandboxes::{ExpirationPolicy, Sandbox, SandboxLifecycle};
    ///
    /// let idle = ExpirationPolicy::idle(Period::hours(1));
    /// let lifecycle = SandboxLifecycle::new()
    ///     .expiration_policies([idle])
    ///     .terminated_retention(Period::hours(2));
    /// let sandbox = Sandbox::new("code-runner").lifecycle(lifecycle);
    /// # let _ = sandbox;
    /// ```
    pub struct SandboxLifecycle {
        /// The expiration policies. The first one whose condition is met applies.
        pub expiration_policies: Option<Vec<ExpirationPolicy>>,
        /// The time for which the record of a terminated sandbox is kept, so that its logs can be read. The
        /// server's default is `5m`; the maximum depends on the quota.
        pub terminated_retention: Option<Period>,
    }

    /// A condition under which a sandbox is deleted.
    pub struct ExpirationPolicy {
        /// The action to take.
        pub action: Option<ExpirationAction>,
        /// The type of the condition.
        #[serde(rename = "type")]
        pub kind: Option<ExpirationKind>,
        /// The value of the condition: a period such as `24h`, or a timestamp if the type is a date.
        pub value: Option<String>,
    }
}

open_enum! {
    /// The action that an [`ExpirationPolicy`] takes.
    pub enum ExpirationAction {
        /// Delete the sandbox.
        Delete = "delete",
    }
}

open_enum! {
    /// The condition of an [`ExpirationPolicy`].
    pub enum ExpirationKind {
        /// The time since the last use.
        Idle = "ttl-idle",
        /// The time since the creation.
        MaxAge = "ttl-max-age",
        /// A fixed date.
        Date = "date",
    }
}

impl ExpirationPolicy {
    /// Creates a policy that deletes the sandbox after this time without use. The server accepts 60 seconds and more.
    #[must_use]
    pub fn idle(time: impl Into<Period>) -> Self {
        Self::deletion(ExpirationKind::Idle, String::from(time.into()))
    }

    /// Creates a policy that deletes the sandbox this long after its creation. The server accepts 5 minutes and more.
    #[must_use]
    pub fn max_age(time: impl Into<Period>) -> Self {
        Self::deletion(ExpirationKind::MaxAge, String::from(time.into()))
    }

    /// Creates a policy that deletes the sandbox at this time.
    #[must_use]
    pub fn on_date(moment: impl Into<Timestamp>) -> Self {
        Self::deletion(ExpirationKind::Date, moment.into().as_str())
    }

    /// Creates a policy that deletes the sandbox.
    fn deletion(kind: ExpirationKind, value: impl Into<String>) -> Self {
        Self::new()
            .action(ExpirationAction::Delete)
            .kind(kind)
            .value(value)
    }
}
