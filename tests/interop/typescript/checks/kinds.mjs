// The operations that all kinds of resources share: create, read, list page by page, replace,
// delete. The table has the differences between the kinds.

import assert from "node:assert/strict";

import {
  PREFIX,
  REGION,
  check,
  good,
  nameOf,
  paged,
  refused,
  sandboxRefused,
  sdk,
  walk,
  within,
  workspace,
} from "./harness.mjs";

/**
 * `one` and `many` are the SDK's names, as in `createAgent` and `listAgents`; `parameter` is the name
 * of the path parameter. `spec` is the spec of the creation, and `change` the members that `PUT` changes.
 *
 * - `paged`: lists are paginated rather than bare arrays.
 * - `called`: it has a URL on the run plane, `metadata.url`.
 * - `replaced`: the effect of `PUT`: `false` if there is no `PUT`, `"made"` if it creates a missing resource.
 * - `names`: creates a name from its suffix.
 */
const KINDS = [
  {
    one: "Agent",
    many: "Agents",
    parameter: "agentName",
    paged: true,
    called: "agents",
    spec: { enabled: true, runtime: { image: "registry/agent:1", memory: 2048 } },
    change: { runtime: { image: "registry/agent:1", memory: 4096 } },
  },
  {
    one: "Function",
    many: "Functions",
    parameter: "functionName",
    paged: true,
    called: "functions",
    spec: {
      enabled: true,
      runtime: { image: "registry/function:1", memory: 2048, transport: "http-stream" },
    },
    change: { runtime: { image: "registry/function:2", memory: 2048, transport: "http-stream" } },
  },
  {
    one: "Model",
    many: "Models",
    parameter: "modelName",
    paged: true,
    called: "models",
    spec: { enabled: true, runtime: { type: "openai", model: "gpt-4o-mini" } },
    change: { runtime: { type: "openai", model: "gpt-4o" } },
  },
  {
    one: "Job",
    many: "Jobs",
    parameter: "jobId",
    paged: true,
    called: "jobs",
    spec: { enabled: true, runtime: { image: "registry/job:1", memory: 2048, maxRetries: 1, timeout: 60 } },
    change: { runtime: { image: "registry/job:1", memory: 2048, maxRetries: 2, timeout: 120 } },
  },
  {
    one: "Application",
    many: "Applications",
    parameter: "applicationName",
    paged: true,
    spec: { enabled: true, image: "registry/application:1", memory: 2048, port: 8080 },
    change: { port: 8081 },
  },
  {
    one: "Sandbox",
    many: "Sandboxes",
    parameter: "sandboxName",
    paged: true,
    called: "sandboxes",
    spec: { region: REGION, runtime: { image: "blaxel/base-image:latest", memory: 4096 } },
    change: { runtime: { image: "blaxel/base-image:latest", memory: 8192 } },
  },
  {
    one: "Volume",
    many: "Volumes",
    parameter: "volumeName",
    paged: true,
    spec: { size: 1024, region: REGION },
    change: { size: 2048 },
  },
  {
    one: "Drive",
    many: "Drives",
    parameter: "driveName",
    paged: true,
    spec: { region: REGION },
    change: { permissions: [{ mode: "read", path: "/" }] },
  },
  {
    one: "Policy",
    many: "Policies",
    parameter: "policyName",
    paged: true,
    spec: {
      type: "maxToken",
      resourceTypes: ["model"],
      maxTokens: { granularity: "minute", step: 1, total: 1000 },
    },
    change: { maxTokens: { granularity: "hour", step: 1, total: 2000 } },
  },
  {
    one: "VolumeTemplate",
    many: "VolumeTemplates",
    parameter: "volumeTemplateName",
    replaced: "made",
    spec: { defaultSize: 1024 },
    change: { defaultSize: 2048 },
  },
  {
    one: "IntegrationConnection",
    many: "IntegrationConnections",
    parameter: "connectionName",
    spec: { integration: "github", config: { owner: "interop" } },
    change: { config: { owner: "somebody" } },
  },
  {
    one: "CustomDomain",
    many: "CustomDomains",
    parameter: "domainName",
    names: (end) => `${PREFIX}-${end}.example.com`,
    spec: { domainType: "previews", region: REGION },
    change: { cnameRecords: "cname.example.com" },
  },
  {
    one: "Vpc",
    many: "Vpcs",
    parameter: "vpcName",
    replaced: false,
    spec: { region: REGION },
  },
];

export default async function kinds() {
  for (const kind of KINDS) await lifeOf(kind);
}

async function lifeOf(kind) {
  const { one, many, parameter, spec, paged: isPaged = false, replaced = true } = kind;
  const noun = one.replaceAll(/\B[A-Z]/g, " $&").toLowerCase();
  const nameTo = kind.names ?? ((end) => `${PREFIX}-${end}`);
  const refusedCreate = one === "Sandbox" ? sandboxRefused : refused;
  const operations = {
    create: (name, labels) => sdk[`create${one}`]({ body: document(name, labels) }),
    get: (name) => sdk[`get${one}`]({ path: { [parameter]: name } }),
    update: (name, body) => sdk[`update${one}`]({ path: { [parameter]: name }, body }),
    remove: (name) => sdk[`delete${one}`]({ path: { [parameter]: name } }),
    list: sdk[`list${many}`],
  };
  const document = (name, labels = { language: "typescript" }) => ({
    metadata: { name, displayName: "Interop \u{1F9ED}", labels },
    spec,
  });
  const name = nameTo("life");
  let created;

  await check(`${noun}: create gives the whole document`, async () => {
    created = good(await operations.create(name));
    within(document(name), created);
    assert.equal(created.metadata.workspace, workspace);
    assert.ok(!Number.isNaN(Date.parse(created.metadata.createdAt)), created.metadata.createdAt);
    const url = kind.called && `${sdk.settings.runUrl}/${workspace}/${kind.called}/${name}`;
    assert.equal(created.metadata.url, url);
  });

  await check(`${noun}: a second one of the name is refused with 409`, async () => {
    const error = refusedCreate(await operations.create(name), 409);
    if (one === "Sandbox") assert.equal(error.code, "SANDBOX_ALREADY_EXISTS");
  });

  await check(`${noun}: get and list give what was created`, async () => {
    assert.deepEqual(good(await operations.get(name)), created);
    const listed = good(await operations.list({ query: { q: name } }));
    assert.equal(Array.isArray(listed), !isPaged);
    const found = sdk.unwrapListData(listed).filter((item) => nameOf(item) === name);
    assert.equal(found.length, 1);
    // Lists omit some members, and the values of the others are the same.
    within(found[0], created);
    assert.equal(found[0].metadata.createdAt, created.metadata.createdAt);
  });

  await check(`${noun}: ${isPaged ? "pages of two" : "the list"} in every order`, () =>
    listing({ ...operations, nameTo, isPaged }),
  );

  if (replaced) {
    await check(`${noun}: update replaces the document and keeps when it was made`, async () => {
      const { displayName: _, ...metadata } = created.metadata;
      // As users of this SDK do: the whole document is sent back, including the members that only the
      // server sets.
      const body = {
        ...created,
        metadata: { ...metadata, labels: { snake: "yes" } },
        spec: { ...created.spec, ...kind.change },
      };
      const updated = good(await operations.update(name, body));
      within(kind.change, updated.spec, "spec");
      assert.deepEqual(updated.metadata.labels, { snake: "yes" });
      assert.equal(updated.metadata.createdAt, created.metadata.createdAt);
      assert.ok(updated.metadata.updatedAt >= created.metadata.updatedAt);
      assert.notEqual(updated.metadata.displayName, document(name).metadata.displayName);
      assert.deepEqual(good(await operations.get(name)), updated);
    });
  }

  if (sdk[`list${one}Revisions`]) {
    await check(`${noun}: every new spec is a revision`, async () => {
      const revisions = good(await sdk[`list${one}Revisions`]({ path: { [parameter]: name } }));
      assert.equal(revisions.length, 2);
      assert.equal(new Set(revisions.map((revision) => revision.id)).size, 2);
      assert.ok(revisions[0].createdAt > revisions[1].createdAt);
    });
  }

  await check(`${noun}: what has no metadata, no spec or no good name is refused with 400`, async () => {
    const create = sdk[`create${one}`];
    refusedCreate(await create({ body: { spec } }), 400);
    refusedCreate(await create({ body: { metadata: { name: nameTo("bare") } } }), 400);
    refusedCreate(await create({ body: { metadata: { name: "Not A Name" }, spec } }), 400);
    if (replaced) refused(await operations.update(name, { spec }), 400);
    refused(await operations.get(nameTo("bare")), 404);
  });

  await check(`${noun}: delete, and nothing is there after it`, async () => {
    const removed = good(await operations.remove(name));
    assert.equal(one === "Drive" ? removed.name : nameOf(removed), name);
    refused(await operations.get(name), 404);
    refused(await operations.remove(name), 404);
    if (replaced === true) refused(await operations.update(name, document(name)), 404);
  });

  await check(`${noun}: the name is free again after delete`, async () => {
    const again = good(
      replaced === "made" ? await operations.update(name, document(name)) : await operations.create(name),
    );
    within(spec, again.spec, "spec");
    good(await operations.remove(name));
  });
}

/** Creates five of a kind, lists them in every way, and deletes them. */
async function listing({ create, remove, list, nameTo, isPaged }) {
  const names = ["e", "a", "d", "b", "c"].map((letter) => nameTo(`page-${letter}`));
  for (const name of names) good(await create(name, { letter: "any" }));
  try {
    if (!isPaged) {
      const { items, sizes } = await walk(paged(list));
      assert.equal(sizes.length, 1);
      const found = items.map(nameOf).filter((name) => names.includes(name));
      assert.deepEqual(found.toSorted(), names.toSorted());
      return;
    }
    const q = nameTo("page-").replace(/\.example.*/, "");
    const upwards = names.toSorted();
    for (const [sort, wanted] of [
      ["name:asc", upwards],
      ["name:desc", upwards.toReversed()],
      ["createdAt:asc", names],
      ["createdAt:desc", names.toReversed()],
      [undefined, names.toReversed()],
    ]) {
      const { names: found, sizes } = await walk(paged(list, { q, limit: 2, ...(sort && { sort }) }));
      assert.deepEqual(found, wanted, sort);
      assert.deepEqual(sizes, [2, 2, 1]);
    }
    const page = await paged(list, { q, limit: 2, sort: "name:asc" });
    assert.ok(page.meta.total >= names.length, `${page.meta.total} in all`);
    const four = await page.autoPagingToArray({ limit: 4 });
    assert.deepEqual(four.map(nameOf), upwards.slice(0, 4));
  } finally {
    for (const name of names) await remove(name);
  }
}
