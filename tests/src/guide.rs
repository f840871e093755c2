//! The example programs of the guide. Each is compiled, and run against the emulator, as a doctest.

#[doc = include_str!("../../docs/guide/README.md")]
mod index {}

#[doc = include_str!("../../docs/guide/list.md")]
mod list {}

#[doc = include_str!("../../docs/guide/create-a-sandbox.md")]
mod create_a_sandbox {}

#[doc = include_str!("../../docs/guide/run-commands-in-a-sandbox.md")]
mod run_commands_in_a_sandbox {}

#[doc = include_str!("../../docs/guide/move-files.md")]
mod move_files {}

#[doc = include_str!("../../docs/guide/show-a-running-app.md")]
mod show_a_running_app {}

#[doc = include_str!("../../docs/guide/run-commands-on-a-schedule.md")]
mod run_commands_on_a_schedule {}

#[doc = include_str!("../../docs/guide/keep-secrets-out-of-sandboxes.md")]
mod keep_secrets_out_of_sandboxes {}

#[doc = include_str!("../../docs/guide/survive-restarts-and-standby.md")]
mod survive_restarts_and_standby {}

#[doc = include_str!("../../docs/guide/keep-the-state-of-a-sandbox.md")]
mod keep_the_state_of_a_sandbox {}

#[doc = include_str!("../../docs/guide/build-an-image.md")]
mod build_an_image {}

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

#[doc = include_str!("../../docs/guide/coming-from-e2b-daytona-or-modal.md")]
mod coming_from_e2b_daytona_or_modal {}
