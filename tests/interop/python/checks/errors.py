"""Error responses of all resources, as the SDK reports them."""

from blaxel.core import (
    SandboxAPIError,
    SandboxInstance,
    VolumeAPIError,
    VolumeInstance,
    client,
    settings,
)
from blaxel.core.client.api.agents import create_agent, get_agent
from blaxel.core.client.api.compute import create_sandbox, list_sandboxes
from blaxel.core.client.api.drives import create_drive, delete_drive, get_drive, list_drives
from blaxel.core.client.api.jobs import create_job
from blaxel.core.client.api.policies import list_policies
from blaxel.core.client.api.volumes import get_volume, list_volumes
from blaxel.core.client.api.vpcs import list_vp_cs
from blaxel.core.client.errors import ConflictError, UnexpectedStatus
from blaxel.core.client.models import SandboxError
from blaxel.core.drive import DriveAPIError, DriveInstance
from blaxel.core.jobs import bl_job

from .harness import (
    PREFIX,
    REGION,
    check,
    equal,
    good,
    known,
    raises,
    refused,
    sandbox_refused,
    with_key,
)

SANDBOX = {"metadata": {"name": f"{PREFIX}-refused"}, "spec": {"region": REGION, "runtime": {}}}


def refusals():
    """Signs in so that every request fails, and returns the expected status."""
    try:
        with_key("bl_wrong_key")
        yield 401
        with_key()
        settings.auth.workspace_name = "elsewhere"
        yield 403
    finally:
        with_key()


@check("errors: what an operation is known to give is returned as its own type")
def _():
    known(404, get_agent.sync_detailed("nobody-knows-me", client=client))
    known(400, create_agent.sync_detailed(client=client, body={"spec": {}}))
    for status in refusals():
        error = known(status, get_agent.sync_detailed("nobody-knows-me", client=client))
        assert "docs.blaxel.ai" in error.additional_properties["documentation"], error


@check("errors: what it is not known to give is raised, by type for a conflict")
def _():
    body = {"metadata": {"name": f"{PREFIX}-twice"}, "spec": {"region": REGION}}
    create_drive.sync(client=client, body=body)
    try:
        create_drive.sync(client=client, body=body)
    except ConflictError as error:
        equal(error.status_code, 409)
        equal(error.body["code"], 409)
    else:
        raise AssertionError("there are two drives")
    finally:
        delete_drive.sync(f"{PREFIX}-twice", client=client)
    try:
        create_job.sync(client=client, body={"spec": {}})
    except UnexpectedStatus as error:
        equal(error.status_code, 400)
    else:
        raise AssertionError("a job without a name was made")


@check("errors: 401 and 403 at every kind")
def _():
    for status in refusals():
        for listed in (list_sandboxes, list_volumes, list_drives, list_policies, list_vp_cs):
            refused(status, listed)


@check("errors: where sandboxes are created, refusals are a SandboxError")
async def _():
    for status, code in zip(refusals(), ("UNAUTHORIZED", "FORBIDDEN"), strict=True):
        equal(sandbox_refused(status, create_sandbox, body=SANDBOX)["code"], code)
        answer = await create_sandbox.asyncio_detailed(client=client, body=SANDBOX)
        equal(good(answer.parsed, SandboxError).code, code)
        equal(answer.parsed.status_code, status)
    bad = {"name": "Not A Name", "region": REGION}
    error = await raises(SandboxAPIError, SandboxInstance.create(bad), status_code=400)
    assert error.code and error.code.isupper(), error.code


@check("errors: helpers raise their own type for a 404")
async def _():
    name = "nobody-knows-me"
    await raises(SandboxAPIError, SandboxInstance.get(name), status_code=404)
    await raises(SandboxAPIError, SandboxInstance.delete(name), status_code=404)
    await raises(SandboxAPIError, SandboxInstance.update_ttl(name, "1h"), status_code=404)
    await raises(VolumeAPIError, VolumeInstance.get(name), status_code=404)
    await raises(VolumeAPIError, VolumeInstance.delete(name), status_code=404)
    await raises(DriveAPIError, DriveInstance.get(name), status_code=404)
    await raises(Exception, bl_job(name).arun([{}]))
    refused(404, get_drive, name)
    refused(404, get_volume, name)
