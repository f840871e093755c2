// Previews of a sandbox and their tokens, with the SDK's helpers.

import assert from "node:assert/strict";

import { PREFIX, REGION, check, good, refused, sdk, throws } from "./harness.mjs";

const NAME = `${PREFIX}-previews`;

export default async function previews() {
  let sandbox;
  let preview;

  await check("preview: create gives an address", async () => {
    sandbox = await sdk.SandboxInstance.create({ name: NAME, region: REGION });
    preview = await sandbox.previews.create({
      metadata: { name: "shop" },
      spec: { port: 3000, public: false },
    });
    assert.equal(preview.name, "shop");
    assert.equal(preview.metadata.resourceName, NAME);
    assert.equal(preview.spec.port, 3000);
    assert.ok(URL.canParse(preview.spec.url), preview.spec.url);
  });

  await check("preview: createIfNotExists gives the one that is there, or makes it", async () => {
    const found = await sandbox.previews.createIfNotExists({
      metadata: { name: "shop" },
      spec: { port: 4000 },
    });
    assert.equal(found.spec.port, 3000);
    const made = await sandbox.previews.createIfNotExists({
      metadata: { name: "docs" },
      spec: { port: 4000, public: true },
    });
    assert.equal(made.spec.port, 4000);
  });

  await check("preview: get and list give what was created", async () => {
    assert.deepEqual((await sandbox.previews.get("shop")).preview, preview.preview);
    const names = (await sandbox.previews.list()).map((preview) => preview.name);
    assert.deepEqual(names.toSorted(), ["docs", "shop"]);
  });

  await check("preview: update replaces it", async () => {
    const path = { sandboxName: NAME, previewName: "docs" };
    const body = { metadata: { name: "docs" }, spec: { port: 5000, public: true } };
    assert.equal(good(await sdk.updateSandboxPreview({ path, body })).spec.port, 5000);
  });

  await check("preview: an address is given away twice only by force", async () => {
    const wanted = { spec: { port: 1, customDomain: `${NAME}.example.com`, prefixUrl: "shop" } };
    await sandbox.previews.create({ metadata: { name: "one" }, ...wanted });
    await throws(sandbox.previews.create({ metadata: { name: "two" }, ...wanted }), 409);
    const two = await sandbox.previews.create({ metadata: { name: "two" }, ...wanted }, true);
    assert.equal(two.spec.prefixUrl, "shop");
    await throws(sandbox.previews.get("one"), 404);
  });

  await check("preview token: create, list and delete", async () => {
    const expiry = new Date(Date.now() + 3_600_000);
    const token = await preview.tokens.create(expiry);
    assert.ok(token.value.length > 0);
    assert.equal(token.expired, false);
    assert.equal(new Date(token.expiresAt).getTime(), expiry.getTime());
    const past = await preview.tokens.create(new Date(Date.now() - 1000));
    assert.equal(past.expired, true);
    const listed = await preview.tokens.list();
    assert.deepEqual(new Set(listed.map((token) => token.value)), new Set([token.value, past.value]));
    await preview.tokens.delete(token.previewToken.metadata.name);
    assert.deepEqual(
      (await preview.tokens.list()).map((token) => token.value),
      [past.value],
    );
    await throws(preview.tokens.delete(token.previewToken.metadata.name), 404);
  });

  await check("preview: what is not there or no preview is refused", async () => {
    await throws(sandbox.previews.get("nobody-knows-me"), 404);
    await throws(sandbox.previews.delete("nobody-knows-me"), 404);
    await throws(sandbox.previews.create({ metadata: { name: "bad" }, spec: { port: 70_000 } }), 400);
    await throws(sandbox.previews.create({ metadata: { name: "shop" }, spec: { port: 3000 } }), 409);
    const path = { sandboxName: "nobody-knows-me" };
    refused(await sdk.listSandboxPreviews({ path }), 404);
  });

  await check("preview: delete, and with the sandbox all of them", async () => {
    assert.equal((await sandbox.previews.delete("docs")).metadata.name, "docs");
    await throws(sandbox.previews.get("docs"), 404);
    await sandbox.delete();
    await throws(sandbox.previews.get("shop"), 404);
  });
}
