//! Logs and quotas.

use std::time::Duration;

use blaxel_core::Timestamp;
use blaxel_management::logs::{LogQuery, LogSource, Severity};
use blaxel_management::quotas::QuotaKind;

use crate::support::table::Request;
use crate::support::{World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    quotas(world).await;
    logs(world).await;
}

async fn quotas(world: &World) {
    let account = world.emulator.account_id();
    let quotas = world.api().quotas(account).await.unwrap();
    let exchange = world.assert_sent(request("GetAccountQuotas").path_params([account]));
    assert_keeps_all(&quotas, exchange.response());
    assert!(quotas.number(&QuotaKind::Memory).is_some());
}

async fn logs(world: &World) {
    world.emulator.add_agent("bot");
    let now = world.emulator.clock().now();
    let (seconds, _) = now.unix().expect("a time");
    let time = |seconds| Timestamp::from_unix(seconds, 0);
    let plain = |seconds| time(seconds).as_str().trim_end_matches('Z').to_owned();
    let (start, end) = (seconds, seconds + 3600);
    world.emulator.clock().advance(Duration::from_secs(3600));

    let query = LogQuery::agents(["bot"])
        .since(time(start))
        .until(time(end));
    let logs = world.api().logs(&query).await.unwrap();
    let asked = |severities: &str| {
        request("GetLogs")
            .query("start", plain(start))
            .query("end", plain(end))
            .query("workloadIds", "bot")
            .query("type", "all")
            .query("severity", severities)
            .query("interval", 60)
    };
    let unfiltered = |request: Request| {
        request
            .query("resourceType", "agents")
            .query("limit", 1000)
            .query("offset", 0)
            .query("traceId", "")
            .query("search", "")
            .query("taskId", "")
            .query("executionId", "")
    };
    let all = "FATAL,ERROR,WARNING,INFO,DEBUG,TRACE,UNKNOWN";
    let exchange = world.assert_sent(unfiltered(asked(all)));
    assert_keeps_all(&logs, exchange.response());
    let entries = logs["bot"].logs.as_ref().expect("entries");
    assert!(!entries.is_empty());

    // Each filter has its own parameter.
    let query = LogQuery::of(LogSource::Jobs, ["bot"])
        .since(time(start))
        .until(time(end))
        .severity(Severity::Error)
        .severity(Severity::Fatal)
        .search("time out")
        .trace("t-1")
        .execution("run-1")
        .task("task-0")
        .limit(10)
        .offset(20);
    let logs = world.api().logs(&query).await.unwrap();
    let asked = asked("ERROR,FATAL")
        .query("resourceType", "jobs")
        .query("limit", 10)
        .query("offset", 20)
        .query("traceId", "t-1")
        .query("search", "time out")
        .query("taskId", "task-0")
        .query("executionId", "run-1");
    let exchange = world.assert_sent(asked);
    assert_keeps_all(&logs, exchange.response());
}
