// Access: service accounts, their keys, and workspaces.

import assert from "node:assert/strict";

import { PREFIX, as, check, good, refused, sdk, useClient, useKey, workspace } from "./harness.mjs";

export default async function access() {
  await check("service account: it signs in with its secret, and by its keys", async () => {
    const name = `${PREFIX}-account`;
    const made = good(await sdk.createWorkspaceServiceAccount({ body: { name, description: "Interop" } }));
    const clientId = made.client_id;
    const path = { clientId };
    useClient({ clientId, clientSecret: made.client_secret });
    try {
      await sdk.authenticate();
      good(await sdk.listModels({ query: { limit: 1 } }));
    } finally {
      useKey();
    }
    const key = good(
      await sdk.createApiKeyForServiceAccount({ path, body: { name: "first", expires_in: "30d" } }),
    );
    const listModels = () => sdk.listModels({ query: { limit: 1 } });
    await as({ apiKey: key.apiKey }, async () => good(await listModels()));
    const keys = good(await sdk.listApiKeysForServiceAccount({ path }));
    assert.deepEqual(
      keys.map((one) => [one.id, one.name]),
      [[key.id, "first"]],
    );
    assert.notEqual(keys[0].apiKey, key.apiKey);
    good(await sdk.deleteApiKeyForServiceAccount({ path: { clientId, apiKeyId: key.id } }));
    await as({ apiKey: key.apiKey }, async () => refused(await listModels(), 401));
    const renamed = good(await sdk.updateWorkspaceServiceAccount({ path, body: { name: `${name}-2` } }));
    assert.equal(renamed.name, `${name}-2`);
    assert.ok(good(await sdk.getWorkspaceServiceAccounts({})).some((one) => one.client_id === clientId));
    good(await sdk.deleteWorkspaceServiceAccount({ path }));
    assert.ok(!good(await sdk.getWorkspaceServiceAccounts({})).some((one) => one.client_id === clientId));
  });

  await check("workspace: the own one is there, and its name is taken", async () => {
    assert.equal(good(await sdk.getWorkspace({ path: { workspaceName: workspace } })).name, workspace);
    assert.ok(good(await sdk.listWorkspaces({})).some((one) => one.name === workspace));
    assert.equal(good(await sdk.checkWorkspaceAvailability({ body: { name: workspace } })), false);
    assert.equal(good(await sdk.checkWorkspaceAvailability({ body: { name: `${PREFIX}-free` } })), true);
    refused(await sdk.getWorkspace({ path: { workspaceName: "nobody-knows-me" } }), 404);
    assert.ok(good(await sdk.listWorkspaceUsers({})).length > 0);
  });

  await check("workspace: another one is made, changed and deleted", async () => {
    const name = `${PREFIX}-space`;
    const path = { workspaceName: name };
    assert.equal(good(await sdk.createWorkspace({ body: { name, displayName: "Space" } })).name, name);
    refused(await sdk.createWorkspace({ body: { name } }), 409);
    const changed = good(await sdk.updateWorkspace({ path, body: { name, displayName: "Wide space" } }));
    assert.equal(changed.displayName, "Wide space");
    good(await sdk.deleteWorkspace({ path }));
    refused(await sdk.getWorkspace({ path }), 404);
  });

  await check("what the platform offers is told: places, hubs, templates, an integration", async () => {
    assert.ok(good(await sdk.listLocations({})).length > 0);
    assert.ok(good(await sdk.listSandboxHubDefinitions({})).length > 0);
    assert.ok(good(await sdk.listMcpHubDefinitions({})).length > 0);
    assert.ok(good(await sdk.listTemplates({})).length > 0);
    assert.equal(good(await sdk.getIntegration({ path: { integrationName: "openai" } })).name, "openai");
    assert.ok(Object.keys(good(await sdk.listPublicIps({}))).length > 0);
  });
}
