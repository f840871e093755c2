// The official MCP client for TypeScript tests the servers of a running emulator. See README.md.
//
// Required environment variables: BL_API_URL, BL_RUN_URL, BL_WORKSPACE and BL_API_KEY.

import assert from 'node:assert/strict';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`the environment has no ${name}`);
  return value;
};
const api = env('BL_API_URL');
const run = env('BL_RUN_URL');
const workspace = env('BL_WORKSPACE');
const headers = { 'x-blaxel-authorization': `Bearer ${env('BL_API_KEY')}`, 'x-blaxel-workspace': workspace };

const FUNCTIONS = [`interop-mcp-a-${process.pid}`, `interop-mcp-b-${process.pid}`];
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
    console.log(`not ok - ${name}: ${String(error?.stack ?? error).replaceAll(/\s+/g, ' ').slice(0, 500)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a request to the control plane. */
async function control(method, path, body) {
  const response = await fetch(`${api}${path}`, {
    method,
    headers: { ...headers, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}

const address = async (name) => `${(await control('GET', `/functions/${name}`)).metadata.url}/mcp`;

const clients = [];

/** Opens a session with a function, and returns it with its transport. */
async function connect(name, prepare = () => {}) {
  const transport = new StreamableHTTPClientTransport(new URL(await address(name)), { requestInit: { headers } });
  const client = new Client({ name: 'interop', version: '1' });
  prepare(client);
  await client.connect(transport);
  clients.push(client);
  return { client, transport };
}

/** Returns the items of all pages of a list, and the number of pages. */
async function pages(list, member) {
  const items = [];
  let count = 0;
  let cursor;
  do {
    const page = await list({ cursor });
    items.push(...page[member]);
    cursor = page.nextCursor;
    count += 1;
  } while (cursor !== undefined);
  return { items, count };
}

const text = (result) => result.content.map((piece) => piece.text).join('\n');
const [first, second] = FUNCTIONS;

for (const name of FUNCTIONS) {
  await control('POST', '/functions', { metadata: { name }, spec: { runtime: { image: 'example:latest' } } });
}

await check('the document of a function leads to its server', async () => {
  const { client, transport } = await connect(first);
  assert.equal(client.getServerVersion().name, first);
  assert.match(client.getInstructions(), new RegExp(first));
  assert.ok(client.getServerCapabilities().tools.listChanged);
  assert.ok(transport.sessionId);
  assert.equal(transport.protocolVersion, '2025-11-25');
  await client.ping();
});

await check('the gateway stands before it', async () => {
  const ask = (path, init) => fetch(`${run}/${path}`, { method: 'POST', body: '{}', ...init });
  const good = `${workspace}/functions/${first}/mcp`;
  assert.equal((await ask(good)).status, 401);
  assert.equal((await ask(`${workspace}/functions/nobody/mcp`, { headers })).status, 404);
  assert.equal((await ask(good, { headers })).status, 406, 'whoever takes no events is no client');
});

const { client } = await connect(first);

await check('tools are listed in pages', async () => {
  const { items, count } = await pages((page) => client.listTools(page), 'tools');
  assert.equal(count, 3);
  const names = new Set(items.map((tool) => tool.name));
  assert.equal(names.size, 7);
  assert.ok(items.every((tool) => tool.inputSchema.type === 'object'));
  const other = await connect(second);
  const theirs = await pages((page) => other.client.listTools(page), 'tools');
  assert.equal(theirs.items.filter((tool) => !names.has(tool.name)).length, 1, 'each function has one of its own');
});

await check('a cursor that leads nowhere is refused', async () => {
  await assert.rejects(client.listTools({ cursor: 'nowhere' }), { code: -32602 });
});

await check('tools are called', async () => {
  const said = await client.callTool({ name: 'echo', arguments: { text: 'Grüße 🦀' } });
  assert.equal(text(said), 'Grüße 🦀');
  // The client validates the output against the schema in the list.
  const sum = await client.callTool({ name: 'add', arguments: { a: 2, b: 40.5 } });
  assert.deepEqual(sum.structuredContent, { sum: 42.5 });
  const failed = await client.callTool({ name: 'fail', arguments: { reason: 'no luck' } });
  assert.equal(failed.isError, true);
  assert.equal(text(failed), 'no luck');
  const shown = await client.callTool({ name: 'show_note', arguments: { number: 1 } });
  assert.deepEqual(shown.content.map((piece) => piece.type), ['resource', 'resource_link', 'image']);
});

await check('what is no tool and what are no arguments is refused', async () => {
  await assert.rejects(client.callTool({ name: 'none' }), { code: -32602 });
  await assert.rejects(client.callTool({ name: 'echo', arguments: {} }), { code: -32602 });
});

await check('progress comes step by step', async () => {
  const steps = [];
  const onprogress = (step) => steps.push(step);
  const counted = await client.callTool({ name: 'count', arguments: { to: 5, pauseMs: 20 } }, undefined, { onprogress });
  assert.equal(text(counted), 'counted to 5');
  assert.deepEqual(steps.map((step) => step.progress), [1, 2, 3, 4, 5]);
  assert.deepEqual([steps[2].total, steps[2].message], [5, '3 of 5']);
});

await check('a call that is given up disturbs no other', async () => {
  const { signal } = AbortSignal.timeout ? { signal: AbortSignal.timeout(200) } : {};
  const counting = client.callTool({ name: 'count', arguments: { to: 100, pauseMs: 1000 } }, undefined, { signal });
  await assert.rejects(counting);
  const calls = Array.from({ length: 20 }, async (_, number) => {
    const said = await client.callTool({ name: 'echo', arguments: { text: `${number}` } });
    assert.equal(text(said), `${number}`);
  });
  await Promise.all(calls);
});

await check('resources are listed in pages and read', async () => {
  const { items, count } = await pages((page) => client.listResources(page), 'resources');
  assert.equal(count, 3);
  for (const { uri, mimeType } of items) {
    const [contents] = (await client.readResource({ uri })).contents;
    assert.equal(contents.uri, uri);
    assert.equal(contents.mimeType, mimeType);
    const said = contents.text ?? Buffer.from(contents.blob, 'base64').toString();
    assert.match(said, new RegExp(`Note \\d of ${first}`));
  }
  const { resourceTemplates } = await client.listResourceTemplates();
  assert.match(resourceTemplates[0].uriTemplate, /\{number\}$/);
  await assert.rejects(client.readResource({ uri: 'emulator://nothing' }), { code: -32002 });
});

await check('prompts are listed in pages and filled in', async () => {
  const { items, count } = await pages((page) => client.listPrompts(page), 'prompts');
  assert.equal(count, 2);
  assert.equal(items.length, 4);
  const filled = await client.getPrompt({ name: 'translate', arguments: { text: 'Hallo', language: 'Welsh' } });
  assert.equal(filled.messages[0].content.text, 'Translate into Welsh: Hallo');
  await assert.rejects(client.getPrompt({ name: 'translate' }), { code: -32602 });
});

await check('what a server says unasked is heard', async () => {
  let heard;
  const word = new Promise((resolve) => {
    heard = resolve;
  });
  const { client: listening } = await connect(second, (one) => {
    one.setNotificationHandler(ToolListChangedNotificationSchema, heard);
  });
  // The stream for such notifications opens shortly after the session has started.
  let over = false;
  word.then(() => {
    over = true;
  });
  while (!over) {
    await listening.callTool({ name: 'announce' });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

await check('a session that was ended is gone', async () => {
  const { client: ending, transport } = await connect(second);
  const session = transport.sessionId;
  await transport.terminateSession();
  const response = await fetch(await address(second), {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': session,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
  assert.equal(response.status, 404);
  await ending.close();
});

await Promise.all(clients.map((one) => one.close()));
for (const name of FUNCTIONS) await control('DELETE', `/functions/${name}`);

console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
