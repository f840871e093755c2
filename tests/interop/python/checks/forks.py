"""Snapshots, forks and archives of a sandbox, with the SDK's helpers."""

from blaxel.core import ApplicationInstance, SandboxAPIError, SandboxInstance, Snapshot
from blaxel.core.client.api.compute import (
    delete_sandbox_snapshot,
    fork_sandbox,
    list_sandbox_snapshots,
    unarchive_sandbox,
)
from blaxel.core.client.models import Env
from blaxel.core.snapshot import SnapshotAPIError

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


@check("fork: a sandbox has variables and a lifecycle of its own")
async def _():
    name = f"{NAME}-own"
    lifecycle = {"expirationPolicies": [{"action": "delete", "type": "ttl-idle", "value": "1h"}]}
    envs = [{"name": "MODE", "value": "test"}]
    of = await sandbox()
    await of.fork(name, envs=[Env.from_dict(env) for env in envs], lifecycle=lifecycle)
    copy = await SandboxInstance.get(name)
    equal([(env.name, env.value) for env in copy.spec.runtime.envs], [("MODE", "test")])
    equal(copy.spec.lifecycle.expiration_policies[0].value, "1h")
    await copy.delete()


@check("snapshot: a sandbox is restored to one in place")
async def _():
    of = await sandbox()
    await of.fs.write("/tmp/state", "before")
    taken = await of.snapshots.create("in-place")
    await of.fs.write("/tmp/state", "after")
    restored = await of.snapshots.restore(taken.id)
    equal((restored.name, restored.snapshot_id), (NAME, taken.id))
    equal(await (await sandbox()).fs.read("/tmp/state"), "before")
    await of.snapshots.delete("in-place")


@check("snapshot: one of the workspace outlives its sandbox")
async def _():
    name = f"{NAME}-gone"
    of = await SandboxInstance.create({"name": name, "region": REGION, "memory": 2048})
    await of.fs.write("/tmp/state", "kept")
    taken = await Snapshot.create({"name": "last", "source": {"name": name}})
    equal((taken.name, taken.source.name, taken.spec.memory), ("last", name, 2048))
    await of.delete()
    orphan = await Snapshot.get(taken.id)
    equal(orphan.source.deleted, True)
    listed = [one.id async for one in (await Snapshot.list(limit=1)).auto_paging_iter()]
    assert taken.id in listed, listed
    await orphan.fork(f"{name}-back")
    back = await SandboxInstance.get(f"{name}-back")
    equal(await back.fs.read("/tmp/state"), "kept")
    await back.delete()
    await orphan.delete()
    await raises(SnapshotAPIError, Snapshot.get(taken.id), status_code=404)


@check("archive: a sandbox is archived and restored with its files")
async def _():
    of = await sandbox()
    await of.fs.write("/tmp/state", "archived")
    archived = await of.archive(interval=100)
    equal(str(archived.status), "ARCHIVED")
    restored = await SandboxInstance.unarchive(NAME, interval=100)
    equal(str(restored.status), "DEPLOYED")
    equal(await restored.fs.read("/tmp/state"), "archived")
    refused(409, unarchive_sandbox, NAME)


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
    for left in await of.snapshots.list():
        await of.snapshots.delete(left.id)
    await of.delete()
    await raises(SandboxAPIError, SandboxInstance.get(NAME), status_code=404)
    refused(404, list_sandbox_snapshots, NAME)
