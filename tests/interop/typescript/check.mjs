// The official TypeScript SDK judges a running emulator. See ../README.md.
//
// Wanted in the environment: BL_API_URL, BL_RUN_URL, BL_WORKSPACE, BL_API_KEY and
// BL_CLIENT_CREDENTIALS (base64 of `id:secret`), and a HOME that may be written to.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import OpenAI from "openai";

/** Every request this process sends, as `{method, path, headers, status}`. */
const sent = [];
const send = globalThis.fetch;
// Put in place before the SDK is loaded, so that it sees the SDK's requests too.
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const entry = { method: request.method, path: new URL(request.url).pathname, headers: request.headers };
  sent.push(entry);
  const response = await send(request);
  entry.status = response.status;
  return response;
};
const sdk = await import("@blaxel/core");

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`the environment has no ${name}`);
  return value;
};
const workspace = env("BL_WORKSPACE");
const apiKey = env("BL_API_KEY");
const clientCredentials = env("BL_CLIENT_CREDENTIALS");
env("BL_API_URL");
env("BL_RUN_URL");

const AGENT = `interop-ts-${process.pid}`;
/** Where a refused token is asked for again, 1 s apart, a check takes over 3 s. */
const DEADLINE_MS = 15_000;

const counts = { passed: 0, failed: 0 };

async function check(name, body) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    await Promise.race([body(), late]);
    counts.passed += 1;
    console.log(`ok - ${name}`);
  } catch (error) {
    counts.failed += 1;
    console.log(`not ok - ${name}: ${tell(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** An error on one line. */
function tell(error) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error);
  return text.replaceAll(/\s+/g, " ");
}

/** The data of a call that must succeed. */
function good({ data, error, response }) {
  assert.equal(error, undefined, `${response?.status} ${JSON.stringify(error)}`);
  return data;
}

/** Asks that a call was refused with this status, which the body repeats, and gives the body. */
function refused({ data, error, response }, status) {
  assert.equal(response.status, status, JSON.stringify(data ?? error));
  assert.equal(typeof error?.error, "string", JSON.stringify(error));
  assert.equal(error.code, status);
  return error;
}

const useKey = (key = apiKey) => sdk.initialize({ workspace, apiKey: key });
const useClient = (credentials = clientCredentials) =>
  sdk.initialize({ workspace, clientCredentials: credentials });

const tokenRequests = () => sent.filter((request) => request.path.endsWith("/oauth/token"));
const models = (query) => sdk.listModels({ query });

/** All models by way of the SDK's own pages, their names, and the size of each page. */
async function walk(query) {
  const sizes = [];
  let page = await sdk.createPaginatedList({
    response: good(await models(query)),
    fetchPage: async (next) => good(await models(next)),
    mapItem: (model) => model,
    query,
  });
  const items = [];
  while (page) {
    sizes.push(page.data.length);
    items.push(...page.data);
    page = await page.nextPage();
  }
  return { sizes, items, names: items.map((model) => model.metadata.name) };
}

// Signing in.

await check("client credentials: concurrent first calls share one token", async () => {
  useClient();
  const before = tokenRequests().length;
  const answers = await Promise.all(Array.from({ length: 20 }, () => models({ limit: 1 })));
  answers.forEach((answer) => assert.equal(good(answer).data.length, 1));
  assert.equal(tokenRequests().length - before, 1);
});

await check("client credentials: the token is sent in the platform's own header", async () => {
  const { headers, status } = sent.at(-1);
  assert.equal(status, 200);
  assert.equal(headers.get("x-blaxel-authorization"), `Bearer ${sdk.settings.token}`);
  assert.equal(headers.get("authorization"), null);
  assert.equal(sdk.settings.token.split(".").length, 3);
});

await check("client credentials: a wrong secret is refused as invalid_client", async () => {
  useClient({ clientId: "nobody", clientSecret: "nothing" });
  await assert.rejects(sdk.authenticate(), /invalid_client/);
});

await check("refresh token: a stored login is renewed, more than once", async () => {
  useClient();
  const first = await send(`${env("BL_API_URL")}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${clientCredentials}`, "content-type": "application/json" },
    body: JSON.stringify({ grant_type: "client_credentials" }),
  });
  storeLogin((await first.json()).refresh_token);
  await without(["BL_API_KEY", "BL_CLIENT_CREDENTIALS"], async () => {
    for (let round = 0; round < 2; round += 1) {
      // Without a credential in the configuration the SDK looks for one again: in the file now.
      sdk.initialize({ workspace });
      sdk.settings.credentials = null;
      const before = tokenRequests().length;
      assert.equal(good(await models({ limit: 1 })).data.length, 1);
      assert.equal(tokenRequests().length - before, 1);
    }
  });
});

/** Does something while these variables of the environment are not set. */
async function without(names, body) {
  const kept = names.map((name) => [name, process.env[name]]);
  names.forEach((name) => delete process.env[name]);
  try {
    await body();
  } finally {
    kept.forEach(([name, value]) => (process.env[name] = value));
  }
}

/** Writes the file that the command line tool leaves after a login, with a token long expired. */
function storeLogin(refreshToken) {
  const part = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const expired = `${part({ alg: "HS256" })}.${part({ iat: 1, exp: 2 })}.none`;
  const directory = join(homedir(), ".blaxel");
  mkdirSync(directory, { recursive: true });
  const login = {
    context: { workspace },
    workspaces: [
      {
        name: workspace,
        credentials: { access_token: expired, refresh_token: refreshToken, device_code: "device" },
      },
    ],
  };
  // JSON is YAML.
  writeFileSync(join(directory, "config.yaml"), JSON.stringify(login));
}

await check("API key: a wrong one is refused with 401", async () => {
  useKey("bl_wrong_key");
  const error = refused(await models({ limit: 1 }), 401);
  assert.equal(typeof error.documentation, "string");
});

await check("API key: another workspace is refused with 403", async () => {
  sdk.initialize({ workspace: "elsewhere", apiKey });
  refused(await models({ limit: 1 }), 403);
});

await check("API key: a good one is let in, without a token", async () => {
  useKey();
  const before = tokenRequests().length;
  assert.equal(good(await models({ limit: 1 })).data.length, 1);
  assert.equal(tokenRequests().length, before);
});

// Lists. Everything from here on is asked with the API key.

await check("models: pages of two by name add up to the whole", async () => {
  const whole = good(await models({ sort: "name:asc" }));
  assert.equal(whole.meta.hasMore, false);
  const names = whole.data.map((model) => model.metadata.name);
  assert.equal(whole.meta.total, names.length);
  assert.deepEqual(names, names.toSorted());
  const walked = await walk({ limit: 2, sort: "name:asc" });
  assert.deepEqual(walked.names, names);
  assert.equal(walked.sizes.length, Math.ceil(names.length / 2));
  assert.ok(walked.sizes.length > 2, `${walked.sizes.length} pages`);
});

await check("models: pages of three by name, downwards", async () => {
  const up = await walk({ limit: 200, sort: "name:asc" });
  const down = await walk({ limit: 3, sort: "name:desc" });
  assert.deepEqual(down.names, up.names.toReversed());
});

await check("models: the newest come first unless asked otherwise", async () => {
  const plain = good(await models()).data.map((model) => model.metadata.createdAt);
  assert.deepEqual(plain, plain.toSorted().toReversed());
  const { names } = await walk({ limit: 2 });
  const upwards = await walk({ limit: 2, sort: "createdAt:asc" });
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
  assert.deepEqual(await list.autoPagingToArray({ limit: 5 }), (await walk(query)).names.slice(0, 5));
});

await check("models: a search finds what bears the text", async () => {
  const [name] = (await walk({ sort: "name:asc" })).names;
  const found = good(await models({ q: name.toUpperCase() })).data;
  assert.ok(found.some((model) => model.metadata.name === name));
  assert.deepEqual(good(await models({ q: "nothing-is-called-so" })).data, []);
});

await check("models: a cursor of another order is refused", async () => {
  const { meta } = good(await models({ limit: 2, sort: "name:asc" }));
  assert.equal(meta.hasMore, true);
  refused(await models({ limit: 2, sort: "name:desc", cursor: meta.nextCursor }), 400);
});

/** Does something in another version than the SDK's own. */
async function inVersion(version, body) {
  process.env.BL_API_VERSION = version;
  try {
    return await body();
  } finally {
    delete process.env.BL_API_VERSION;
  }
}

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

// The life of an agent.

const at = { path: { agentName: AGENT } };
const document = {
  metadata: { name: AGENT, displayName: "Interop \u{1F9ED} agent", labels: { language: "typescript" } },
  spec: { enabled: true, runtime: { image: "registry/agent:1", memory: 2048 } },
};
let created;

await check("agent: create gives the whole document", async () => {
  created = good(await sdk.createAgent({ body: document }));
  assert.equal(created.metadata.name, AGENT);
  assert.equal(created.metadata.displayName, document.metadata.displayName);
  assert.equal(created.metadata.workspace, workspace);
  assert.equal(created.metadata.url, String(sdk.blAgent(AGENT).url));
  assert.deepEqual(created.spec.runtime, document.spec.runtime);
  assert.ok(!Number.isNaN(Date.parse(created.metadata.createdAt)), created.metadata.createdAt);
});

await check("agent: a second one of the name is refused with 409", async () => {
  refused(await sdk.createAgent({ body: document }), 409);
});

await check("agent: get and list give what was created", async () => {
  assert.deepEqual(good(await sdk.getAgent(at)), created);
  assert.deepEqual(await sdk.getAgentMetadata(AGENT), created);
  const listed = good(await sdk.listAgents({ query: { q: AGENT } })).data;
  assert.deepEqual(listed, [created]);
});

await check("agent: update replaces the document and keeps when it was made", async () => {
  const { displayName: _, ...metadata } = created.metadata;
  const spec = { ...created.spec, runtime: { ...created.spec.runtime, memory: 4096 } };
  // As this SDK's users do: the whole document goes back, what only the server writes included.
  const updated = good(await sdk.updateAgent({ ...at, body: { ...created, metadata, spec } }));
  assert.equal(updated.spec.runtime.memory, 4096);
  assert.equal(updated.metadata.createdAt, created.metadata.createdAt);
  assert.ok(updated.metadata.updatedAt >= created.metadata.updatedAt);
  assert.notEqual(updated.metadata.displayName, document.metadata.displayName);
  assert.deepEqual(good(await sdk.getAgent(at)), updated);
});

await check("agent: a body without metadata or spec is refused with 400", async () => {
  refused(await sdk.createAgent({ body: { spec: {} } }), 400);
  refused(await sdk.createAgent({ body: { metadata: { name: `${AGENT}-bare` } } }), 400);
});

await check("agent: call reaches it, and its answer is JSON", async () => {
  const agent = sdk.blAgent(AGENT);
  const thread = { "X-Blaxel-Thread-Id": "t-42" };
  const response = await agent.call(agent.url, { inputs: "Hello wörld" }, thread, { debug: "a b" });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^application\/json/);
  const answer = await response.json();
  assert.match(answer.output, /Hello wörld/);
  assert.equal(answer.thread, "t-42");
});

await check("agent: a call of one that does not exist is the gateway's 404", async () => {
  const agent = sdk.blAgent("nobody-knows-me");
  const response = await agent.call(agent.url, { inputs: "Hello" });
  assert.equal(response.status, 404);
  assert.equal(response.headers.get("x-blaxel-source"), "platform");
  const { error } = await response.json();
  assert.equal(error.code, response.headers.get("x-blaxel-error-code"));
  assert.equal(error.origin, "platform");
  assert.equal(error.retryable, false);
});

await check("agent: a call without a good credential is refused with 401", async () => {
  const agent = sdk.blAgent(AGENT);
  const wrong = { "x-blaxel-authorization": "Bearer bl_wrong_key" };
  const response = await agent.call(agent.url, { inputs: "Hello" }, wrong);
  assert.equal(response.status, 401);
});

await check("agent: delete gives the document, and nothing is there after it", async () => {
  const removed = good(await sdk.deleteAgent(at));
  assert.equal(removed.metadata.name, AGENT);
  refused(await sdk.getAgent(at), 404);
  refused(await sdk.updateAgent({ ...at, body: document }), 404);
  refused(await sdk.deleteAgent(at), 404);
  const agent = sdk.blAgent(AGENT);
  assert.equal((await agent.call(agent.url, {})).status, 404);
});

await check("agent: the name is free again after delete", async () => {
  const again = good(await sdk.createAgent({ body: document }));
  assert.equal(again.spec.runtime.memory, 2048);
  good(await sdk.deleteAgent(at));
});

// Chat with a model, as the SDK's adapters do it: ask for the model, and lead an OpenAI client to
// the gateway with the SDK's headers. That client sends `Authorization: Bearer replaced` besides.

async function chat() {
  const models = await walk({ sort: "name:asc" });
  // Not all models speak this dialect.
  const { name } = models.items.find(({ spec }) => spec.runtime.type === "openai").metadata;
  const { spec } = await sdk.getModelMetadata(name);
  const client = new OpenAI({
    apiKey: "replaced",
    baseURL: `${sdk.settings.runUrl}/${sdk.settings.workspace}/models/${name}/v1`,
    defaultHeaders: sdk.settings.headers,
    maxRetries: 0,
    fetch: globalThis.fetch,
  });
  const question = {
    model: spec.runtime.model,
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Wie spät ist es?" },
    ],
  };
  return { client, question };
}

await check("model: its address is where the SDK looks for it", async () => {
  const [name] = (await walk({ sort: "name:asc" })).names;
  const { metadata } = await sdk.getModelMetadata(name);
  assert.equal(metadata.url, `${sdk.settings.runUrl}/${workspace}/models/${name}`);
});

await check("model: one that does not exist is the control plane's 404", async () => {
  refused(await sdk.getModel({ path: { modelName: "nobody-knows-me" } }), 404);
});

let whole;

await check("chat: a completion comes whole", async () => {
  const { client, question } = await chat();
  whole = await client.chat.completions.create(question);
  assert.equal(sent.at(-1).headers.get("authorization"), "Bearer replaced");
  assert.equal(whole.object, "chat.completion");
  assert.equal(whole.model, question.model);
  const [{ message, finish_reason: reason }] = whole.choices;
  assert.equal(message.role, "assistant");
  assert.ok(message.content.length > 0);
  assert.equal(reason, "stop");
  const { prompt_tokens: asked, completion_tokens: told, total_tokens: total } = whole.usage;
  assert.equal(asked + told, total);
});

await check("chat: a stream comes in pieces, says the same and ends with the usage", async () => {
  const { client, question } = await chat();
  const stream = await client.chat.completions.create({
    ...question,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let pieces = 0;
  let reason;
  let usage;
  for await (const chunk of stream) {
    assert.equal(chunk.object, "chat.completion.chunk");
    text += chunk.choices[0]?.delta.content ?? "";
    reason = chunk.choices[0]?.finish_reason ?? reason;
    usage = chunk.usage ?? usage;
    pieces += 1;
  }
  assert.ok(pieces > 3, `${pieces} pieces`);
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(reason, "stop");
  assert.deepEqual(usage, whole.usage);
});

await check("chat: the stream can be given up in the middle", async () => {
  const { client, question } = await chat();
  const stream = await client.chat.completions.create({ ...question, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) break;
  }
  assert.equal(stream.controller.signal.aborted, true);
  good(await models({ limit: 1 }));
});

await check("chat: the client's helper puts a streamed completion together", async () => {
  const { client, question } = await chat();
  const final = await client.chat.completions.stream(question).finalChatCompletion();
  assert.equal(final.choices[0].message.content, whole.choices[0].message.content);
});

await check("chat: a question without messages is the model's own 400", async () => {
  const { client, question } = await chat();
  await assert.rejects(client.chat.completions.create({ ...question, messages: [] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, tell(error));
    assert.equal(error.type, "invalid_request_error");
    return true;
  });
});

await sdk.closeConnections();
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
