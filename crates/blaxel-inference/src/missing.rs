//! Methods of features that are not enabled. A call of one fails to compile, and the error names the
//! feature.

use blaxel_core::HttpService;

use crate::Inference;

/// A bound that nothing satisfies.
///
/// ```compile_fail,E0277
/// # use blaxel_core::BoxService;
/// # fn example(inference: blaxel_inference::Inference<BoxService>) {
/// let server = inference.function("search");
/// # }
/// ```
///
/// ```compile_fail,E0277
/// # use blaxel_core::BoxService;
/// # fn example(inference: blaxel_inference::Inference<BoxService>) {
/// let server = inference.sandbox("my-sandbox");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "MCP servers require the feature `mcp` of `blaxel` or `blaxel-inference`",
    label = "the feature `mcp` is not enabled",
    note = "enable it in `Cargo.toml`, for instance by `cargo add blaxel --features mcp`"
)]
pub trait McpFeature {}

// The return type is generic, so that only the missing feature is reported.
impl<S: HttpService> Inference<S> {
    #[doc(hidden)]
    #[must_use]
    pub fn function<T>(&self, _name: impl Into<String>) -> T
    where
        S: McpFeature,
    {
        unreachable!("no type has the bound")
    }

    #[doc(hidden)]
    #[must_use]
    pub fn sandbox<T>(&self, _name: impl Into<String>) -> T
    where
        S: McpFeature,
    {
        unreachable!("no type has the bound")
    }
}
