// Calls of an agent on the run plane, with the SDK.

import assert from "node:assert/strict";

import { PREFIX, check, good, sdk } from "./harness.mjs";

const AGENT = `${PREFIX}-called`;

export default async function agents() {
  await check("calling an agent: its document is found by the SDK's helper", async () => {
    const spec = { enabled: true, runtime: { image: "registry/agent:1", memory: 2048 } };
    const created = good(await sdk.createAgent({ body: { metadata: { name: AGENT }, spec } }));
    assert.deepEqual(await sdk.getAgentMetadata(AGENT), created);
    assert.equal(created.metadata.url, String(sdk.blAgent(AGENT).url));
  });

  await check("calling an agent: it is reached, and its answer is JSON", async () => {
    const agent = sdk.blAgent(AGENT);
    const thread = { "X-Blaxel-Thread-Id": "t-42" };
    const response = await agent.call(agent.url, { inputs: "Hello wörld" }, thread, { debug: "a b" });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^application\/json/);
    const answer = await response.json();
    assert.match(answer.output, /Hello wörld/);
    assert.equal(answer.thread, "t-42");
  });

  await check("calling an agent: one that does not exist is the gateway's 404", async () => {
    const agent = sdk.blAgent("nobody-knows-me");
    const response = await agent.call(agent.url, { inputs: "Hello" });
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("x-blaxel-source"), "platform");
    const { error } = await response.json();
    assert.equal(error.code, response.headers.get("x-blaxel-error-code"));
    assert.equal(error.origin, "platform");
    assert.equal(error.retryable, false);
  });

  await check("calling an agent: without a good credential it is refused with 401", async () => {
    const agent = sdk.blAgent(AGENT);
    const wrong = { "x-blaxel-authorization": "Bearer bl_wrong_key" };
    const response = await agent.call(agent.url, { inputs: "Hello" }, wrong);
    assert.equal(response.status, 401);
  });

  await check("calling an agent: after delete it is gone", async () => {
    good(await sdk.deleteAgent({ path: { agentName: AGENT } }));
    const agent = sdk.blAgent(AGENT);
    assert.equal((await agent.call(agent.url, {})).status, 404);
  });
}
