"""The official Python SDK judges a running emulator. See ../README.md.

Wanted in the environment: BL_API_URL, BL_RUN_URL, BL_WORKSPACE, BL_API_KEY and
BL_CLIENT_CREDENTIALS (base64 of `id:secret`), and a HOME that may be written to.
"""

import asyncio
import base64
import inspect
import json
import os
import sys
from datetime import datetime
from pathlib import Path

import blaxel
import httpx
import openai
import requests
from blaxel.core import bl_agent, bl_model, client, settings
from blaxel.core.authentication import auth
from blaxel.core.client.api.agents import (
    create_agent,
    delete_agent,
    get_agent,
    list_agents,
    update_agent,
)
from blaxel.core.client.api.models import get_model, list_models
from blaxel.core.client.errors import UnexpectedStatus
from blaxel.core.client.models import (
    Agent,
    AgentRuntime,
    AgentSpec,
    Error,
    ListModelsSort,
    Metadata,
    MetadataLabels,
)
from blaxel.core.client.pagination import make_async_paginated_list, make_paginated_list
from blaxel.core.common.settings import Settings

API_URL = os.environ["BL_API_URL"]
RUN_URL = os.environ["BL_RUN_URL"]
WORKSPACE = os.environ["BL_WORKSPACE"]
API_KEY = os.environ["BL_API_KEY"]
CLIENT_CREDENTIALS = os.environ["BL_CLIENT_CREDENTIALS"]

# This SDK knows the platform's own addresses only: the way to another server is to replace the
# two properties that give them.
Settings.base_url = property(lambda _: API_URL)
Settings.run_url = property(lambda _: RUN_URL)
# It has no deadline either.
client.with_timeout(httpx.Timeout(15))

AGENT = f"interop-py-{os.getpid()}"

CHECKS = []


def check(name):
    """Registers a check, which is a function or a coroutine function."""

    def register(body):
        CHECKS.append((name, body))
        return body

    return register


def main():
    passed = failed = 0
    for name, body in CHECKS:
        try:
            if inspect.iscoroutinefunction(body):
                # The SDK makes itself a new asynchronous client for each event loop.
                asyncio.run(asyncio.wait_for(body(), timeout=15))
            else:
                body()
        except Exception as error:
            failed += 1
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok - {name}: {why}", flush=True)
        else:
            passed += 1
            print(f"ok - {name}", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if failed == 0 and passed > 0 else 1


def equal(found, wanted):
    """As `assert found == wanted`, but it tells what was found."""
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")


def good(answer, kind):
    """What a call gave, which must be of this type; errors come back as values here."""
    if not isinstance(answer, kind):
        raise AssertionError(f"{answer!r} is no {kind.__name__}")
    return answer


def refused(answer, status):
    """Asks that a call was refused with this status, which the body repeats."""
    equal(int(answer.status_code), status)
    error = good(answer.parsed, Error)
    equal(error.code, status)
    assert isinstance(error.error, str) and error.error, error
    return error


def refused_outright(status, call, **arguments):
    """The same where the SDK does not know that the operation can give this status."""
    try:
        answer = call(client=client, **arguments)
    except UnexpectedStatus as error:
        equal(error.status_code, status)
        return json.loads(error.content)
    raise AssertionError(f"{answer!r} was given")


def sign_in(**credentials):
    """Signs in with these credentials from the environment, and no others."""
    for name in ("BL_API_KEY", "BL_CLIENT_CREDENTIALS"):
        os.environ.pop(name, None)
    os.environ.update(credentials)
    settings.auth = auth(settings.env, settings.base_url)
    blaxel.autoload()


def with_key(key=API_KEY):
    sign_in(BL_API_KEY=key)


def with_client(credentials=CLIENT_CREDENTIALS):
    sign_in(BL_CLIENT_CREDENTIALS=credentials)


def in_version(version):
    """Sets the version that is asked for; None is the SDK's own."""
    if version is None:
        os.environ.pop("BL_API_VERSION", None)
    else:
        os.environ["BL_API_VERSION"] = version
    blaxel.autoload()


def models(**query):
    return list_models.sync(client=client, **query)


def walk(**query):
    """The names of all models by way of the SDK's own pages, and the size of each page."""

    def page(**more):
        return make_paginated_list(
            models(**query, **more),
            mapper=lambda model: model.metadata.name,
            fetch_next=lambda cursor: page(cursor=cursor),
        )

    names, sizes, current = [], [], page()
    while True:
        names.extend(current)
        sizes.append(len(current))
        if not current.has_more:
            return names, sizes
        current = current.next_page()


# Signing in.


@check("client credentials: one token serves all calls")
async def _():
    with_client()
    equal(len(models(limit=1).data), 1)
    token = settings.auth.credentials.access_token
    equal(len(token.split(".")), 3)
    answers = await asyncio.gather(*(list_models.asyncio(client=client, limit=1) for _ in range(8)))
    equal([len(answer.data) for answer in answers], [1] * 8)
    equal(settings.auth.credentials.access_token, token)


@check("client credentials: a wrong secret is refused as invalid_client")
def _():
    with_client(base64.b64encode(b"nobody:nothing").decode())
    error = settings.auth.get_token()
    assert isinstance(error, requests.HTTPError), error
    equal(error.response.json()["error"], "invalid_client")


@check("refresh token: a stored login is renewed, more than once")
def _():
    with_client()
    equal(settings.auth.get_token(), None)
    store_login(settings.auth.credentials.refresh_token)
    tokens = set()
    for _ in range(2):
        sign_in()
        equal(type(settings.auth).__name__, "DeviceMode")
        equal(settings.auth.refresh_if_needed(), None)
        equal(len(models(limit=1).data), 1)
        tokens.add(settings.auth.credentials.access_token)
    equal(len(tokens), 2)


def store_login(refresh_token):
    """Writes the file that the command line tool leaves after a login, its token long expired."""

    def part(claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    expired = f"{part({'alg': 'HS256'})}.{part({'iat': 1, 'exp': 2})}.none"
    credentials = {
        "access_token": expired,
        "refresh_token": refresh_token,
        "device_code": "device",
    }
    login = {
        "context": {"workspace": WORKSPACE},
        "workspaces": [{"name": WORKSPACE, "credentials": credentials}],
    }
    directory = Path.home() / ".blaxel"
    directory.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (directory / "config.yaml").write_text(json.dumps(login), encoding="utf-8")


@check("API key: a wrong one is refused with 401")
def _():
    with_key("bl_wrong_key")
    error = refused(list_models.sync_detailed(client=client), 401)
    assert "documentation" in error.additional_properties, error


@check("API key: another workspace is refused with 403")
def _():
    with_key()
    settings.auth.workspace_name = "elsewhere"
    refused(list_models.sync_detailed(client=client), 403)


@check("API key: a good one is let in")
def _():
    with_key()
    equal(len(models(limit=1).data), 1)


# Lists. Everything from here on is asked with the API key.


@check("models: pages of two by name add up to the whole")
def _():
    whole = models(sort=ListModelsSort.NAMEASC)
    equal(whole.meta.has_more, False)
    names = [model.metadata.name for model in whole.data]
    equal(whole.meta.total, len(names))
    equal(names, sorted(names))
    walked, sizes = walk(limit=2, sort=ListModelsSort.NAMEASC)
    equal(walked, names)
    equal(len(sizes), (len(names) + 1) // 2)
    assert len(sizes) > 2, sizes


@check("models: pages of three by name, downwards")
def _():
    up, _ = walk(limit=200, sort=ListModelsSort.NAMEASC)
    down, _ = walk(limit=3, sort=ListModelsSort.NAMEDESC)
    equal(down, up[::-1])


@check("models: the newest come first unless asked otherwise")
def _():
    made = [datetime.fromisoformat(model.metadata.created_at) for model in models().data]
    equal(made, sorted(made, reverse=True))
    down, _ = walk(limit=2)
    up, _ = walk(limit=2, sort=ListModelsSort.CREATEDATASC)
    equal(up, down[::-1])


@check("models: the SDK's iterator walks over page borders")
async def _():
    async def page(**more):
        return make_async_paginated_list(
            await list_models.asyncio(client=client, limit=2, sort=ListModelsSort.NAMEASC, **more),
            mapper=lambda model: model.metadata.name,
            fetch_next=lambda cursor: page(cursor=cursor),
        )

    found = [name async for name in (await page()).auto_paging_iter()]
    equal(found, walk(limit=200, sort=ListModelsSort.NAMEASC)[0])


@check("models: a search finds what bears the text")
def _():
    name = walk(sort=ListModelsSort.NAMEASC)[0][0]
    assert name in [model.metadata.name for model in models(q=name.upper()).data]
    equal(models(q="nothing-is-called-so").data, [])


@check("models: a cursor of another order is refused")
def _():
    first = models(limit=2, sort=ListModelsSort.NAMEASC)
    equal(first.meta.has_more, True)
    body = refused_outright(
        400,
        list_models.sync,
        limit=2,
        sort=ListModelsSort.NAMEDESC,
        cursor=first.meta.next_cursor,
    )
    equal(body["code"], 400)


@check("versions: the first one lists a bare array")
def _():
    try:
        in_version("2026-04-16")
        answer = list_models.sync_detailed(client=client, limit=2)
    finally:
        in_version(None)
    total = models().meta.total
    equal(len(json.loads(answer.content)), total)
    equal(len(answer.parsed.data), total)


@check("versions: one that does not exist is refused by name")
def _():
    try:
        in_version("2020-02-02")
        body = refused_outright(400, list_models.sync)
    finally:
        in_version(None)
    equal(body["error"], "invalid_api_version")


# The life of an agent.


def document():
    return Agent(
        metadata=Metadata(
            name=AGENT,
            display_name="Interop \U0001f9ed agent",
            labels=MetadataLabels.from_dict({"language": "python"}),
        ),
        spec=AgentSpec(enabled=True, runtime=AgentRuntime(image="registry/agent:1", memory=2048)),
    )


created = None


@check("agent: create gives the whole document")
def _():
    global created
    created = good(create_agent.sync(client=client, body=document()), Agent)
    equal(created.metadata.name, AGENT)
    equal(created.metadata.display_name, document().metadata.display_name)
    equal(created.metadata.labels.to_dict(), {"language": "python"})
    equal(created.metadata.workspace, WORKSPACE)
    equal(created.metadata.url, bl_agent(AGENT).url)
    equal(created.spec.runtime.image, "registry/agent:1")
    equal(created.spec.runtime.memory, 2048)
    datetime.fromisoformat(created.metadata.created_at)


@check("agent: a second one of the name is refused with 409")
def _():
    refused(create_agent.sync_detailed(client=client, body=document()), 409)


@check("agent: get and list give what was created")
async def _():
    found = good(await get_agent.asyncio(AGENT, client=client), Agent)
    equal(found.to_dict(), created.to_dict())
    listed = list_agents.sync(client=client, q=AGENT)
    equal([agent.to_dict() for agent in listed.data], [created.to_dict()])


@check("agent: update replaces the document and keeps when it was made")
def _():
    # As this SDK's users do: the whole document goes back, what only the server writes included.
    changed = Agent.from_dict(created.to_dict())
    changed.spec.runtime.memory = 4096
    changed.metadata.labels = MetadataLabels.from_dict({"language": "snake"})
    updated = good(update_agent.sync(AGENT, client=client, body=changed), Agent)
    equal(updated.spec.runtime.memory, 4096)
    equal(updated.metadata.labels.to_dict(), {"language": "snake"})
    equal(updated.metadata.created_at, created.metadata.created_at)
    assert updated.metadata.updated_at >= created.metadata.updated_at, updated.metadata
    equal(get_agent.sync(AGENT, client=client).to_dict(), updated.to_dict())


@check("agent: a body without metadata or spec is refused with 400")
def _():
    for body in ({"spec": {}}, {"metadata": {"name": f"{AGENT}-bare"}}):
        refused(create_agent.sync_detailed(client=client, body=body), 400)


@check("agent: run reaches it, and its answer is JSON")
async def _():
    agent = bl_agent(AGENT)
    thread = {"X-Blaxel-Thread-Id": "t-42"}
    for text in (
        agent.run({"inputs": "Hello wörld"}, headers=thread, params={"debug": "a b"}),
        await agent.arun({"inputs": "Hello wörld"}, headers=thread, params={"debug": "a b"}),
    ):
        answer = json.loads(text)
        assert "Hello wörld" in answer["output"], answer
        equal(answer["thread"], "t-42")


@check("agent: a call of one that does not exist is the gateway's 404")
def _():
    agent = bl_agent("nobody-knows-me")
    answer = agent.call(agent.url, {"inputs": "Hello"})
    equal(answer.status_code, 404)
    equal(answer.headers["x-blaxel-source"], "platform")
    error = answer.json()["error"]
    equal(error["code"], answer.headers["x-blaxel-error-code"])
    equal((error["origin"], error["retryable"]), ("platform", False))


@check("agent: a call without a good credential is refused with 401")
def _():
    agent = bl_agent(AGENT)
    try:
        with_key("bl_wrong_key")
        equal(agent.call(agent.url, {"inputs": "Hello"}).status_code, 401)
    finally:
        with_key()


@check("agent: delete gives the document, and nothing is there after it")
def _():
    removed = good(delete_agent.sync(AGENT, client=client), Agent)
    equal(removed.metadata.name, AGENT)
    refused(get_agent.sync_detailed(AGENT, client=client), 404)
    refused(update_agent.sync_detailed(AGENT, client=client, body=document()), 404)
    refused(delete_agent.sync_detailed(AGENT, client=client), 404)
    agent = bl_agent(AGENT)
    equal(agent.call(agent.url, {}).status_code, 404)


@check("agent: the name is free again after delete")
def _():
    again = good(create_agent.sync(client=client, body=document()), Agent)
    equal(again.spec.runtime.memory, 2048)
    good(delete_agent.sync(AGENT, client=client), Agent)


# Chat with a model, as the SDK's adapters do it: ask for the model, and lead an OpenAI client to
# the gateway with the SDK's headers. That client sends `Authorization: Bearer replaced` besides.


async def chat():
    # Not all models speak this dialect.
    speaks = (model for model in models().data if model.spec.runtime.type_ == "openai")
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
    return chatter, question


@check("model: its address is where the SDK looks for it")
async def _():
    name = walk(sort=ListModelsSort.NAMEASC)[0][0]
    url, _, _ = await bl_model(name).get_parameters()
    equal(get_model.sync(name, client=client).metadata.url, url)
    equal(url, f"{RUN_URL}/{WORKSPACE}/models/{name}")


@check("model: one that does not exist is the control plane's 404")
async def _():
    refused(get_model.sync_detailed("nobody-knows-me", client=client), 404)
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
    chatter, question = await chat()
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
    chatter, question = await chat()
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
    chatter, question = await chat()
    stream = await chatter.chat.completions.create(**question, stream=True)
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()
    equal(len(models(limit=1).data), 1)


@check("chat: a question without messages is the model's own 400")
async def _():
    chatter, question = await chat()
    try:
        await chatter.chat.completions.create(**{**question, "messages": []})
    except openai.BadRequestError as error:
        equal(error.type, "invalid_request_error")
    else:
        raise AssertionError("it was answered")


if __name__ == "__main__":
    sys.exit(main())
