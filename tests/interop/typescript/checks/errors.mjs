// Error responses of all resources, as the SDK reports them.

import assert from "node:assert/strict";

import { PREFIX, REGION, as, check, refused, sandboxRefused, sdk, throws, thrown } from "./harness.mjs";

const missing = { path: { agentName: "nobody-knows-me" } };
const sandbox = { metadata: { name: `${PREFIX}-refused` }, spec: { region: REGION, runtime: {} } };

export default async function errors() {
  await check("errors: a call throws the plain body where it is told to throw", async () => {
    await throws(sdk.getAgent({ ...missing, throwOnError: true }), 404);
    await throws(sdk.createAgent({ body: { spec: {} }, throwOnError: true }), 400);
  });

  await check("errors: 401 and 403 tell where to read about signing in, at every kind", async () => {
    for (const [settings, status] of [
      [{ apiKey: "bl_wrong_key" }, 401],
      [{ workspace: "elsewhere" }, 403],
    ]) {
      await as(settings, async () => {
        for (const call of [
          sdk.listSandboxes,
          sdk.listVolumes,
          sdk.listDrives,
          sdk.listPolicies,
          sdk.listVpcs,
        ]) {
          const error = refused(await call({}), status);
          assert.match(error.documentation, /docs\.blaxel\.ai/);
        }
        await throws(sdk.VolumeInstance.get("nobody-knows-me"), status);
        await throws(sdk.SandboxInstance.get("nobody-knows-me"), status);
      });
    }
  });

  await check("errors: where sandboxes are created, refusals have the form of SandboxError", async () => {
    for (const [settings, status, code] of [
      [{ apiKey: "bl_wrong_key" }, 401, "UNAUTHORIZED"],
      [{ workspace: "elsewhere" }, 403, "FORBIDDEN"],
      [{}, 400, undefined],
    ]) {
      await as(settings, async () => {
        const body = status === 400 ? { ...sandbox, metadata: { name: "Not A Name" } } : sandbox;
        const error = sandboxRefused(await sdk.createSandbox({ body }), status);
        if (code) assert.equal(error.code, code);
        // The SDK's helper throws the same error.
        const same = await thrown(sdk.SandboxInstance.create(body));
        assert.equal(same.code, error.code);
        assert.equal(same.status_code, status);
      });
    }
  });

  await check("errors: helpers throw the plain body of a 404", async () => {
    await throws(sdk.SandboxInstance.get("nobody-knows-me"), 404);
    await throws(sdk.SandboxInstance.getByExternalId("nobody-knows-me"), 404);
    await throws(sdk.SandboxInstance.delete("nobody-knows-me"), 404);
    await throws(sdk.SandboxInstance.updateTtl("nobody-knows-me", "1h"), 404);
    await throws(sdk.VolumeInstance.get("nobody-knows-me"), 404);
    await throws(sdk.VolumeInstance.delete("nobody-knows-me"), 404);
    await throws(sdk.DriveInstance.get("nobody-knows-me"), 404);
    await throws(sdk.DriveInstance.update("nobody-knows-me", {}), 404);
    await throws(sdk.ApplicationInstance.get("nobody-knows-me"), 404);
    await throws(sdk.blJob("nobody-knows-me").run([{}]), 404);
  });
}
