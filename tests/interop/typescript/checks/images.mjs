// Images: registration, builds from an upload, use, shares, deletion.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { PREFIX, REGION, check, good, refused, sdk, send } from "./harness.mjs";

const NAME = `${PREFIX}-base`;

export default async function images() {
  const path = { resourceType: "sandbox", imageName: NAME };
  const tags = async () => good(await sdk.getImage({ path })).spec.tags.map((tag) => tag.name);

  await check("image: two tags of one are registered and listed", async () => {
    for (const tag of ["1", "2"]) {
      const body = { name: NAME, resourceType: "sandbox", image: `registry/${NAME}:${tag}` };
      const made = good(await sdk.createImage({ body }));
      assert.equal(made.name, NAME);
    }
    const listed = good(await sdk.listImages({}));
    const found = listed.filter((image) => image.metadata.name === NAME);
    assert.equal(found.length, 1);
    assert.deepEqual(found[0].spec.tags.map((tag) => tag.name).toSorted(), ["1", "2"]);
    assert.deepEqual(good(await sdk.getImage({ path })), found[0]);
  });

  await check("image: one is built from what is uploaded", async () => {
    const body = { name: `${NAME}-built`, resourceType: "sandbox" };
    const { data, response } = await sdk.createImage({ body, query: { upload: true } });
    assert.equal(data.resourceType, "sandbox");
    const upload = await send(response.headers.get("x-blaxel-upload-url"), {
      method: "PUT",
      headers: { "content-type": "application/zip" },
      body: Buffer.alloc(256),
    });
    assert.equal(upload.status, 200);
    const built = { path: { ...path, imageName: `${NAME}-built` } };
    const states = new Set();
    do {
      await sleep(100);
      states.add(good(await sdk.getImage(built)).metadata.status);
    } while (!states.has("BUILT"));
    assert.deepEqual([...states], ["BUILDING", "BUILT"]);
    good(await sdk.deleteImage(built));
  });

  await check("image: one that is used stays", async () => {
    const sandbox = await sdk.SandboxInstance.create({
      name: `${NAME}-user`,
      region: REGION,
      image: `sandbox/${NAME}:1`,
    });
    refused(await sdk.deleteImage({ path }), 400);
    refused(await sdk.deleteImageTag({ path: { ...path, tagName: "1" } }), 400);
    good(await sdk.deleteImageTag({ path: { ...path, tagName: "2" } }));
    assert.deepEqual(await tags(), ["1"]);
    await sandbox.delete();
  });

  await check("image: it is offered to another account, and the offer taken back", async () => {
    const body = { targetWorkspace: "elsewhere", targetAccountId: "acc-interop" };
    const { data, response } = await sdk.shareImage({ path, body });
    assert.equal(response.status, 202);
    assert.equal(data.imageName, NAME);
    refused(await sdk.shareImage({ path, body }), 409);
    const shares = good(await sdk.listImageShares({ path }));
    assert.deepEqual(
      shares.map((share) => [share.workspace, share.status]),
      [["elsewhere", "pending"]],
    );
    const pending = good(await sdk.listPendingImageShares({ query: { direction: "outgoing" } }));
    assert.ok(pending.some((share) => share.id === data.id));
    good(await sdk.unshareImage({ path: { ...path, targetWorkspace: "elsewhere" } }));
    assert.deepEqual(good(await sdk.listImageShares({ path })), []);
  });

  await check("image: delete, and nothing is there after it", async () => {
    assert.equal(good(await sdk.deleteImage({ path })).metadata.name, NAME);
    refused(await sdk.getImage({ path }), 404);
    refused(await sdk.deleteImage({ path }), 404);
    refused(await sdk.createImage({ body: { name: "Not A Name", resourceType: "sandbox" } }), 400);
    refused(await sdk.createImage({ body: { name: NAME, resourceType: "kite" } }), 400);
  });
}
