//! The outcome of a call that creates a resource only if necessary.

/// A resource, and the way in which it was obtained: the outcome of [`apply`](crate::Collection::apply), and of
/// other calls that create a resource only if necessary.
///
/// ```
/// use blaxel_management::Outcome;
/// use blaxel_management::agents::Agent;
///
/// let outcome = Outcome::Created(Agent::new("support-bot"));
/// assert!(outcome.is_created());
/// assert_eq!(outcome.resource().metadata.name, "support-bot");
/// let agent: Agent = outcome.into_resource();
/// # let _ = agent;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome<R> {
    /// The resource did not exist, or was unusable, and was created.
    Created(R),
    /// The resource existed, and was replaced.
    Replaced(R),
    /// The resource existed, and was left unchanged. It need not equal the draft of the call.
    Unchanged(R),
}

impl<R> Outcome<R> {
    /// Returns `true` if the resource was created.
    #[must_use]
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }

    /// Returns a reference to the stored version of the resource.
    #[must_use]
    pub fn resource(&self) -> &R {
        match self {
            Self::Created(resource) | Self::Replaced(resource) | Self::Unchanged(resource) => {
                resource
            }
        }
    }

    /// Returns the stored version of the resource.
    #[must_use]
    pub fn into_resource(self) -> R {
        match self {
            Self::Created(resource) | Self::Replaced(resource) | Self::Unchanged(resource) => {
                resource
            }
        }
    }
}

impl<R> Outcome<R> {
    /// Returns the outcome with the resource replaced by the result of a function of it.
    ///
    /// ```
    /// use blaxel_management::Outcome;
    /// use blaxel_management::agents::Agent;
    ///
    /// let name = Outcome::Created(Agent::new("support-bot")).map(|agent| agent.metadata.name);
    /// assert_eq!(name, Outcome::Created("support-bot".to_owned()));
    /// ```
    #[must_use]
    pub fn map<T>(self, function: impl FnOnce(R) -> T) -> Outcome<T> {
        match self {
            Self::Created(resource) => Outcome::Created(function(resource)),
            Self::Replaced(resource) => Outcome::Replaced(function(resource)),
            Self::Unchanged(resource) => Outcome::Unchanged(function(resource)),
        }
    }
}

#[cfg(feature = "upload")]
impl<R> Outcome<R> {
    /// Returns the outcome of a sequence of calls whose first one may have created the resource.
    pub(crate) fn created_if(self, was_created: bool) -> Self {
        match was_created {
            true => Self::Created(self.into_resource()),
            false => self,
        }
    }
}

#[cfg(feature = "upload")]
impl<R, T> Outcome<(R, T)> {
    /// Separates the second value of the pair from the outcome.
    pub(crate) fn unzip(self) -> (Outcome<R>, T) {
        match self {
            Self::Created((resource, other)) => (Outcome::Created(resource), other),
            Self::Replaced((resource, other)) => (Outcome::Replaced(resource), other),
            Self::Unchanged((resource, other)) => (Outcome::Unchanged(resource), other),
        }
    }
}
