// The rows of `cargo xtask bench compare` with this SDK: see `tests/benches/compare.rs`, which starts
// this program for each row, and `bench_measure.mjs` for what it prints.

import assert from "node:assert/strict";

import { blAgent, createAgent, getAgent, listAgents } from "@blaxel/core";

import { finish, measure } from "./bench_measure.mjs";

const [row, calls, limit] = process.argv.slice(2);
const AGENT = "support-assistant";
const IMAGE = "agent/support-assistant:6d1f0c2b9a54";
const PAGE = 50;

async function get() {
  const { data } = await getAgent({ path: { agentName: AGENT } });
  assert.equal(data.metadata.name, AGENT);
}

async function list() {
  const { data } = await listAgents({ query: { limit: PAGE } });
  assert.equal(data.data.length, PAGE);
}

async function create() {
  const runtime = { image: IMAGE, memory: 4096 };
  const { data } = await createAgent({ body: { metadata: { name: AGENT }, spec: { runtime } } });
  assert.equal(data.metadata.name, AGENT);
}

async function invoke() {
  const agent = blAgent(AGENT);
  const response = await agent.call(agent.url, { inputs: "Where is my parcel?" });
  const { output } = await response.json();
  assert.equal(typeof output, "string");
}

const call = { get, "get-64": get, list, create, invoke }[row];
const atOnce = row === "get-64" ? 64 : 1;

async function work() {
  const worker = async () => {
    for (let made = 0; made < Number(calls) / atOnce; made += 1) await call();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const isOver = (seconds) => seconds.reduce((sum, one) => sum + one) >= Number(limit);
// The first one is the warm-up.
await measure(work, isOver);
finish(await measure(work, isOver));
