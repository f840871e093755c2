"""Calls of an agent on the run plane, with the SDK."""

import json

from blaxel.core import bl_agent, client
from blaxel.core.client.api.agents import create_agent, delete_agent
from blaxel.core.client.models import Agent

from .harness import PREFIX, check, equal, good, shown, with_key

AGENT = f"{PREFIX}-called"


@check("calling an agent: its address is where the SDK looks for it")
def _():
    spec = {"enabled": True, "runtime": {"image": "registry/agent:1", "memory": 2048}}
    body = Agent.from_dict({"metadata": {"name": AGENT}, "spec": spec})
    created = good(create_agent.sync(client=client, body=body), Agent)
    equal(created.metadata.url, shown(bl_agent(AGENT).url))


@check("calling an agent: it is reached, and its answer is JSON")
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


@check("calling an agent: one that does not exist is the gateway's 404")
def _():
    agent = bl_agent("nobody-knows-me")
    answer = agent.call(agent.url, {"inputs": "Hello"})
    equal(answer.status_code, 404)
    equal(answer.headers["x-blaxel-source"], "platform")
    error = answer.json()["error"]
    equal(error["code"], answer.headers["x-blaxel-error-code"])
    equal((error["origin"], error["retryable"]), ("platform", False))


@check("calling an agent: without a good credential it is refused with 401")
def _():
    agent = bl_agent(AGENT)
    try:
        with_key("bl_wrong_key")
        equal(agent.call(agent.url, {"inputs": "Hello"}).status_code, 401)
    finally:
        with_key()


@check("calling an agent: after delete it is gone")
def _():
    good(delete_agent.sync(AGENT, client=client), Agent)
    agent = bl_agent(AGENT)
    equal(agent.call(agent.url, {}).status_code, 404)
