// Volumes, their templates and drives, with the SDK's helpers.

import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";

import { PREFIX, REGION, apiUrl, check, good, refused, sdk, send, throws, walk } from "./harness.mjs";

/** Checks that apply to two helpers. */
async function helperOf(noun, Instance, updates) {
  const name = `${PREFIX}-${noun}`;
  const config = { name, region: REGION, labels: { language: "typescript" } };

  await check(`${noun} helper: create fills in what is missing`, async () => {
    const made = await Instance.create(config);
    assert.equal(made.name, name);
    assert.equal(made.displayName, name);
    assert.equal(made.region, REGION);
    assert.equal(made.status, "DEPLOYED");
    await throws(Instance.create(config), 409);
    const named = await Instance.create({ region: REGION });
    assert.match(named.name, new RegExp(`^${noun}-[0-9a-f]{8}$`));
    await named.delete();
  });

  await check(`${noun} helper: createIfNotExists gives the one that is there, or makes it`, async () => {
    const { metadata } = await Instance.get(name);
    const found = await Instance.createIfNotExists(config);
    assert.equal(found.metadata.createdAt, metadata.createdAt);
    const made = await Instance.createIfNotExists({ ...config, name: `${name}-new` });
    assert.equal(made.name, `${name}-new`);
    const whole = { metadata: { name: `${name}-new` }, spec: { region: REGION } };
    const again = await Instance.createIfNotExists(whole);
    assert.equal(again.metadata.createdAt, made.metadata.createdAt);
    await made.delete();
    await throws(Instance.get(`${name}-new`), 404);
  });

  await check(`${noun} helper: list walks over page borders`, async () => {
    const ends = ["c", "a", "b"].map((end) => `${name}-list-${end}`);
    for (const end of ends) await Instance.create({ name: end, region: REGION });
    const query = { q: `${name}-list-`, limit: 2, sort: "name:asc" };
    const found = [];
    for await (const item of await Instance.list(query)) found.push(item);
    assert.ok(found.every((item) => item instanceof Instance));
    assert.deepEqual(
      found.map((item) => item.name),
      ends.toSorted(),
    );
    assert.deepEqual((await walk(Instance.list({ ...query, sort: "createdAt:asc" }))).names, ends);
    for (const item of found) await item.delete();
    assert.deepEqual((await Instance.list(query)).data, []);
  });

  await check(`${noun} helper: update merges what is given into what is there`, async () => {
    const made = await Instance.get(name);
    const updated = await made.update({ displayName: "Another \u{1F9ED}", ...updates });
    assert.equal(updated.displayName, "Another \u{1F9ED}");
    assert.deepEqual(updated.metadata.labels, config.labels);
    assert.equal(updated.region, REGION);
    assert.deepEqual({ ...updated.spec, ...updates }, updated.spec);
    assert.equal(updated.metadata.createdAt, made.metadata.createdAt);
  });

  await check(`${noun} helper: delete, by the name or the object`, async () => {
    const removed = await Instance.delete(name);
    assert.equal(removed.metadata?.name ?? removed.name, name);
    await throws(Instance.get(name), 404);
    await throws(Instance.delete(name), 404);
  });
}

export default async function storage() {
  await helperOf("volume", sdk.VolumeInstance, { size: 4096 });
  await helperOf("drive", sdk.DriveInstance, { permissions: [{ mode: "read-write", path: "/shared" }] });

  await check("volume: the newest of an external id is found by it", async () => {
    const externalId = `${PREFIX}-id`;
    const names = [`${PREFIX}-first`, `${PREFIX}-second`];
    for (const name of names) {
      good(
        await sdk.createVolume({
          body: { metadata: { name, externalId }, spec: { size: 1024, region: REGION } },
        }),
      );
    }
    const path = { externalId };
    assert.equal(good(await sdk.getVolumeByExternalId({ path })).metadata.name, names[1]);
    const listed = good(await sdk.listVolumes({ query: { externalId } })).data;
    assert.deepEqual(
      listed.map((volume) => volume.metadata.name),
      names.toReversed(),
    );
    for (const name of names) await sdk.VolumeInstance.delete(name);
    refused(await sdk.getVolumeByExternalId({ path }), 404);
  });

  await check("volume: one that a sandbox attaches says so, and stays", async () => {
    const name = `${PREFIX}-attached`;
    const volume = await sdk.VolumeInstance.create({ name, region: REGION });
    const sandbox = await sdk.SandboxInstance.create({
      name,
      region: REGION,
      volumes: [{ name, mountPath: "/data" }],
    });
    assert.equal((await sdk.VolumeInstance.get(name)).volume.state.attachedTo, `sandbox:${name}`);
    await throws(volume.delete(), 409);
    await sandbox.delete();
    await volume.delete();
  });

  await check("drive: a token is signed by a key that everybody may read", async () => {
    const name = `${PREFIX}-token`;
    await sdk.DriveInstance.create({ name, region: REGION });
    const path = { driveName: name };
    const token = good(await sdk.createDriveAccessToken({ path }));
    assert.ok(token.expires_in > 0);
    const [header, claims, signature] = token.access_token.split(".");
    const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
    const { keys } = await (await send(`${apiUrl}/drives/jwks.json`)).json();
    assert.deepEqual(good(await sdk.getDriveJwks({})).keys, keys);
    const jwk = keys.find((key) => key.kid === read(header).kid);
    const key = createPublicKey({ format: "jwk", key: jwk });
    assert.ok(verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url")));
    assert.equal(read(claims).exp - read(claims).iat, token.expires_in);
    await sdk.DriveInstance.delete(name);
    refused(await sdk.createDriveAccessToken({ path }), 404);
  });

  await check("volume template: a version comes with an upload", async () => {
    const name = `${PREFIX}-template`;
    const body = { metadata: { name }, spec: { defaultSize: 1024 } };
    const { data, response } = await sdk.createVolumeTemplate({
      body,
      query: { upload: true, version: "first" },
    });
    assert.deepEqual(
      data.versions.map((version) => [version.name, version.status]),
      [["first", "CREATED"]],
    );
    const upload = await send(response.headers.get("x-blaxel-upload-url"), {
      method: "PUT",
      headers: { "content-type": "application/x-tar" },
      body: Buffer.alloc(1024),
    });
    assert.equal(upload.status, 200);
    const path = { volumeTemplateName: name };
    const { versions } = good(await sdk.getVolumeTemplate({ path }));
    assert.deepEqual(
      versions.map((version) => [version.name, version.status]),
      [["first", "READY"]],
    );
    good(await sdk.deleteVolumeTemplateVersion({ path: { ...path, versionName: "first" } }));
    good(await sdk.deleteVolumeTemplate({ path }));
  });
}
