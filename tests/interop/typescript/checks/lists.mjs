// Lists of the models of a new emulator: pages, orders, searches, versions.

import assert from "node:assert/strict";

import { check, good, paged, refused, sdk, walk } from "./harness.mjs";

const models = (query) => sdk.listModels({ query });
/** Returns all models, with the SDK's pagination. */
const walked = (query) => walk(paged(sdk.listModels, query));

export default async function lists() {
  await check("models: pages of two by name add up to the whole", async () => {
    const whole = good(await models({ sort: "name:asc" }));
    assert.equal(whole.meta.hasMore, false);
    const names = whole.data.map((model) => model.metadata.name);
    assert.equal(whole.meta.total, names.length);
    assert.deepEqual(names, names.toSorted());
    const pages = await walked({ limit: 2, sort: "name:asc" });
    assert.deepEqual(pages.names, names);
    assert.equal(pages.sizes.length, Math.ceil(names.length / 2));
    assert.ok(pages.sizes.length > 2, `${pages.sizes.length} pages`);
  });

  await check("models: pages of three by name, downwards", async () => {
    const up = await walked({ limit: 200, sort: "name:asc" });
    const down = await walked({ limit: 3, sort: "name:desc" });
    assert.deepEqual(down.names, up.names.toReversed());
  });

  await check("models: the newest come first unless asked otherwise", async () => {
    const plain = good(await models()).data.map((model) => model.metadata.createdAt);
    assert.deepEqual(plain, plain.toSorted().toReversed());
    const { names } = await walked({ limit: 2 });
    const upwards = await walked({ limit: 2, sort: "createdAt:asc" });
    assert.deepEqual(upwards.names, names.toReversed());
  });

  await check("models: the SDK's iterator walks over page borders", async () => {
    const query = { limit: 2, sort: "name:asc" };
    const list = await sdk.createPaginatedList({
      response: good(await models(query)),
      fetchPage: async (next) => good(await models(next)),
      mapItem: (model) => model.metadata.name,
      query,
    });
    assert.deepEqual(await list.autoPagingToArray({ limit: 5 }), (await walked(query)).names.slice(0, 5));
  });

  await check("models: a search finds what bears the text", async () => {
    const [name] = (await walked({ sort: "name:asc" })).names;
    const found = good(await models({ q: name.toUpperCase() })).data;
    assert.ok(found.some((model) => model.metadata.name === name));
    assert.deepEqual(good(await models({ q: "nothing-is-called-so" })).data, []);
  });

  await check("models: a cursor of another order is refused", async () => {
    const { meta } = good(await models({ limit: 2, sort: "name:asc" }));
    assert.equal(meta.hasMore, true);
    refused(await models({ limit: 2, sort: "name:desc", cursor: meta.nextCursor }), 400);
  });

  await check("versions: the first one lists a bare array", async () => {
    const list = good(await inVersion("2026-04-16", () => models({ limit: 2 })));
    assert.ok(Array.isArray(list), typeof list);
    assert.equal(sdk.unwrapListData(list).length, good(await models()).meta.total);
  });

  await check("versions: one that does not exist is refused by name", async () => {
    const { error, response } = await inVersion("2020-02-02", () => models());
    assert.equal(response.status, 400);
    assert.equal(error.error, "invalid_api_version");
  });
}

/** Runs a function with another API version than the SDK's default. */
async function inVersion(version, body) {
  process.env.BL_API_VERSION = version;
  try {
    return await body();
  } finally {
    delete process.env.BL_API_VERSION;
  }
}
