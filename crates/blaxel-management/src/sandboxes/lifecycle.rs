//! When a sandbox is deleted by itself.

use blaxel_core::{Period, Timestamp, open_enum};

record! {
    /// When a sandbox is deleted by itself, and what is kept of it then.
    pub struct SandboxLifecycle {
        /// The conditions. The first one that is met decides.
        pub expiration_policies: Option<Vec<ExpirationPolicy>>,
        /// How long the record of it is kept after its end, so that its logs can be read. The server takes
        /// `5m` by default; the most is a matter of quota.
        pub terminated_retention: Option<Period>,
    }

    /// A condition on which a sandbox is deleted.
    pub struct ExpirationPolicy {
        /// What is done.
        pub action: Option<ExpirationAction>,
        /// What is measured.
        #[serde(rename = "type")]
        pub kind: Option<ExpirationKind>,
        /// A span of time such as `24h`, or a moment if the kind is a date.
        pub value: Option<String>,
    }
}

open_enum! {
    /// What is done with a sandbox whose time has come.
    pub enum ExpirationAction {
        /// It is deleted.
        Delete = "delete",
    }
}

open_enum! {
    /// What an [`ExpirationPolicy`] measures.
    pub enum ExpirationKind {
        /// How long nobody has used it.
        Idle = "ttl-idle",
        /// How long it has been there.
        MaxAge = "ttl-max-age",
        /// The calendar.
        Date = "date",
    }
}

impl ExpirationPolicy {
    /// Deletes it when nobody has used it for so long.
    #[must_use]
    pub fn idle(time: impl Into<Period>) -> Self {
        Self::deletion(ExpirationKind::Idle, String::from(time.into()))
    }

    /// Deletes it so long after its creation.
    #[must_use]
    pub fn max_age(time: impl Into<Period>) -> Self {
        Self::deletion(ExpirationKind::MaxAge, String::from(time.into()))
    }

    /// Deletes it at a moment.
    #[must_use]
    pub fn on_date(moment: impl Into<Timestamp>) -> Self {
        Self::deletion(ExpirationKind::Date, moment.into().as_str())
    }

    fn deletion(kind: ExpirationKind, value: impl Into<String>) -> Self {
        Self::new()
            .action(ExpirationAction::Delete)
            .kind(kind)
            .value(value)
    }
}
