// Sandboxes on the control plane, with the SDK's helper.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { PREFIX, REGION, check, good, sdk, thrown, throws, walk } from "./harness.mjs";

const NAME = `${PREFIX}-sandbox`;
const { SandboxInstance } = sdk;

export default async function sandboxes() {
  await check("sandbox helper: create fills in what is missing", async () => {
    const sandbox = await SandboxInstance.create({
      name: NAME,
      region: REGION,
      labels: { language: "typescript" },
      envs: [{ name: "COLOUR", value: "grün" }],
      ports: [{ target: 3000, protocol: "HTTP" }],
      externalId: `${PREFIX}-outside`,
    });
    assert.equal(sandbox.status, "DEPLOYED");
    assert.equal(sandbox.spec.region, REGION);
    const { image, memory, envs, ports, generation } = sandbox.spec.runtime;
    assert.deepEqual([image, memory, generation], ["blaxel/base-image:latest", 4096, "mk3"]);
    assert.deepEqual(envs, [{ name: "COLOUR", value: "grün" }]);
    assert.equal(ports[0].target, 3000);
    assert.deepEqual(sandbox.errors, []);
    assert.ok(sandbox.lastUsedAt);
  });

  await check("sandbox helper: the server gives a name where there is none", async () => {
    const sandbox = await SandboxInstance.create({ region: REGION });
    assert.match(sandbox.metadata.name, /^[a-z0-9-]{1,49}$/);
    assert.equal((await SandboxInstance.get(sandbox.metadata.name)).metadata.name, sandbox.metadata.name);
    await sandbox.delete();
  });

  await check("sandbox helper: a second one of the name is SANDBOX_ALREADY_EXISTS", async () => {
    const error = await thrown(SandboxInstance.create({ name: NAME, region: REGION }));
    assert.equal(error.code, "SANDBOX_ALREADY_EXISTS");
    assert.equal(error.status_code, 409);
    assert.equal(error.sandbox_name, NAME);
  });

  await check("sandbox helper: createIfNotExists gives the one that is there", async () => {
    const { metadata } = await SandboxInstance.get(NAME);
    const config = { name: NAME, region: REGION, memory: 8192 };
    const found = await SandboxInstance.createIfNotExists(config);
    assert.equal(found.metadata.createdAt, metadata.createdAt);
    assert.equal(found.spec.runtime.memory, 4096);
    const whole = { metadata: { name: NAME }, spec: { region: REGION, runtime: {} } };
    assert.equal((await SandboxInstance.createIfNotExists(whole)).metadata.createdAt, metadata.createdAt);
  });

  await check(
    "sandbox helper: one that has ended stays as TERMINATED, and createIfNotExists replaces it",
    async () => {
      const name = `${NAME}-short`;
      const short = await SandboxInstance.create({
        name,
        region: REGION,
        expires: new Date(Date.now() + 1000),
      });
      assert.ok(short.expiresIn <= 1, `${short.expiresIn} s`);
      let status = "DEPLOYED";
      while (status === "DEPLOYED") {
        await sleep(200);
        ({ status } = await SandboxInstance.get(name));
      }
      assert.equal(status, "TERMINATED");
      // It is only in the response if the request asks for it.
      for (const [query, wanted] of [
        [{}, []],
        [{ showTerminated: true }, [name]],
        [{ status: "terminated" }, [name]],
        [{ status: "deployed" }, []],
      ]) {
        assert.deepEqual((await walk(SandboxInstance.list({ q: name, ...query }))).names, wanted);
      }
      const next = await SandboxInstance.createIfNotExists({ name, region: REGION });
      assert.equal(next.status, "DEPLOYED");
      assert.ok(next.metadata.createdAt > short.metadata.createdAt);
      await next.delete();
    },
  );

  await check("sandbox helper: concurrent createIfNotExists all give the same one", async () => {
    const config = { name: `${NAME}-race`, region: REGION };
    const found = await Promise.all(
      Array.from({ length: 8 }, () => SandboxInstance.createIfNotExists(config)),
    );
    assert.equal(new Set(found.map((sandbox) => sandbox.metadata.createdAt)).size, 1);
    await found[0].delete();
  });

  await check("sandbox helper: one is found by its external id", async () => {
    assert.equal((await SandboxInstance.getByExternalId(`${PREFIX}-outside`)).metadata.name, NAME);
  });

  await check(
    "sandbox helper: metadata, time to live, lifecycle and network are changed one by one",
    async () => {
      const { metadata } = await SandboxInstance.updateMetadata(NAME, {
        labels: { changed: "yes" },
        displayName: "Blue",
      });
      assert.deepEqual(metadata.labels, { changed: "yes" });
      assert.equal(metadata.displayName, "Blue");

      const kept = await SandboxInstance.updateTtl(NAME, "1h");
      assert.equal(kept.spec.runtime.ttl, "1h");
      assert.ok(kept.expiresIn > 3500 && kept.expiresIn <= 3600, `${kept.expiresIn} s`);
      const forGood = await SandboxInstance.updateTtl(NAME, "");
      assert.equal(forGood.spec.runtime.ttl ?? null, null);
      assert.equal(forGood.expiresIn, undefined);

      const lifecycle = { expirationPolicies: [{ type: "ttl-idle", value: "30m", action: "delete" }] };
      const idle = await SandboxInstance.updateLifecycle(NAME, lifecycle);
      assert.deepEqual(idle.spec.lifecycle, lifecycle);
      assert.ok(idle.expiresIn <= 1800, `${idle.expiresIn} s`);
      assert.equal((await SandboxInstance.updateLifecycle(NAME, null)).spec.lifecycle ?? null, null);

      const network = { allowedDomains: ["example.com"] };
      const fenced = await SandboxInstance.updateNetwork(NAME, { network });
      assert.deepEqual(fenced.spec.network, network);
      assert.equal(fenced.metadata.displayName, "Blue");
      assert.equal(fenced.status, "DEPLOYED");
    },
  );

  await check("sandbox helper: a time to live that is none is refused with 400", async () => {
    const error = await thrown(SandboxInstance.updateTtl(NAME, "soon"));
    assert.equal(error.code, 400);
    const bad = await thrown(SandboxInstance.create({ name: `${NAME}-bad`, region: REGION, ttl: "soon" }));
    assert.equal(bad.status_code, 400);
  });

  await check("sandbox helper: list walks over page borders", async () => {
    const names = ["c", "a", "b"].map((end) => `${NAME}-list-${end}`);
    for (const name of names) await SandboxInstance.create({ name, region: REGION });
    const query = { q: `${NAME}-list-`, limit: 2, sort: "name:asc" };
    const found = [];
    for await (const sandbox of await SandboxInstance.list(query)) found.push(sandbox);
    assert.ok(found.every((sandbox) => sandbox instanceof SandboxInstance));
    assert.deepEqual(
      found.map((sandbox) => sandbox.metadata.name),
      names.toSorted(),
    );
    for (const sandbox of found) await sandbox.delete();
    assert.deepEqual((await SandboxInstance.list(query)).data, []);
  });

  await check("sandbox helper: secrets are masked, and a mask that comes back keeps them", async () => {
    const name = `${NAME}-secret`;
    const envs = [{ name: "TOKEN", value: "s3cret", secret: true }];
    const made = good(
      await sdk.createSandbox({ body: { metadata: { name }, spec: { region: REGION, runtime: { envs } } } }),
    );
    assert.notEqual(made.spec.runtime.envs[0].value, "s3cret");
    await SandboxInstance.updateMetadata(name, { displayName: "Changed" });
    const shown = good(await sdk.getSandbox({ path: { sandboxName: name }, query: { show_secrets: true } }));
    assert.equal(shown.spec.runtime.envs[0].value, "s3cret");
    await SandboxInstance.delete(name);
  });

  await check("sandbox helper: an image is built from what is uploaded", async () => {
    const name = `${NAME}-image`;
    const states = [];
    const image = sdk.ImageInstance.fromRegistry("python:3.12-slim").workdir("/app").env({ COLOUR: "green" });
    const built = await image.build({
      name,
      memory: 2048,
      timeout: 12_000,
      onStatusChange: (state) => states.push(state),
    });
    assert.equal(built.status, "DEPLOYED");
    assert.equal(built.spec.runtime.memory, 2048);
    assert.deepEqual([states.at(0), states.at(-1)], ["BUILDING", "DEPLOYED"]);
    await SandboxInstance.delete(name);
    // The image is not deleted with it.
    good(await sdk.deleteImage({ path: { resourceType: "sandbox", imageName: name } }));
  });

  await check("sandbox helper: delete, by the name or the object", async () => {
    const sandbox = await SandboxInstance.get(NAME);
    assert.equal((await sandbox.delete()).metadata.name, NAME);
    await throws(SandboxInstance.get(NAME), 404);
    await throws(SandboxInstance.delete(NAME), 404);
  });
}
