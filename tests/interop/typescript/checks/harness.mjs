// The base of all checks: the SDK with a record of its requests, the results of the checks, and
// assertions on responses.

import assert from "node:assert/strict";
import dns from "node:dns/promises";
import tls from "node:tls";

/** All requests of this process, as `{method, path, headers, status}`. */
export const sent = [];
/** Sends a request without the SDK and without recording it. */
export const send = globalThis.fetch;
// Installed before the SDK is loaded, so that the SDK's requests are recorded too.
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const entry = { method: request.method, path: new URL(request.url).pathname, headers: request.headers };
  sent.push(entry);
  const response = await send(request);
  entry.status = response.status;
  return response;
};

/** The hosts to which the SDK has opened connections of its own, for HTTP/2. */
export const pooled = [];
// They lead to port 443 of the platform's edge, whatever the settings are. Here, that is the emulator.
const connect = tls.connect;
tls.connect = (options, ...rest) => {
  if (options?.port !== 443) return connect(options, ...rest);
  pooled.push(options.servername);
  return connect({ ...options, port: Number(new URL(process.env.BL_API_URL).port) }, ...rest);
};
dns.lookup = async () => ({ address: "127.0.0.1", family: 4 });

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

/** The prefix of the names of all resources that the checks create. */
export const PREFIX = `interop-ts-${process.pid}`;
/** The region for operations for which the SDK warns if there is none. */
export const REGION = "us-pdx-1";
/** The time limit of a check: the SDK requests a refused token again for over 3 s. */
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

/** Prints the results and ends the process. */
export function finish() {
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
}

/** Formats an error on one line. */
export function tell(error) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : JSON.stringify(error);
  return text.replaceAll(/\s+/g, " ");
}

/** Returns the data of a call that must succeed. */
export function good({ data, error, response }) {
  assert.equal(error, undefined, `${response?.status} ${JSON.stringify(error)}`);
  return data;
}

/** Asserts that a call failed with this status, which the body repeats, and returns the body. */
export function refused({ data, error, response }, status) {
  assert.equal(response.status, status, JSON.stringify(data ?? error));
  return plain(error, status);
}

/** The same for the creation of sandboxes, whose error responses have another form. */
export function sandboxRefused({ data, error, response }, status) {
  assert.equal(response.status, status, JSON.stringify(data ?? error));
  assert.equal(typeof error?.message, "string", JSON.stringify(error));
  assert.equal(typeof error.code, "string", JSON.stringify(error));
  assert.equal(error.status_code, status);
  return error;
}

/** Asserts that one of the SDK's helpers fails with this status: it throws the plain body. */
export async function throws(promise, status) {
  const error = await thrown(promise);
  return plain(error, status);
}

/** Returns the reason with which a promise is rejected. */
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

/** Asserts that every member of `part` is in `whole`, at any depth. Lists must be equal. */
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

/** Returns the name of a resource, whatever the shape of its document. */
export const nameOf = (document) => document.metadata.name;

/** Reads all pages of a list with the SDK's pagination: the items and the size of each page. */
export async function walk(first) {
  const sizes = [];
  const items = [];
  for (let page = await first; page; page = await page.nextPage()) {
    sizes.push(page.data.length);
    items.push(...page.data);
  }
  return { sizes, items, names: items.map(nameOf) };
}

/** Returns the first page of a query with `list`, one of the SDK's operations. */
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

/** Runs a function with other credentials than the API key. */
export async function as(settings, body) {
  sdk.initialize({ workspace, apiKey, ...settings });
  try {
    return await body();
  } finally {
    useKey();
  }
}
