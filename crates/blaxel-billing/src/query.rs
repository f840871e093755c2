//! The query for an account's metrics.

use blaxel_core::{Cursor, Error, RequestWriter, Source};

use crate::access::AdminOnly;
use crate::dimension::{BillingDimension, Dimension};
use crate::window::{Resolution, Window};

/// The maximum number of dimensions in one query.
const MAX_GROUPS: usize = 3;
/// The maximum number of groups in a page. The server silently lowers a higher limit to this one.
const MAX_LIMIT: u32 = 100;

/// A query for the costs of an account.
///
/// It is checked before it is sent: a query that the server would refuse, or would silently change,
/// is an error that states the reason.
///
/// ```
/// use blaxel_billing::{Dimension, MetricsQuery, Resolution, Window};
///
/// let query = MetricsQuery::new(Window::month(2026, 4)?)
///     .group_by(Dimension::ResourceType)
///     .resolution(Resolution::Daily);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MetricsQuery {
    window: Window,
    resolution: Option<Resolution>,
    groups: Vec<Dimension>,
    workspace: Option<String>,
    resource_type: Option<String>,
    resource_name: Option<String>,
    resource_uuid: Option<String>,
    billing_dimension: Option<BillingDimension>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

impl MetricsQuery {
    /// Creates a query for the costs of the whole account in a window of time.
    pub fn new(window: Window) -> Self {
        Self {
            window,
            resolution: None,
            groups: Vec::new(),
            workspace: None,
            resource_type: None,
            resource_name: None,
            resource_uuid: None,
            billing_dimension: None,
            limit: None,
            cursor: None,
        }
    }

    /// Returns the window.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Sets the length of the steps. By default the server chooses [`Window::automatic_resolution`].
    pub fn resolution(mut self, resolution: Resolution) -> Self {
        self.resolution = Some(resolution);
        self
    }

    /// Adds a dimension to group the costs by. Up to three dimensions can be added, in any order; each group is
    /// then a combination of one value of each. [`Dimension::Workspace`] is for administrators of the account
    /// only; see [`admin_only`](Self::admin_only). None by default: the costs of the whole account.
    pub fn group_by(mut self, dimension: Dimension) -> Self {
        self.groups.push(dimension);
        self
    }

    /// Filters by workspace. Only administrators of the account may do so: others get a 403. No filter by
    /// default.
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.workspace = Some(name.into());
        self
    }

    /// Filters by resource type, such as `sandbox`. No filter by default.
    pub fn resource_type(mut self, kind: impl Into<String>) -> Self {
        self.resource_type = Some(kind.into());
        self
    }

    /// Filters by resource name. No filter by default.
    pub fn resource_name(mut self, name: impl Into<String>) -> Self {
        self.resource_name = Some(name.into());
        self
    }

    /// Filters by resource id. Only resources whose id the server knows can match. No filter by default.
    pub fn resource_uuid(mut self, id: impl Into<String>) -> Self {
        self.resource_uuid = Some(id.into());
        self
    }

    /// Filters by billing dimension, that is, by kind of metered usage. No filter by default.
    pub fn billing_dimension(mut self, dimension: BillingDimension) -> Self {
        self.billing_dimension = Some(dimension);
        self
    }

    /// Sets the maximum number of groups in a page, from 1 to 100. The server's default is 100.
    pub fn limit(mut self, groups: u32) -> Self {
        self.limit = Some(groups);
        self
    }

    /// Sets the cursor to start at, which the server must have issued for the same query. By default the query
    /// starts at the first page.
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    pub(crate) fn has_cursor(&self) -> bool {
        self.cursor.is_some()
    }

    pub(crate) fn take_cursor(&mut self) -> Option<Cursor> {
        self.cursor.take()
    }

    /// Replaces the window.
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Returns the requested resolution, or the one that the server chooses by default.
    pub(crate) fn expected_resolution(&self) -> Resolution {
        let requested = self.resolution.clone();
        requested.unwrap_or_else(|| self.window.automatic_resolution())
    }

    pub(crate) fn requested_resolution(&self) -> Option<&Resolution> {
        self.resolution.as_ref()
    }

    pub(crate) fn grouping(&self) -> &[Dimension] {
        &self.groups
    }

    /// Returns the reason why only administrators of the account may send this query, if there is
    /// one: it filters or groups by workspace. Others get a 403 with this reason as its cause; see
    /// [`AdminOnly`].
    ///
    /// ```
    /// use blaxel_billing::{Dimension, MetricsQuery, Window};
    ///
    /// let query = MetricsQuery::new(Window::month(2026, 4)?);
    /// assert!(query.admin_only().is_none());
    /// assert!(query.group_by(Dimension::Workspace).admin_only().is_some());
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[must_use]
    pub fn admin_only(&self) -> Option<AdminOnly> {
        let reason = AdminOnly {
            filters: self.workspace.is_some(),
            groups: self.groups.contains(&Dimension::Workspace),
        };
        (reason.filters || reason.groups).then_some(reason)
    }

    /// Splits the query into queries whose windows the server accepts with the requested resolution.
    pub(crate) fn split(&self) -> Vec<Self> {
        let Some(resolution) = &self.resolution else {
            return vec![self.clone()];
        };
        let windows = self.window.split(resolution).into_iter();
        windows
            .map(|window| self.clone().with_window(window))
            .collect()
    }

    /// Checks the query against the rules of the server, as every call does before it sends the query.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], stating the rule: more than three dimensions, or one twice; a limit
    /// outside of 1 to 100; a window longer than the resolution allows; an empty filter, which the
    /// server would ignore.
    pub fn check(&self) -> Result<(), Error> {
        self.check_except_length()?;
        let Some((resolution, longest)) = self
            .resolution
            .as_ref()
            .and_then(|resolution| Some((resolution, resolution.longest_window()?)))
        else {
            return Ok(());
        };
        if self.window.length() <= longest {
            return Ok(());
        }
        let days = longest.as_secs() / 86_400;
        Err(invalid(
            "resolution",
            &format!(
                "{resolution} steps are available for windows of up to {days} days, and {} is longer; \
                 use longer steps, or `Billing::report`, which splits the window",
                self.window
            ),
        ))
    }

    /// Checks all rules except the length of the window, which [`split`](Self::split) takes care of.
    pub(crate) fn check_except_length(&self) -> Result<(), Error> {
        let count = self.groups.len();
        if count > MAX_GROUPS {
            return Err(invalid(
                "grouping",
                &format!("{count} dimensions are too many; the maximum is {MAX_GROUPS}"),
            ));
        }
        for (index, group) in self.groups.iter().enumerate() {
            if self
                .groups
                .iter()
                .take(index)
                .any(|earlier| earlier == group)
            {
                return Err(invalid("grouping", &format!("`{group}` is named twice")));
            }
            // The dimensions are sent as a list separated by commas.
            if group.as_str().is_empty() || group.as_str().contains(',') {
                return Err(invalid(
                    "grouping",
                    &format!("`{group}` is not a dimension"),
                ));
            }
        }
        if let Some(limit) = self.limit
            && !(1..=MAX_LIMIT).contains(&limit)
        {
            return Err(invalid(
                "limit",
                &format!("{limit} is not within 1 to {MAX_LIMIT}"),
            ));
        }
        let empty = self
            .filters()
            .into_iter()
            .find(|(_, value)| *value == Some(""));
        match empty {
            Some((name, _)) => Err(invalid(
                name,
                "the filter is empty, which would filter nothing",
            )),
            None => Ok(()),
        }
    }

    fn filters(&self) -> [(&'static str, Option<&str>); 5] {
        let metered = self.billing_dimension.as_ref();
        [
            ("workspace", self.workspace.as_deref()),
            ("resourceType", self.resource_type.as_deref()),
            ("resourceName", self.resource_name.as_deref()),
            ("resourceUuid", self.resource_uuid.as_deref()),
            ("billingDimension", metered.map(BillingDimension::as_str)),
        ]
    }

    /// Writes the query parameters.
    pub(crate) fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.check()?;
        self.window.write(request);
        request.query_opt("resolution", self.resolution.as_ref());
        if !self.groups.is_empty() {
            let groups: Vec<_> = self.groups.iter().map(Dimension::as_str).collect();
            request.query("groupBy", groups.join(","));
        }
        for (name, value) in self.filters() {
            request.query_opt(name, value);
        }
        request.query_opt("limit", self.limit);
        request.query_opt("cursor", self.cursor.as_ref().map(Cursor::as_str));
        Ok(())
    }
}

fn invalid(what: &str, problem: &str) -> Error {
    Error::input(what, &Source::Code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn april() -> MetricsQuery {
        MetricsQuery::new(Window::month(2026, 4).unwrap())
    }

    #[test]
    fn rules_are_checked_before_sending() {
        use Dimension::{BillingDimension, ResourceName, ResourceType, Workspace};
        let four = [Workspace, ResourceType, ResourceName, BillingDimension];
        for (query, part) in [
            (
                four.into_iter().fold(april(), MetricsQuery::group_by),
                "maximum is 3",
            ),
            (
                april().group_by(ResourceType).group_by(ResourceType),
                "named twice",
            ),
            (april().group_by(Dimension::from("")), "not a dimension"),
            (april().group_by(Dimension::from("a,b")), "not a dimension"),
            (april().resource_type(""), "resourceType"),
            (april().limit(0), "within 1 to 100"),
            (april().limit(101), "within 1 to 100"),
            (april().resolution(Resolution::Hourly), "up to 7 days"),
        ] {
            let error = query.check().unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains(part),
                "{error}"
            );
        }
        assert!(
            april()
                .resolution(Resolution::Daily)
                .limit(100)
                .check()
                .is_ok()
        );
        // A resolution that this version does not know is left to the server.
        assert!(
            april()
                .resolution(Resolution::from("minutely"))
                .check()
                .is_ok()
        );
    }
}
