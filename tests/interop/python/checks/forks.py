"""Snapshots and forks of a sandbox, with the SDK's helpers."""

from blaxel.core import ApplicationInstance, SandboxAPIError, SandboxInstance
from blaxel.core.client.api.compute import (
    delete_sandbox_snapshot,
    fork_sandbox,
    list_sandbox_snapshots,
)

from .harness import PREFIX, REGION, check, equal, raises, refusal, refused

NAME = f"{PREFIX}-forks"


async def sandbox():
    return await SandboxInstance.get(NAME)


@check("snapshot: one is taken and listed")
async def _():
    of = await SandboxInstance.create({"name": NAME, "region": REGION, "memory": 2048})
    taken = await of.snapshots.create("before")
    equal((taken.name, taken.status), ("before", "ready"))
    unnamed = await of.snapshots.create()
    assert unnamed.name, unnamed
    equal({one.id for one in await of.snapshots.list()}, {taken.id, unnamed.id})
    equal((await of.snapshots.get("before")).id, taken.id)


@check("fork: a sandbox comes from another one")
async def _():
    name = f"{NAME}-copy"
    fork = await (await sandbox()).fork(name)
    equal((fork.name, str(fork.type_)), (name, "sandbox"))
    copy = await SandboxInstance.get(name)
    equal(copy.spec.runtime.memory, 2048)
    refusal(409, fork_sandbox, NAME, body={"targetName": name, "targetType": "sandbox"})
    await copy.delete()


@check("fork: an application comes from a snapshot")
async def _():
    name = f"{NAME}-app"
    of = await sandbox()
    taken = await of.snapshots.get("before")
    fork = await of.fork(name, target_type="application", snapshot_id=taken.id, port=3000)
    equal((str(fork.type_), fork.snapshot_id), ("application", taken.id))
    application = await ApplicationInstance.get(name)
    equal(application.spec.port, 3000)
    await application.delete()


@check("fork: from what is not there it is refused with 404")
async def _():
    body = {"targetName": f"{NAME}-copy", "targetType": "sandbox"}
    refusal(404, fork_sandbox, "nobody-knows-me", body=body)
    refusal(404, fork_sandbox, NAME, body={**body, "snapshotId": "nobody-knows-me"})


@check("snapshot: delete answers with nothing, and with the sandbox all are gone")
async def _():
    of = await sandbox()
    taken = await of.snapshots.get("before")
    await of.snapshots.delete(taken.id)
    await raises(ValueError, of.snapshots.get("before"))
    refused(404, delete_sandbox_snapshot, NAME, taken.id)
    await of.delete()
    await raises(SandboxAPIError, SandboxInstance.get(NAME), status_code=404)
    refused(404, list_sandbox_snapshots, NAME)
