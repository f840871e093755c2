// Policies, integration connections, custom domains and VPCs; and applications, with the SDK's helper.

import assert from "node:assert/strict";

import { PREFIX, REGION, check, good, refused, sdk, throws } from "./harness.mjs";

export default async function governance() {
  await check("policy: what is under it is counted and named", async () => {
    const name = `${PREFIX}-policy`;
    const spec = { type: "maxToken", resourceTypes: ["model"], maxTokens: { total: 1000 } };
    good(await sdk.createPolicy({ body: { metadata: { name }, spec } }));
    const model = {
      metadata: { name },
      spec: { policies: [name], runtime: { type: "openai", model: "gpt-4o" } },
    };
    good(await sdk.createModel({ body: model }));
    const path = { policyName: name };
    assert.equal(good(await sdk.getPolicy({ path })).usage.models, 1);
    assert.deepEqual(good(await sdk.getPolicyUsages({ path })).models, [name]);
    good(await sdk.deleteModel({ path: { modelName: name } }));
    assert.deepEqual(good(await sdk.getPolicyUsages({ path })).models ?? [], []);
    good(await sdk.deletePolicy({ path }));
    refused(await sdk.getPolicyUsages({ path }), 404);
  });

  await check("integration connection: its secrets are masked, and it stays while it is used", async () => {
    const name = `${PREFIX}-connection`;
    const spec = { integration: "openai", secret: { apiKey: "sk-interop" } };
    const made = good(await sdk.createIntegrationConnection({ body: { metadata: { name }, spec } }));
    assert.ok(made.spec.secret.apiKey);
    assert.ok(!JSON.stringify(made).includes("sk-interop"));
    const models = good(await sdk.listIntegrationConnectionModels({ path: { connectionName: name } }));
    assert.ok(models.length > 0);
    const model = { integrationConnections: [name], runtime: { type: "openai", model: "gpt-4o" } };
    good(await sdk.createModel({ body: { metadata: { name }, spec: model } }));
    const path = { connectionName: name };
    refused(await sdk.deleteIntegrationConnection({ path }), 409);
    good(await sdk.deleteModel({ path: { modelName: name } }));
    good(await sdk.deleteIntegrationConnection({ path }));
  });

  await check("private cloud: gateways and addresses are made in it, and told of everywhere", async () => {
    const vpcName = `${PREFIX}-vpc`;
    good(await sdk.createVpc({ body: { metadata: { name: vpcName }, spec: {} } }));
    const gateway = { metadata: { name: "gate" }, spec: { region: REGION } };
    const made = good(await sdk.createEgressGateway({ path: { vpcName }, body: gateway }));
    assert.equal(made.metadata.vpcName, vpcName);
    refused(await sdk.createEgressGateway({ path: { vpcName }, body: gateway }), 409);
    const path = { vpcName, gatewayName: "gate" };
    const ip = { metadata: { name: "first" }, spec: { ipFamily: "IPv4" } };
    const address = good(await sdk.createEgressIp({ path, body: ip }));
    assert.equal(address.metadata.gatewayName, "gate");
    assert.deepEqual(good(await sdk.listEgressIps({ path })), [address]);
    assert.deepEqual(good(await sdk.getEgressIp({ path: { ...path, ipName: "first" } })), address);
    const gateways = good(await sdk.listAllEgressGateways({}));
    assert.ok(gateways.some((one) => one.metadata.vpcName === vpcName && one.metadata.name === "gate"));
    assert.ok(good(await sdk.listAllEgressIps({})).some((one) => one.metadata.vpcName === vpcName));
    good(await sdk.deleteEgressIp({ path: { ...path, ipName: "first" } }));
    good(await sdk.deleteEgressGateway({ path }));
    refused(await sdk.getEgressGateway({ path }), 404);
    good(await sdk.deleteVpc({ path: { vpcName } }));
    refused(await sdk.listEgressGateways({ path: { vpcName } }), 404);
  });

  await check("custom domain: it is verified, and shared with the account", async () => {
    const domainName = `${PREFIX}-shared.example.com`;
    const path = { domainName };
    const body = { metadata: { name: domainName }, spec: { domainType: "previews", region: REGION } };
    assert.equal(good(await sdk.createCustomDomain({ body })).spec.status, "pending");
    assert.equal(good(await sdk.verifyCustomDomain({ path })).spec.status, "verified");
    const target = { targetWorkspace: "account" };
    good(await sdk.shareCustomDomain({ path, body: target }));
    refused(await sdk.shareCustomDomain({ path, body: target }), 409);
    assert.equal(good(await sdk.listCustomDomainShares({ path })).length, 1);
    good(await sdk.unshareCustomDomain({ path: { ...path, ...target } }));
    assert.deepEqual(good(await sdk.listCustomDomainShares({ path })), []);
    good(await sdk.deleteCustomDomain({ path }));
    refused(await sdk.verifyCustomDomain({ path }), 404);
  });

  await check("application helper: its whole life", async () => {
    const name = `${PREFIX}-application`;
    const config = { name, image: "registry/application:1", memory: 2048, port: 8080, region: REGION };
    const made = await sdk.ApplicationInstance.create(config);
    assert.equal(made.spec.port, 8080);
    assert.equal(made.spec.enabled, true);
    await throws(sdk.ApplicationInstance.create(config), 409);
    assert.equal((await sdk.ApplicationInstance.get(name)).metadata.createdAt, made.metadata.createdAt);
    assert.ok((await sdk.ApplicationInstance.list()).some((one) => one.name === name));
    const updated = await made.update({ port: 9090 });
    assert.equal(updated.spec.port, 9090);
    assert.equal(updated.spec.image, config.image);
    const revisions = await updated.listRevisions();
    assert.equal(revisions.length, 2);
    await updated.delete();
    await throws(sdk.ApplicationInstance.get(name), 404);
  });
}
