"""The rows of `cargo xtask bench compare` with this SDK: see `tests/benches/compare.rs`, which starts
this program for each row, and `bench_measure.py` for what it prints."""

import asyncio
import json
import sys

import bench_measure
from blaxel.core import bl_agent, client
from blaxel.core.client.api.agents import create_agent, get_agent, list_agents
from blaxel.core.client.models import Agent

ROW, CALLS, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
AGENT = "support-assistant"
IMAGE = "agent/support-assistant:6d1f0c2b9a54"
PAGE = 50
AT_ONCE = 64


# One at a time, the functions that block are the faster ones.
def get():
    agent = get_agent.sync(AGENT, client=client)
    assert agent.metadata.name == AGENT, agent


async def get_64():
    agent = await get_agent.asyncio(AGENT, client=client)
    assert agent.metadata.name == AGENT, agent


def list_():
    page = list_agents.sync(client=client, limit=PAGE)
    assert len(page.data) == PAGE, page


def create():
    runtime = {"image": IMAGE, "memory": 4096}
    draft = Agent.from_dict({"metadata": {"name": AGENT}, "spec": {"runtime": runtime}})
    agent = create_agent.sync(client=client, body=draft)
    assert agent.metadata.name == AGENT, agent


def invoke():
    reply = json.loads(bl_agent(AGENT).run({"inputs": "Where is my parcel?"}))
    assert isinstance(reply["output"], str), reply


async def one_at_a_time():
    call = {"get": get, "list": list_, "create": create, "invoke": invoke}[ROW]
    for _ in range(CALLS):
        call()


async def at_once():
    async def worker():
        for _ in range(CALLS // AT_ONCE):
            await get_64()

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def main():
    work = at_once if ROW == "get-64" else one_at_a_time
    # The first one is the warm-up.
    for _ in range(2):
        report = await bench_measure.measure(work, lambda seconds: sum(seconds) >= SECONDS)
    bench_measure.finish(report)


asyncio.run(main())
