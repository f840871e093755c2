// HTTP/2: the connections that the SDK keeps to the platform's edge.

import assert from "node:assert/strict";

import { check, pooled, PREFIX, REGION, sdk, sent } from "./harness.mjs";

const NAME = `${PREFIX}-http2`;

export default async function http2() {
  await check("HTTP/2: calls of a sandbox at the same time share a connection of the SDK's pool", async () => {
    const sandbox = await sdk.SandboxInstance.create({ name: NAME, region: REGION });
    const connections = pooled.length;
    const requests = sent.length;
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    const outputs = await Promise.all(
      numbers.map(async (number) => {
        const { stdout } = await sandbox.process.exec({ command: `echo ${number}`, waitForCompletion: true });
        return stdout;
      }),
    );
    assert.deepEqual(outputs, numbers.map((number) => `${number}\n`));
    assert.deepEqual(new Set(pooled), new Set([`any.${REGION}.bl.run`]));
    assert.ok(pooled.length - connections <= 1, `${pooled.length - connections} connections`);
    // None of them was sent by the runtime's own client.
    assert.deepEqual(sent.slice(requests).map((request) => request.path), []);
    await sdk.SandboxInstance.delete(NAME);
  });

  await check("HTTP/2: a large file and its parts", async () => {
    const sandbox = await sdk.SandboxInstance.create({ name: NAME, region: REGION });
    const contents = Buffer.alloc(6 << 20, "0123456789abcdef");
    await sandbox.fs.writeBinary("/tmp/large", contents);
    const read = await sandbox.fs.readBinary("/tmp/large");
    assert.ok(contents.equals(Buffer.from(await read.arrayBuffer())));
    await sdk.SandboxInstance.delete(NAME);
  });
}
