//! The example programs of the guide. Each is compiled, and run against the emulator, as a doctest.

#[doc = include_str!("../../docs/guide/README.md")]
mod index {}

#[doc = include_str!("../../docs/guide/list.md")]
mod list {}

#[doc = include_str!("../../docs/guide/call-an-agent.md")]
mod call_an_agent {}

#[doc = include_str!("../../docs/guide/sign-in.md")]
mod sign_in {}

#[doc = include_str!("../../docs/guide/change-safely.md")]
mod change_safely {}

#[doc = include_str!("../../docs/guide/stream-a-model.md")]
mod stream_a_model {}

#[doc = include_str!("../../docs/guide/run-a-job.md")]
mod run_a_job {}

#[doc = include_str!("../../docs/guide/use-tools.md")]
mod use_tools {}

#[doc = include_str!("../../docs/guide/read-costs.md")]
mod read_costs {}

#[doc = include_str!("../../docs/guide/write-a-middleware.md")]
mod write_a_middleware {}

#[doc = include_str!("../../docs/guide/handle-errors.md")]
mod handle_errors {}

#[doc = include_str!("../../docs/guide/test-with-the-emulator.md")]
mod test_with_the_emulator {}

#[doc = include_str!("../../docs/guide/move-to-rust.md")]
mod move_to_rust {}

#[doc = include_str!("../../docs/guide/from-synchronous-code.md")]
mod from_synchronous_code {}

#[doc = include_str!("../../docs/guide/bring-your-own-http-engine.md")]
mod bring_your_own_http_engine {}

#[doc = include_str!("../../docs/guide/observe.md")]
mod observe {}
