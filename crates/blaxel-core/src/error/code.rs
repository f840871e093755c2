//! The codes of the platform's errors.

use super::Error;
use super::api_error::{ApiError, ErrorOrigin};

crate::open_enum! {
    /// A code of the platform, which says what went wrong more precisely than the HTTP status.
    ///
    /// [`Error::platform_code`](crate::Error::platform_code) returns it. The platform adds codes over time;
    /// one without a variant here becomes `Other`. A code can be compared with a text as well:
    ///
    /// ```
    /// use blaxel_core::{Error, ErrorCode};
    ///
    /// let body = r#"{"code": "SANDBOX_ALREADY_EXISTS", "message": "dev exists"}"#;
    /// let (head, ()) = http::Response::builder().status(409).body(())?.into_parts();
    /// let error = Error::from_response(None, &head, body.as_bytes());
    ///
    /// assert_eq!(error.platform_code(), Some(ErrorCode::SandboxAlreadyExists));
    /// assert!(error.platform_code().unwrap() == "SANDBOX_ALREADY_EXISTS");
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// The predicates of [`Error`](crate::Error), such as `is_not_found` and `is_transient`, cover the usual
    /// decisions. Use a code where a status has several causes that need different reactions. The platform
    /// describes only some of its codes; the lines on the others follow their names.
    ///
    /// The variants are in three groups: those of the gateway in front of the workloads, those of the control
    /// plane in general, and those of the creation and the forks of sandboxes.
    pub enum ErrorCode {
        /// The gateway serves no such path. Correct the address.
        RouteNotFound = "ROUTE_NOT_FOUND",
        /// There is no workload of this name. Deploy it, or correct the name.
        WorkloadNotFound = "WORKLOAD_NOT_FOUND",
        /// There is no workspace of this name. Correct the workspace of the client.
        WorkspaceNotFound = "WORKSPACE_NOT_FOUND",
        /// The workload has no running instance at the moment. Call it again within a minute, if
        /// [`Error::is_transient`](crate::Error::is_transient) is `true`. Unarchive a sandbox that is archived.
        WorkloadUnavailable = "WORKLOAD_UNAVAILABLE",
        /// The workload's last deployment failed. Read its logs, and deploy it again.
        WorkloadFailed = "WORKLOAD_FAILED",
        /// The gateway cannot find the way to any workload at the moment. Call it again later.
        RoutingUnavailable = "ROUTING_UNAVAILABLE",
        /// The request has no credential. Configure one.
        AuthenticationRequired = "AUTHENTICATION_REQUIRED",
        /// The credential is invalid or has expired. Replace it.
        AuthenticationFailed = "AUTHENTICATION_FAILED",
        /// The credential was revoked. Sign in again, or create another API key.
        TokenRevoked = "TOKEN_REVOKED",
        /// The credential lacks the permission. Grant it, or use another credential.
        Forbidden = "FORBIDDEN",
        /// The request is malformed. Correct it.
        BadRequest = "BAD_REQUEST",
        /// The body of the request is too large. Send less at once.
        RequestEntityTooLarge = "REQUEST_ENTITY_TOO_LARGE",
        /// A limit of the plan is used up. Wait for the next period, or raise the limit.
        UsageLimitExceeded = "USAGE_LIMIT_EXCEEDED",
        /// A policy of the workspace forbids the request. Change the request or the policy.
        PolicyViolation = "POLICY_VIOLATION",
        /// The gateway could not connect to the workload. Call it again later.
        UpstreamConnectFailed = "UPSTREAM_CONNECT_FAILED",
        /// A connection to the workload took too long. Call it again later.
        UpstreamConnectTimeout = "UPSTREAM_CONNECT_TIMEOUT",
        /// The connection to the workload failed. The workload may have processed the request.
        UpstreamError = "UPSTREAM_ERROR",
        /// The workload took too long to respond. It may still process the request.
        UpstreamTimeout = "UPSTREAM_TIMEOUT",
        /// The gateway failed. Call it again later, and report the request id if it keeps failing.
        GatewayInternalError = "GATEWAY_INTERNAL_ERROR",

        /// The credential is missing, invalid or expired. Replace it.
        Unauthorized = "UNAUTHORIZED",
        /// The credential is not valid for this workspace. Use one of the workspace.
        UnauthorizedWorkspace = "UNAUTHORIZED_WORKSPACE",
        /// The platform cannot check credentials at the moment. Call it again later.
        AuthenticationUnavailable = "AUTHENTICATION_UNAVAILABLE",
        /// The request names no workspace, and the credential has several. Set the workspace of the client.
        WorkspaceRequired = "WORKSPACE_REQUIRED",
        /// The server does not know the API version. `Error::offered_versions` has those that it knows.
        InvalidApiVersion = "invalid_api_version",
        /// The cursor of a list has expired or belongs to another query. Read the list from its beginning.
        InvalidCursor = "invalid_cursor",
        /// There is a volume of this name. Use it, or choose another name.
        VolumeAlreadyExists = "VOLUME_ALREADY_EXISTS",
        /// There is a drive of this name. Use it, or choose another name.
        DriveAlreadyExists = "DRIVE_ALREADY_EXISTS",
        /// There is an application of this name. Use it, or choose another name.
        ApplicationAlreadyExists = "APPLICATION_ALREADY_EXISTS",

        /// The platform could not read the request. Send it again.
        ReadFailed = "READ_FAILED",
        /// The request is not valid JSON of the expected form. Correct it.
        ParseFailed = "PARSE_FAILED",
        /// A member of the request has an invalid value. Correct it.
        ValidationFailed = "VALIDATION_FAILED",
        /// A member of the request has an invalid value. Correct it.
        ValidationError = "VALIDATION_ERROR",
        /// A value of the request is invalid. Correct it.
        InvalidInput = "INVALID_INPUT",
        /// The image cannot be used. The member `details` may list those that can.
        InvalidImage = "INVALID_IMAGE",
        /// There is no such image. Build it first, or correct its name.
        ImageNotFound = "IMAGE_NOT_FOUND",
        /// A sandbox of this kind cannot be created from an upload. Build an image instead.
        UploadNotSupported = "UPLOAD_NOT_SUPPORTED",
        /// This generation of sandboxes lacks a feature that the request uses. Choose another generation.
        UnsupportedGeneration = "UNSUPPORTED_GENERATION",
        /// The parts of the request need different kernel generations. Choose the same one for all.
        KernelGenerationMismatch = "KERNEL_GENERATION_MISMATCH",
        /// A port is invalid, reserved or listed twice. Correct the ports.
        InvalidPorts = "INVALID_PORTS",
        /// There is no such region, or it does not run sandboxes. Choose another region.
        InvalidRegion = "INVALID_REGION",
        /// The parts of the request are in different regions. Choose the same region for all.
        RegionMismatch = "REGION_MISMATCH",
        /// A volume or its mount path is invalid. Correct it.
        InvalidVolume = "INVALID_VOLUME",
        /// The sandbox would have too many volumes. Attach fewer.
        InvalidVolumeCount = "INVALID_VOLUME_COUNT",
        /// A volume is in another region than the sandbox. Choose the region of the volume.
        InvalidVolumeRegion = "INVALID_VOLUME_REGION",
        /// Another sandbox has the volume. Delete that sandbox first, or use another volume.
        VolumeAlreadyAttached = "VOLUME_ALREADY_ATTACHED",
        /// The volume and the sandbox are of different providers. Use another volume or region.
        VolumeProviderMismatch = "VOLUME_PROVIDER_MISMATCH",
        /// There is no such volume. Create it first.
        VolumeNotFound = "VOLUME_NOT_FOUND",
        /// The workspace belongs to no account. Contact the platform's support.
        AccountNotFound = "ACCOUNT_NOT_FOUND",
        /// There is a sandbox of this name. Use it, or choose another name.
        SandboxAlreadyExists = "SANDBOX_ALREADY_EXISTS",
        /// The sandbox of this name is being deleted. Create it once that has ended.
        SandboxDeletionInProgress = "SANDBOX_DELETION_IN_PROGRESS",
        /// The sandbox was deleted meanwhile. Create it again.
        SandboxDeleted = "SANDBOX_DELETED",
        /// The volume was deleted meanwhile. Create it again.
        VolumeDeleted = "VOLUME_DELETED",
        /// The sandbox did not start in time. Look it up before you create it again.
        CreationTimeout = "CREATION_TIMEOUT",
        /// A limit of the plan is used up. Delete resources, or raise the limit.
        QuotaExceeded = "QUOTA_EXCEEDED",
        /// There were too many requests. Send fewer, and later.
        RateLimitExceeded = "RATE_LIMIT_EXCEEDED",
        /// The workspace sent too many requests. Send fewer, and later.
        WorkspaceRateLimitExceeded = "WORKSPACE_RATE_LIMIT_EXCEEDED",
        /// A part of the platform is not available at the moment. Try again later.
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        /// The platform's database failed. Try again later.
        DatabaseError = "DATABASE_ERROR",
        /// Another request about the same resource is in progress. Try again later.
        LockAcquisitionFailed = "LOCK_ACQUISITION_FAILED",
        /// The platform could not look the volume up. Try again later.
        VolumeLookupFailed = "VOLUME_LOOKUP_FAILED",
        /// A build could not be started. Try again later.
        BuildTriggerError = "BUILD_TRIGGER_ERROR",
        /// The platform could not create the address of an upload. Try again later.
        PresignedUrlError = "PRESIGNED_URL_ERROR",
        /// Uploads are not available at the moment. Try again later.
        UploadUnavailable = "UPLOAD_UNAVAILABLE",
        /// The sandbox could not be started. Read the message, and create it again.
        DeploymentFailed = "DEPLOYMENT_FAILED",
        /// The platform could not reach the machines of the region. Try again later, or in another region.
        ClusterGatewayError = "CLUSTER_GATEWAY_ERROR",
        /// The lockdown of the sandbox failed. Try again later.
        LockdownError = "LOCKDOWN_ERROR",
        /// The proxy settings of the sandbox could not be applied. Correct them.
        ProxyConfigError = "PROXY_CONFIG_ERROR",
        /// The platform could not use the request that it had checked. Report the request id.
        ValidatedDataError = "VALIDATED_DATA_ERROR",
        /// The platform has no data about the workspace. Report the request id.
        WorkspaceDataMissing = "WORKSPACE_DATA_MISSING",
        /// The platform could not pass the result on. Look the sandbox up before you create it again.
        CallbackSendFailed = "CALLBACK_SEND_FAILED",
        /// The fork failed. Look the new sandbox up before you fork again.
        ForkFailed = "FORK_FAILED",
        /// The platform failed to handle the request. Report the request id.
        HandlerError = "HANDLER_ERROR",
        /// The platform failed. Try again later, and report the request id if it keeps failing.
        InternalError = "INTERNAL_ERROR",
        /// The platform failed for an unknown reason. Report the request id.
        UnknownError = "UNKNOWN_ERROR",
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == text
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

impl Error {
    /// Returns the error code if the platform itself sent it: the gateway or the control plane.
    ///
    /// ```
    /// use blaxel_core::{Error, ErrorCode};
    ///
    /// fn advise(error: &Error) -> &'static str {
    ///     match error.platform_code() {
    ///         Some(ErrorCode::ImageNotFound) => "build the image first",
    ///         Some(ErrorCode::VolumeAlreadyAttached) => "delete the other sandbox first",
    ///         _ => "read the message",
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn platform_code(&self) -> Option<ErrorCode> {
        self.api()?.platform_code()
    }
}

impl ApiError {
    /// Returns the code if the platform itself sent the response: the gateway or the control plane.
    ///
    /// A workload, a storage and an OAuth endpoint have codes of their own, some of them with the same texts;
    /// [`code`](Self::code) returns those too.
    #[must_use]
    pub fn platform_code(&self) -> Option<ErrorCode> {
        match self.origin() {
            ErrorOrigin::Gateway | ErrorOrigin::ControlPlane => self.code().map(ErrorCode::from),
            _ => None,
        }
    }
}
