"""Sandboxes on the control plane, with the SDK's helper."""

import asyncio
import re
import warnings
from datetime import datetime, timedelta, timezone

from blaxel.core import SandboxAPIError, SandboxInstance, SyncSandboxInstance, client
from blaxel.core.client.api.compute import get_sandbox, get_sandbox_by_external_id, list_sandboxes
from blaxel.core.client.api.images import delete_image
from blaxel.core.client.models import Image, Sandbox, SandboxLifecycle
from blaxel.core.image import ImageInstance
from blaxel.core.sandbox.types import SandboxUpdateMetadata, SandboxUpdateNetwork

from .harness import PREFIX, REGION, check, equal, good, name_of, raises, walk, within

NAME = f"{PREFIX}-sandbox"


@check("sandbox helper: create fills in what is missing")
async def _():
    sandbox = await SandboxInstance.create(
        {
            "name": NAME,
            "region": REGION,
            "labels": {"language": "python"},
            "envs": [{"name": "COLOUR", "value": "grün"}],
            "ports": [{"target": 3000, "protocol": "HTTP"}],
        }
    )
    equal(sandbox.status, "DEPLOYED")
    spec = sandbox.spec.to_dict()
    runtime = {"image": "blaxel/base-image:latest", "memory": 4096}
    within({"region": REGION, "runtime": runtime}, spec)
    within({"name": "COLOUR", "value": "grün"}, spec["runtime"]["envs"][0])
    equal(spec["runtime"]["ports"][0]["target"], 3000)
    equal(sandbox.metadata.labels.to_dict(), {"language": "python"})
    equal(sandbox.errors, [])
    assert sandbox.last_used_at


@check("sandbox helper: the server gives a name where there is none")
async def _():
    sandbox = await SandboxInstance.create({"region": REGION})
    assert re.fullmatch("[a-z0-9-]{1,49}", sandbox.metadata.name), sandbox.metadata
    equal((await SandboxInstance.get(sandbox.metadata.name)).metadata.name, sandbox.metadata.name)
    await sandbox.delete()


@check("sandbox helper: a second one of the name is SANDBOX_ALREADY_EXISTS")
async def _():
    again = {"name": NAME, "region": REGION}
    wanted = {"status_code": 409, "code": "SANDBOX_ALREADY_EXISTS"}
    error = await raises(SandboxAPIError, SandboxInstance.create(again), **wanted)
    equal(error.body["sandbox_name"], NAME)


@check("sandbox helper: create_if_not_exists gives the one that is there, and warns of differences")
async def _():
    made = await SandboxInstance.get(NAME)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        config = {"name": NAME, "region": REGION, "memory": 8192}
        found = await SandboxInstance.create_if_not_exists(config)
    equal(found.metadata.created_at, made.metadata.created_at)
    equal(found.spec.runtime.memory, 4096)
    assert any("memory" in str(warning.message) for warning in said), said


@check(
    "sandbox helper: one that has ended stays as TERMINATED, and create_if_not_exists replaces it"
)
async def _():
    name = f"{NAME}-short"
    expires = datetime.now(timezone.utc) + timedelta(seconds=1)
    short = await SandboxInstance.create({"name": name, "region": REGION, "expires": expires})
    while (ended := await SandboxInstance.get(name)).status == "DEPLOYED":
        await asyncio.sleep(0.2)
    equal(ended.status, "TERMINATED")
    # It is only in the response if the request asks for it.
    equal(walk(list_sandboxes, q=name)[0], [])
    equal(walk(list_sandboxes, q=name, show_terminated=True)[0], [name])
    equal(walk(list_sandboxes, q=name, status="terminated")[0], [name])
    again = await SandboxInstance.create_if_not_exists({"name": name, "region": REGION})
    equal(again.status, "DEPLOYED")
    assert again.metadata.created_at > short.metadata.created_at
    await again.delete()


@check("sandbox helper: concurrent create_if_not_exists all give the same one")
async def _():
    config = {"name": f"{NAME}-race", "region": REGION}
    found = await asyncio.gather(*(SandboxInstance.create_if_not_exists(config) for _ in range(8)))
    equal(len({sandbox.metadata.created_at for sandbox in found}), 1)
    await found[0].delete()


@check("sandbox helper: one is found by its external id")
def _():
    external_id = f"{PREFIX}-outside"
    metadata = {"name": f"{NAME}-outside", "externalId": external_id}
    sandbox = Sandbox.from_dict({"metadata": metadata, "spec": {"region": REGION}})
    made = SyncSandboxInstance.create(sandbox)
    found = good(get_sandbox_by_external_id.sync(external_id, client=client), Sandbox)
    equal(name_of(found), f"{NAME}-outside")
    equal(walk(list_sandboxes, external_id=external_id)[0], [f"{NAME}-outside"])
    made.delete()


@check("sandbox helper: metadata, time to live, lifecycle and network are changed one by one")
async def _():
    change = SandboxUpdateMetadata(labels={"changed": "yes"}, display_name="Blue")
    changed = await SandboxInstance.update_metadata(NAME, change)
    equal(changed.metadata.labels.to_dict(), {"language": "python", "changed": "yes"})
    equal(changed.metadata.display_name, "Blue")

    kept = await SandboxInstance.update_ttl(NAME, "1h")
    equal(kept.spec.runtime.ttl, "1h")
    assert 3500 < kept.expires_in <= 3600, kept.expires_in
    assert not (await SandboxInstance.update_ttl(NAME, None)).spec.runtime.ttl

    policies = [{"type": "ttl-idle", "value": "30m", "action": "delete"}]
    lifecycle = SandboxLifecycle.from_dict({"expirationPolicies": policies})
    idle = await SandboxInstance.update_lifecycle(NAME, lifecycle)
    equal(idle.spec.lifecycle.to_dict(), {"expirationPolicies": policies})
    assert idle.expires_in <= 1800, idle.expires_in
    assert not (await SandboxInstance.update_lifecycle(NAME, None)).spec.lifecycle

    allowed = {"allowedDomains": ["example.com"]}
    fence = SandboxUpdateNetwork(network=allowed)
    fenced = await SandboxInstance.update_network(NAME, fence)
    within(allowed, fenced.spec.network.to_dict())
    equal(fenced.metadata.display_name, "Blue")
    equal(fenced.status, "DEPLOYED")


@check("sandbox helper: a time to live that is none is refused with 400")
async def _():
    await raises(SandboxAPIError, SandboxInstance.update_ttl(NAME, "soon"), status_code=400)
    bad = {"name": f"{NAME}-bad", "region": REGION, "ttl": "soon"}
    await raises(SandboxAPIError, SandboxInstance.create(bad), status_code=400)


@check("sandbox helper: list walks over page borders")
async def _():
    names = {f"{NAME}-list-{end}" for end in "cab"}
    for name in names:
        await SandboxInstance.create({"name": name, "region": REGION})
    found = [sandbox async for sandbox in (await SandboxInstance.list(limit=2)).auto_paging_iter()]
    assert all(isinstance(sandbox, SandboxInstance) for sandbox in found), found
    assert names < {sandbox.metadata.name for sandbox in found}, found
    same = [
        sandbox.metadata.name for sandbox in SyncSandboxInstance.list(limit=3).auto_paging_iter()
    ]
    equal(same, [sandbox.metadata.name for sandbox in found])
    for name in names:
        await SandboxInstance.delete(name)


@check("sandbox helper: secrets are masked, and a mask that comes back keeps them")
async def _():
    name = f"{NAME}-secret"
    envs = [{"name": "TOKEN", "value": "s3cret", "secret": True}]
    spec = {"region": REGION, "runtime": {"envs": envs}}
    made = await SandboxInstance.create({"metadata": {"name": name}, "spec": spec})
    assert made.spec.runtime.envs[0].value != "s3cret", made.spec.runtime.envs
    await SandboxInstance.update_metadata(name, SandboxUpdateMetadata(display_name="Changed"))
    shown = good(get_sandbox.sync(name, client=client, show_secrets=True), Sandbox)
    equal(shown.spec.runtime.envs[0].value, "s3cret")
    await made.delete()


@check("sandbox helper: an image is built from what is uploaded")
async def _():
    name = f"{NAME}-image"
    states = []
    image = ImageInstance.from_registry("python:3.12-slim").workdir("/app").env(COLOUR="green")
    # The upload of a build with settings must have the headers that its URL is signed for.
    settings = {"build_memory": 8192, "build_volume": 0, "build_region": "us-was-1"}
    built = await image.build(
        name=name, memory=2048, timeout=12, on_status_change=states.append, **settings
    )
    equal(built.metadata.labels["x-blaxel-build-memory"], "8192")
    equal(built.status, "DEPLOYED")
    equal(built.spec.runtime.memory, 2048)
    equal([str(states[0]), str(states[-1])], ["BUILDING", "DEPLOYED"])
    await SandboxInstance.delete(name)
    # The image is not deleted with it.
    good(delete_image.sync("sandbox", name, client=client), Image)


@check("sandbox helper: delete, by the name or the object")
async def _():
    sandbox = await SandboxInstance.get(NAME)
    equal(name_of(await sandbox.delete()), NAME)
    await raises(SandboxAPIError, SandboxInstance.get(NAME), status_code=404)
    await raises(SandboxAPIError, SandboxInstance.delete(NAME), status_code=404)
