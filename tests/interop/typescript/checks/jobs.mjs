// Executions of a job, with the SDK's helper.

import assert from "node:assert/strict";

import { PREFIX, check, good, paged, sdk, throws } from "./harness.mjs";

const JOB = `${PREFIX}-runs`;
const SOON = { maxWait: 10_000, interval: 100 };

export default async function jobs() {
  const job = sdk.blJob(JOB);
  const spec = {
    enabled: true,
    runtime: { image: "registry/job:1", memory: 2048, maxRetries: 1, timeout: 60 },
  };
  let first;

  await check("job: run starts an execution, whose tasks are counted", async () => {
    good(await sdk.createJob({ body: { metadata: { name: JOB }, spec } }));
    first = await job.run([{ number: 1 }, { number: 2 }, { number: 3 }], {
      env: { COLOUR: "grün" },
      memory: 1024,
    });
    const execution = await job.getExecution(first);
    assert.equal(execution.metadata.id, first);
    assert.equal(execution.metadata.job, JOB);
    assert.equal(execution.spec.memoryOverride, 1024);
    assert.equal(execution.stats.total, 3);
    assert.ok(["queued", "pending", "running"].includes(execution.status), execution.status);
  });

  await check("job: an execution is waited for until it has succeeded", async () => {
    const execution = await job.waitForExecution(first, SOON);
    assert.equal(execution.status, "succeeded");
    assert.equal(execution.stats.success, 3);
    assert.ok(execution.metadata.completedAt >= execution.metadata.startedAt);
    assert.equal(await job.getExecutionStatus(first), "succeeded");
  });

  await check("job: an execution is waited for until it has failed", async () => {
    const id = await job.run([{}], { env: { EMULATOR_OUTCOME: "failed" } });
    const execution = await job.waitForExecution(id, SOON);
    assert.equal(execution.status, "failed");
    assert.equal(execution.stats.failure, 1);
  });

  await check("job: an execution is cancelled, and its end waited for", async () => {
    const id = await job.run([{}]);
    await job.cancelExecution(id);
    assert.ok(["cancelling", "cancelled"].includes(await job.getExecutionStatus(id)));
    assert.equal((await job.waitForExecution(id, SOON)).status, "cancelled");
  });

  await check("job: the id of an execution may be given, and starts it once only", async () => {
    const executionId = `${PREFIX}-chosen`;
    assert.equal(await job.run([{}], { executionId }), executionId);
    assert.equal(await job.run([{}], { executionId }), executionId);
  });

  await check("job: executions are listed by pages, the newest first", async () => {
    const ids = [];
    const sizes = [];
    for (let page = await job.listExecutions({ limit: 3 }); page; page = await page.nextPage()) {
      sizes.push(page.data.length);
      ids.push(...page.data.map((execution) => execution.metadata.id));
    }
    assert.deepEqual(sizes, [3, 1]);
    assert.equal(ids[0], `${PREFIX}-chosen`);
    assert.equal(ids[3], first);
  });

  await check("job: the tasks of an execution are listed by pages", async () => {
    const path = { jobId: JOB, executionId: first };
    const page = await paged(sdk.listJobExecutionTasks, { limit: 2 }, { path });
    assert.equal(page.meta.total, 3);
    const tasks = await page.autoPagingToArray({ limit: 10 });
    assert.deepEqual(
      tasks.map((task) => task.status),
      ["succeeded", "succeeded", "succeeded"],
    );
  });

  await check("job: what cannot run is refused", async () => {
    await throws(job.run([{}], { memory: 4096 }), 400);
    await throws(job.getExecution("nobody-knows-me"), 404);
    await throws(job.cancelExecution("nobody-knows-me"), 404);
    await throws(sdk.blJob("nobody-knows-me").run([{}]), 404);
    await throws(sdk.blJob("nobody-knows-me").listExecutions(), 404);
  });

  await check("job: its executions go with it", async () => {
    good(await sdk.deleteJob({ path: { jobId: JOB } }));
    await throws(job.getExecution(first), 404);
    await throws(job.listExecutions(), 404);
  });
}
