// Schedules of a sandbox, with the SDK's helper.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { PREFIX, REGION, check, sdk, throws } from "./harness.mjs";

const NAME = `${PREFIX}-schedules`;

export default async function schedules() {
  let sandbox;
  const cron = {
    id: "mornings",
    type: "cron",
    value: "0 8 * * 1-5",
    input: { command: "python report.py", env: { COLOUR: "green" } },
  };

  await check("schedule: create keeps the entry, and masks what its command is told", async () => {
    sandbox = await sdk.SandboxInstance.create({ name: NAME, region: REGION });
    const made = await sandbox.schedules.create(cron);
    assert.equal(made.id, "mornings");
    assert.equal(made.maxExecutions, 100);
    assert.equal(made.input.command, "python report.py");
    assert.notEqual(made.input.env.COLOUR, "green");
    assert.deepEqual(await sandbox.schedules.get("mornings"), made);
  });

  await check("schedule: a nap becomes a time, and an id is given", async () => {
    const before = Date.now();
    const made = await sandbox.schedules.create({ type: "sleep", value: "2h", input: { command: "true" } });
    assert.equal(made.type, "at");
    const hours = (Date.parse(made.value) - before) / 3_600_000;
    assert.ok(hours > 1.9 && hours < 2.1, `${hours} h`);
    assert.ok(made.id);
  });

  await check("schedule: list walks over page borders, and goes by the type", async () => {
    const value = new Date(Date.now() + 3_600_000).toISOString();
    await sandbox.schedules.create({ id: "later", type: "at", value, input: { command: "true" } });
    const found = [];
    for await (const entry of await sandbox.schedules.list({ limit: 2 })) found.push(entry.id);
    assert.equal(found.length, 3);
    assert.deepEqual(new Set(found).size, 3);
    const crons = await sandbox.schedules.list({ type: "cron" });
    assert.deepEqual(
      crons.data.map((entry) => entry.id),
      ["mornings"],
    );
    assert.equal((await sandbox.schedules.list({ type: "at" })).data.length, 2);
  });

  await check("schedule: update replaces the entry", async () => {
    const updated = await sandbox.schedules.update("mornings", {
      ...cron,
      value: "0 9 * * *",
      maxExecutions: 5,
    });
    assert.equal(updated.value, "0 9 * * *");
    assert.equal(updated.maxExecutions, 5);
    assert.deepEqual(await sandbox.schedules.get("mornings"), updated);
  });

  await check("schedule: what it did is told", async () => {
    const made = await sandbox.schedules.create({
      id: "now",
      type: "sleep",
      value: "1s",
      input: { command: "true" },
    });
    let done;
    do {
      await sleep(200);
      const page = await sandbox.schedules.executions({ limit: 10 });
      done = page.data.filter((execution) => execution.scheduleId === made.id);
    } while (done.length === 0);
    assert.equal(done.length, 1);
    assert.equal(done[0].statusCode, 200);
    assert.ok(Date.parse(done[0].executedAt) >= Date.parse(made.value) - 1000, done[0].executedAt);
  });

  await check("schedule: all of the workspace are listed, with their sandboxes, and counted", async () => {
    const schedules = await sdk.listSchedules({ query: { sandbox: NAME, type: "cron" } });
    assert.deepEqual(
      schedules.data.data.map((schedule) => [schedule.id, schedule.sandbox]),
      [["mornings", NAME]],
    );
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const query = { sandbox: NAME, schedule: "now", status: "succeeded", since };
    const runs = await sdk.listScheduleExecutions({ query });
    assert.deepEqual(
      runs.data.data.map((run) => [run.sandbox, run.status]),
      [[NAME, "succeeded"]],
    );
    const metrics = (await sdk.getSandboxScheduleMetrics({ query: { since } })).data;
    assert.ok(metrics.schedules >= 4 && metrics.sandboxes >= 1, JSON.stringify(metrics));
    const counts = metrics.executionsByStatus;
    assert.equal(metrics.executions, counts.succeeded + counts.failed);
  });

  await check("schedule: what is not there or no schedule is refused", async () => {
    await throws(sandbox.schedules.get("nobody-knows-me"), 404);
    await throws(sandbox.schedules.delete("nobody-knows-me"), 404);
    await throws(
      sandbox.schedules.create({ type: "cron", value: "whenever", input: { command: "true" } }),
      400,
    );
    await throws(sandbox.schedules.create({ type: "at", value: "soon", input: { command: "true" } }), 400);
  });

  await check("schedule: delete, and with the sandbox all of them", async () => {
    assert.equal((await sandbox.schedules.delete("mornings")).id, "mornings");
    await throws(sandbox.schedules.get("mornings"), 404);
    await sandbox.delete();
    await throws(sandbox.schedules.list(), 404);
  });
}
