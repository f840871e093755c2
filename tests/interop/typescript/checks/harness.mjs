// What every check builds on: the SDK with its requests seen, the count of the checks, and what may
// be asked of an answer.

import assert from "node:assert/strict";

/** Every request this process sends, as `{method, path, headers, status}`. */
export const sent = [];
/** Sends without being seen, and without the SDK. */
export const send = globalThis.fetch;
// Put in place before the SDK is loaded, so that it sees the SDK's requests too.
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const entry = { method: request.method, path: new URL(request.url).pathname, headers: request.headers };
  sent.push(entry);
  const response = await send(request);
  entry.status = response.status;
  return response;
};
export const sdk = await import("@blaxel/core");

export const env = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`the environment has no ${name}`);
  return value;
};
export const workspace = env("BL_WORKSPACE");
export const apiKey = env("BL_API_KEY");
export const clientCredentials = env("BL_CLIENT_CREDENTIALS");
export const apiUrl = env("BL_API_URL");
env("BL_RUN_URL");

/** What the name of everything that is made here begins with. */
export const PREFIX = `interop-ts-${process.pid}`;
/** A region given wherever the SDK would warn that there is none. */
export const REGION = "us-pdx-1";
/** Where a refused token is asked for again, 1 s apart, a check takes over 3 s. */
const DEADLINE_MS = 15_000;

const counts = { passed: 0, failed: 0 };

export async function check(name, body) {
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

/** Tells the counts and ends the process. */
export function finish() {
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
}

/** An error on one line. */
export function tell(error) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error);
  return text.replaceAll(/\s+/g, " ");
}

/** The data of a call that must succeed. */
export function good({ data, error, response }) {
  assert.equal(error, undefined, `${response?.status} ${JSON.stringify(error)}`);
  return data;
}

/** Asks that a call was refused with this status, which the body repeats, and gives the body. */
export function refused({ data, error, response }, status) {
  assert.equal(response.status, status, JSON.stringify(data ?? error));
  return plain(error, status);
}

/** The same where sandboxes are created, whose refusals have a form of their own. */
export function sandboxRefused({ data, error, response }, status) {
  assert.equal(response.status, status, JSON.stringify(data ?? error));
  assert.equal(typeof error?.message, "string", JSON.stringify(error));
  assert.equal(typeof error.code, "string", JSON.stringify(error));
  assert.equal(error.status_code, status);
  return error;
}

/** Asks that one of the SDK's helpers fails with this status: it throws the plain body. */
export async function throws(promise, status) {
  const error = await thrown(promise);
  return plain(error, status);
}

/** What a promise is rejected with. */
export async function thrown(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`it gave ${JSON.stringify(value)}`);
}

function plain(error, status) {
  assert.ok(!(error instanceof Error), tell(error));
  assert.equal(typeof error?.error, "string", JSON.stringify(error));
  assert.equal(error.code, status, JSON.stringify(error));
  return error;
}

/** Asks that every member of `part` is in `whole`, at any depth. Lists are compared as they are. */
export function within(part, whole, at = "it") {
  for (const [name, value] of Object.entries(part)) {
    const path = `${at}.${name}`;
    if (value && typeof value === "object" && !Array.isArray(value)) {
      assert.equal(typeof whole?.[name], "object", `${path} is ${JSON.stringify(whole?.[name])}`);
      within(value, whole[name], path);
    } else {
      assert.deepEqual(whole?.[name], value, `${path} is ${JSON.stringify(whole?.[name])}`);
    }
  }
}

/** The name of a resource, wherever a document keeps it. */
export const nameOf = (document) => document.metadata.name;

/** All pages of a list, by way of the SDK's pagination: the items and the size of each page. */
export async function walk(first) {
  const sizes = [];
  const items = [];
  for (let page = await first; page; page = await page.nextPage()) {
    sizes.push(page.data.length);
    items.push(...page.data);
  }
  return { sizes, items, names: items.map(nameOf) };
}

/** The first page of what `list`, one of the SDK's operations, gives to a query. */
export async function paged(list, query, options = {}) {
  const fetchPage = async (query) => good(await list({ ...options, query }));
  return sdk.createPaginatedList({
    response: await fetchPage(query),
    fetchPage,
    mapItem: (item) => item,
    query,
  });
}

export const useKey = (key = apiKey) => sdk.initialize({ workspace, apiKey: key });
export const useClient = (credentials = clientCredentials) =>
  sdk.initialize({ workspace, clientCredentials: credentials });

/** Does something with other credentials than the API key. */
export async function as(settings, body) {
  sdk.initialize({ workspace, apiKey, ...settings });
  try {
    return await body();
  } finally {
    useKey();
  }
}
