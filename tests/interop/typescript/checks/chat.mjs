// Chats with a model, as the SDK's adapters do it: they look the model up, and configure an OpenAI
// client with the URL of the gateway and the SDK's headers. That client also sends its own header,
// `Authorization: Bearer replaced`.

import assert from "node:assert/strict";

import OpenAI from "openai";

import { check, good, paged, refused, sdk, sent, tell, walk, workspace } from "./harness.mjs";

const walked = (query) => walk(paged(sdk.listModels, query));

export default async function chatting() {
  await check("model: its address is where the SDK looks for it", async () => {
    const [name] = (await walked({ sort: "name:asc" })).names;
    const { metadata } = await sdk.getModelMetadata(name);
    assert.equal(metadata.url, `${sdk.settings.runUrl}/${workspace}/models/${name}`);
  });

  await check("model: one that does not exist is the control plane's 404", async () => {
    refused(await sdk.getModel({ path: { modelName: "nobody-knows-me" } }), 404);
  });

  let whole;

  await check("chat: a completion comes whole", async () => {
    const { client, question } = await chat();
    whole = await client.chat.completions.create(question);
    assert.equal(sent.at(-1).headers.get("authorization"), "Bearer replaced");
    assert.equal(whole.object, "chat.completion");
    assert.equal(whole.model, question.model);
    const [{ message, finish_reason: reason }] = whole.choices;
    assert.equal(message.role, "assistant");
    assert.ok(message.content.length > 0);
    assert.equal(reason, "stop");
    const { prompt_tokens: asked, completion_tokens: told, total_tokens: total } = whole.usage;
    assert.equal(asked + told, total);
  });

  await check("chat: a stream comes in pieces, says the same and ends with the usage", async () => {
    const { client, question } = await chat();
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let pieces = 0;
    let reason;
    let usage;
    for await (const chunk of stream) {
      assert.equal(chunk.object, "chat.completion.chunk");
      text += chunk.choices[0]?.delta.content ?? "";
      reason = chunk.choices[0]?.finish_reason ?? reason;
      usage = chunk.usage ?? usage;
      pieces += 1;
    }
    assert.ok(pieces > 3, `${pieces} pieces`);
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(reason, "stop");
    assert.deepEqual(usage, whole.usage);
  });

  await check("chat: the stream can be given up in the middle", async () => {
    const { client, question } = await chat();
    const stream = await client.chat.completions.create({ ...question, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break;
    }
    assert.equal(stream.controller.signal.aborted, true);
    good(await sdk.listModels({ query: { limit: 1 } }));
  });

  await check("chat: the client's helper puts a streamed completion together", async () => {
    const { client, question } = await chat();
    const final = await client.chat.completions.stream(question).finalChatCompletion();
    assert.equal(final.choices[0].message.content, whole.choices[0].message.content);
  });

  await check("chat: a question without messages is the model's own 400", async () => {
    const { client, question } = await chat();
    await assert.rejects(client.chat.completions.create({ ...question, messages: [] }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, tell(error));
      assert.equal(error.type, "invalid_request_error");
      return true;
    });
  });
}

async function chat() {
  const models = await walked({ sort: "name:asc" });
  // Not all models support this API.
  const { name } = models.items.find(({ spec }) => spec.runtime.type === "openai").metadata;
  const { spec } = await sdk.getModelMetadata(name);
  const client = new OpenAI({
    apiKey: "replaced",
    baseURL: `${sdk.settings.runUrl}/${sdk.settings.workspace}/models/${name}/v1`,
    defaultHeaders: sdk.settings.headers,
    maxRetries: 0,
    fetch: globalThis.fetch,
  });
  const question = {
    model: spec.runtime.model,
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Wie spät ist es?" },
    ],
  };
  return { client, question };
}
