"""Schedules of a sandbox, with the SDK's helper."""

import asyncio
from datetime import datetime, timedelta, timezone

from blaxel.core import SandboxInstance, client
from blaxel.core.client.api.compute import (
    create_sandbox_schedule,
    delete_sandbox_schedule,
    get_sandbox_schedule,
    get_sandbox_schedule_metrics,
    list_sandbox_schedules,
    list_schedule_executions,
    list_schedules,
)
from blaxel.core.client.models import ListScheduleExecutionsStatus, ListSchedulesType

from .harness import PREFIX, REGION, check, equal, refused

NAME = f"{PREFIX}-schedules"
CRON = {
    "id": "mornings",
    "type": "cron",
    "value": "0 8 * * 1-5",
    "input": {"command": "python report.py", "env": {"COLOUR": "green"}},
}


async def schedules():
    return (await SandboxInstance.get(NAME)).schedules


@check("schedule: create keeps the entry, and masks what its command is told")
async def _():
    await SandboxInstance.create({"name": NAME, "region": REGION})
    of = await schedules()
    made = await of.create(CRON)
    equal((made.id, made.max_executions), ("mornings", 100))
    equal(made.input_.command, "python report.py")
    assert made.input_.env.to_dict()["COLOUR"] != "green", made.input_
    equal((await of.get("mornings")).to_dict(), made.to_dict())


@check("schedule: a nap becomes a time, and an id is given")
async def _():
    nap = {"type": "sleep", "value": "2h", "input": {"command": "true"}}
    made = await (await schedules()).create(nap)
    equal(str(made.type_), "at")
    hours = (datetime.fromisoformat(made.value) - datetime.now(timezone.utc)) / timedelta(hours=1)
    assert 1.9 < hours < 2.1, made.value
    assert made.id


@check("schedule: list walks over page borders, and goes by the type")
async def _():
    of = await schedules()
    later = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    await of.create({"id": "later", "type": "at", "value": later, "input": {"command": "true"}})
    found = [entry.id async for entry in (await of.list(limit=2)).auto_paging_iter()]
    equal((len(found), len(set(found))), (3, 3))
    equal([entry.id for entry in await of.list(type_="cron")], ["mornings"])
    equal(len(await of.list(type_="at")), 2)


@check("schedule: update replaces the entry")
async def _():
    of = await schedules()
    updated = await of.update("mornings", {**CRON, "value": "0 9 * * *", "maxExecutions": 5})
    equal((updated.value, updated.max_executions), ("0 9 * * *", 5))
    equal((await of.get("mornings")).to_dict(), updated.to_dict())


@check("schedule: what it did is told")
async def _():
    of = await schedules()
    await of.create({"id": "now", "type": "sleep", "value": "1s", "input": {"command": "true"}})
    while not (done := [one for one in await of.executions() if one.schedule_id == "now"]):
        await asyncio.sleep(0.2)
    [one] = done
    equal(one.status_code, 200)
    datetime.fromisoformat(one.executed_at)


@check("schedule: all of the workspace are listed, with their sandboxes, and counted")
def _():
    page = list_schedules.sync(client=client, sandbox=NAME, type_=ListSchedulesType.CRON)
    equal([(one.id, one.sandbox) for one in page.data], [("mornings", NAME)])
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    status = ListScheduleExecutionsStatus.SUCCEEDED
    runs = list_schedule_executions.sync(
        client=client, sandbox=NAME, schedule="now", status=status, since=since
    )
    equal([(one.sandbox, str(one.status)) for one in runs.data], [(NAME, "succeeded")])
    equal(list_schedule_executions.sync(client=client, sandbox=NAME, until=since).data, [])
    metrics = get_sandbox_schedule_metrics.sync(client=client, since=since)
    assert metrics.schedules >= 4 and metrics.sandboxes >= 1, metrics
    counts = metrics.executions_by_status
    equal(metrics.executions, counts.succeeded + counts.failed)


@check("schedule: what is not there or no schedule is refused")
def _():
    refused(404, get_sandbox_schedule, NAME, "nobody-knows-me")
    refused(404, delete_sandbox_schedule, NAME, "nobody-knows-me")
    for bad in ({"type": "cron", "value": "whenever"}, {"type": "at", "value": "soon"}):
        refused(400, create_sandbox_schedule, NAME, body={**bad, "input": {"command": "true"}})


@check("schedule: delete, and with the sandbox all of them")
async def _():
    equal((await (await schedules()).delete("mornings")).id, "mornings")
    refused(404, get_sandbox_schedule, NAME, "mornings")
    await SandboxInstance.delete(NAME)
    refused(404, list_sandbox_schedules, NAME)
