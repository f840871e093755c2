"""Chats with a model, as the SDK's adapters do it: they look the model up, and configure an OpenAI
client with the URL of the gateway and the SDK's headers. That client also sends its own header,
`Authorization: Bearer replaced`."""

from contextlib import asynccontextmanager

import openai
from blaxel.core import bl_model, client, settings
from blaxel.core.client.api.models import get_model, list_models
from blaxel.core.client.models import ListModelsSort

from .harness import WORKSPACE, check, equal, refused, shown, walk


@asynccontextmanager
async def chat():
    # Not all models support this API.
    speaks = (
        model
        for model in list_models.sync(client=client).data
        if model.spec.runtime.type_ == "openai"
    )
    url, kind, model = await bl_model(next(speaks).metadata.name).get_parameters()
    equal(kind, "openai")
    chatter = openai.AsyncOpenAI(
        api_key="replaced",
        base_url=f"{url}/v1",
        default_headers=settings.auth.get_headers(),
        max_retries=0,
    )
    question = {
        "model": model,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Wie spät ist es?"},
        ],
    }
    async with chatter:
        yield chatter, question


@check("model: its address is where the SDK looks for it")
async def _():
    name = walk(list_models, sort=ListModelsSort.NAMEASC)[0][0]
    url, _, _ = await bl_model(name).get_parameters()
    equal(url, f"{settings.run_url}/{WORKSPACE}/models/{name}")
    equal(get_model.sync(name, client=client).metadata.url, shown(url))


@check("model: one that does not exist is the control plane's 404")
async def _():
    refused(404, get_model, "nobody-knows-me")
    try:
        await bl_model("nobody-knows-me").get_parameters()
    except Exception as error:
        assert "not found" in str(error), error
    else:
        raise AssertionError("the SDK found it")


whole = None


@check("chat: a completion comes whole")
async def _():
    global whole
    async with chat() as (chatter, question):
        whole = await chatter.chat.completions.create(**question)
        equal(whole.object, "chat.completion")
        equal(whole.model, question["model"])
        equal(whole.choices[0].message.role, "assistant")
        assert whole.choices[0].message.content
        equal(whole.choices[0].finish_reason, "stop")
        usage = whole.usage
        equal(usage.prompt_tokens + usage.completion_tokens, usage.total_tokens)


@check("chat: a stream comes in pieces, says the same and ends with the usage")
async def _():
    async with chat() as (chatter, question):
        text, pieces, reason, usage = "", 0, None, None
        stream = await chatter.chat.completions.create(
            **question, stream=True, stream_options={"include_usage": True}
        )
        async for chunk in stream:
            equal(chunk.object, "chat.completion.chunk")
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
            usage = chunk.usage or usage
            pieces += 1
        assert pieces > 3, pieces
        equal(text, whole.choices[0].message.content)
        equal(reason, "stop")
        equal(usage, whole.usage)


@check("chat: the stream can be given up in the middle")
async def _():
    async with chat() as (chatter, question):
        stream = await chatter.chat.completions.create(**question, stream=True)
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        await stream.close()
        equal(len(list_models.sync(client=client, limit=1).data), 1)


@check("chat: a question without messages is the model's own 400")
async def _():
    async with chat() as (chatter, question):
        try:
            await chatter.chat.completions.create(**{**question, "messages": []})
        except openai.BadRequestError as error:
            equal(error.type, "invalid_request_error")
        else:
            raise AssertionError("it was answered")
