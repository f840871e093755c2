// Sign-ins: client credentials, a stored login, API keys.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import {
  apiKey,
  apiUrl,
  check,
  clientCredentials,
  good,
  refused,
  sdk,
  send,
  sent,
  useClient,
  useKey,
  workspace,
} from "./harness.mjs";

const tokenRequests = () => sent.filter((request) => request.path.endsWith("/oauth/token"));
const models = (query) => sdk.listModels({ query });

export default async function signIn() {
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
    const first = await send(`${apiUrl}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${clientCredentials}`, "content-type": "application/json" },
      body: JSON.stringify({ grant_type: "client_credentials" }),
    });
    storeLogin((await first.json()).refresh_token);
    await without(["BL_API_KEY", "BL_CLIENT_CREDENTIALS"], async () => {
      for (let round = 0; round < 2; round += 1) {
        // Without a credential in its configuration, the SDK searches again, and now finds the file.
        sdk.initialize({ workspace });
        sdk.settings.credentials = null;
        const before = tokenRequests().length;
        assert.equal(good(await models({ limit: 1 })).data.length, 1);
        assert.equal(tokenRequests().length - before, 1);
      }
    });
  });

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
}

/** Runs a function without these environment variables. */
async function without(names, body) {
  const kept = names.map((name) => [name, process.env[name]]);
  names.forEach((name) => delete process.env[name]);
  try {
    await body();
  } finally {
    kept.forEach(([name, value]) => (process.env[name] = value));
  }
}

/** Writes the file of the command line tool after a login, with an expired token. */
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
