//! The futures of all calls are `Send`, for every service. The compiler proves it; nothing runs.

use std::time::Duration;

use blaxel_core::{BoxService, HttpService};
use blaxel_sandbox::archive::ExportOptions;
use blaxel_sandbox::codegen::{CodeEdit, RankOptions};
use blaxel_sandbox::drives::MountOptions;
use blaxel_sandbox::interpreter::ContextOptions;
use blaxel_sandbox::network::TunnelConfig;
use blaxel_sandbox::system::UpgradeOptions;
use blaxel_sandbox::{Fork, NewSnapshot, Sandbox, SandboxHandle, Sandboxes, SessionOptions};

fn is_send<T: Send>(_: T) {}

fn calls<S: HttpService>(sandbox: &SandboxHandle<S>, tunnel: &TunnelConfig) {
    let limit = Duration::ZERO;
    is_send(sandbox.health());
    is_send(sandbox.upgrade_and_wait(&UpgradeOptions::new(), limit));
    is_send(sandbox.reload_environment());
    is_send(sandbox.keep_awake(limit));
    is_send(sandbox.drives().mount(&MountOptions::new("a", "/a")));
    is_send(sandbox.drives().unmount("/a"));
    is_send(sandbox.codegen().apply_edit("/a", &CodeEdit::new("")));
    is_send(sandbox.codegen().rank("/a", &RankOptions::new("")));
    is_send(sandbox.network().ports(1));
    is_send(sandbox.network().connect_tunnel(tunnel));
    is_send(sandbox.archive().start_export(&ExportOptions::dry_run()));
    is_send(sandbox.archive().wait_for_export(limit));
    is_send(sandbox.interpreter().create_context(&ContextOptions::new()));
    is_send(sandbox.interpreter().run("").output());
    is_send(sandbox.interpreter().run("").stream());
    is_send(sandbox.command("true").output());
    is_send(sandbox.command("true").status());
    is_send(sandbox.command("true").spawn());
    is_send(sandbox.fs().read("/a"));
}

fn lifecycle<S: HttpService>(sandboxes: &Sandboxes<S>, options: &SessionOptions) {
    is_send(sandboxes.ensure(&Sandbox::new("a")));
    is_send(sandboxes.create(&Sandbox::new("a")));
    is_send(sandboxes.delete("a"));
    is_send(sandboxes.take_snapshot("a", &NewSnapshot::new()));
    is_send(sandboxes.restore("a", "b"));
    is_send(sandboxes.fork("a", &Fork::into_sandbox("b")));
    is_send(sandboxes.archive("a"));
    is_send(sandboxes.unarchive("a"));
    is_send(sandboxes.sessions("a").create_if_expired(options));
    is_send(sandboxes.sessions("a").delete("b"));
}

#[test]
fn every_future_is_send_for_every_service() {
    let _: fn(&SandboxHandle<BoxService>, &TunnelConfig) = calls;
    let _: fn(&Sandboxes<BoxService>, &SessionOptions) = lifecycle;
}
