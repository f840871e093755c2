// Snapshots, forks and archives of a sandbox, with the SDK's helpers.

import assert from "node:assert/strict";

import { PREFIX, REGION, check, refused, sdk, thrown, throws } from "./harness.mjs";

const NAME = `${PREFIX}-forks`;

export default async function forks() {
  let sandbox;
  let snapshot;

  await check("snapshot: one is taken and listed", async () => {
    sandbox = await sdk.SandboxInstance.create({ name: NAME, region: REGION, memory: 2048 });
    snapshot = await sandbox.snapshot("before");
    assert.equal(snapshot.name, "before");
    assert.equal(snapshot.sandboxName, NAME);
    assert.equal(snapshot.status, "ready");
    const unnamed = await sandbox.snapshot();
    assert.ok(unnamed.name);
    const listed = await sandbox.snapshots.list();
    assert.deepEqual(new Set(listed.map((one) => one.id)), new Set([snapshot.id, unnamed.id]));
    assert.equal((await sandbox.snapshots.get("before")).id, snapshot.id);
  });

  await check("fork: a sandbox comes from another one", async () => {
    const name = `${NAME}-copy`;
    const fork = await sandbox.fork(name);
    assert.equal(fork.name, name);
    assert.equal(fork.type, "sandbox");
    const copy = await sdk.SandboxInstance.get(name);
    assert.equal(copy.spec.runtime.memory, 2048);
    const error = await thrown(sandbox.fork(name));
    assert.ok([409, "SANDBOX_ALREADY_EXISTS"].includes(error.code), JSON.stringify(error));
    await copy.delete();
  });

  await check("snapshot: a sandbox is restored to one in place", async () => {
    await sandbox.fs.write("/tmp/state", "before");
    const taken = await sandbox.snapshots.create("in-place");
    await sandbox.fs.write("/tmp/state", "after");
    const restored = await sandbox.snapshots.restore(taken.id);
    assert.equal(restored.snapshotId, taken.id);
    assert.equal(await sandbox.fs.read("/tmp/state"), "before");
    await sandbox.snapshots.delete("in-place");
  });

  await check("archive: a sandbox is archived and restored with its files", async () => {
    await sandbox.fs.write("/tmp/state", "archived");
    const archived = await sandbox.archive({ interval: 100 });
    assert.equal(archived.status, "ARCHIVED");
    const restored = await sandbox.unarchive({ interval: 100 });
    assert.equal(restored.status, "DEPLOYED");
    assert.equal(await restored.fs.read("/tmp/state"), "archived");
  });

  await check("fork: an application comes from a snapshot", async () => {
    const name = `${NAME}-app`;
    const fork = await sandbox.fork(name, { targetType: "application", snapshotId: snapshot.id, port: 3000 });
    assert.equal(fork.type, "application");
    assert.equal(fork.snapshotId, snapshot.id);
    const application = await sdk.ApplicationInstance.get(name);
    assert.equal(application.spec.port, 3000);
    await application.delete();
  });

  await check("fork: from what is not there it is refused with 404", async () => {
    await thrown(sandbox.fork(`${NAME}-copy`, { snapshotId: "nobody-knows-me" }));
    const body = { targetName: `${NAME}-copy`, targetType: "sandbox" };
    const answer = await sdk.forkSandbox({ path: { sandboxName: "nobody-knows-me" }, body });
    assert.equal(answer.response.status, 404);
    assert.ok(answer.error.error ?? answer.error.message);
  });

  await check("snapshot: delete answers with nothing, and with the sandbox all are gone", async () => {
    const path = { sandboxName: NAME, snapshotId: snapshot.id };
    const { response } = await sdk.deleteSandboxSnapshot({ path });
    assert.equal(response.status, 204);
    refused(await sdk.deleteSandboxSnapshot({ path }), 404);
    for (const left of await sandbox.snapshots.list()) {
      await sandbox.snapshots.delete(left.name);
    }
    await sandbox.delete();
    await throws(sandbox.snapshots.list(), 404);
  });
}
