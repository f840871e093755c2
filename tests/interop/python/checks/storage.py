"""Volumes, their templates and drives, with the SDK's helpers."""

import base64
import json
import re

import httpx
from blaxel.core import SandboxInstance, SyncVolumeInstance, VolumeAPIError, VolumeInstance, client
from blaxel.core.client.api.drives import (
    create_drive,
    create_drive_access_token,
    delete_drive_folder,
    get_drive,
    get_drive_jwks,
    list_drives,
)
from blaxel.core.client.api.volume_templates import (
    create_volume_template,
    delete_volume_template,
    delete_volume_template_version,
    get_volume_template,
)
from blaxel.core.client.api.volumes import (
    create_volume,
    delete_volume,
    get_volume,
    get_volume_by_external_id,
    list_volumes,
)
from blaxel.core.client.errors import ConflictError
from blaxel.core.client.models import Drive, Volume, VolumeTemplate
from blaxel.core.drive import DriveInstance, SyncDriveInstance

from .harness import PREFIX, REGION, check, equal, good, name_of, raises, refused, walk, within


def helper_of(noun, instance, sync_instance, type_, create, get, updates, conflict):
    """Checks that apply to two helpers."""
    name = f"{PREFIX}-{noun}"
    config = {"name": name, "region": REGION, "labels": {"language": "python"}}

    @check(f"{noun} helper: create fills in what is missing")
    async def _():
        made = await instance.create(config)
        equal((made.name, made.display_name, made.region), (name, name, REGION))
        equal(str(made.status), "DEPLOYED")
        await raises(conflict, instance.create(config), status_code=409)
        refused(409, create, body={"metadata": {"name": name}, "spec": {"region": REGION}})
        named = await instance.create({"region": REGION})
        assert re.fullmatch(f"{noun}-[0-9a-f]{{8}}", named.name), named.name
        await named.delete()

    @check(f"{noun} helper: create_if_not_exists gives the one that is there, or makes it")
    async def _():
        there = await instance.get(name)
        found = await instance.create_if_not_exists(config)
        equal(found.metadata.created_at, there.metadata.created_at)
        whole = {"metadata": {"name": f"{name}-new"}, "spec": {"region": REGION, "size": 1024}}
        made = sync_instance.create_if_not_exists(type_.from_dict(whole))
        again = await instance.create_if_not_exists({"name": f"{name}-new", "region": REGION})
        equal(again.metadata.created_at, made.metadata.created_at)
        made.delete()
        refused(404, get, f"{name}-new")

    @check(f"{noun} helper: list walks over page borders")
    async def _():
        ends = [f"{name}-list-{end}" for end in "cab"]
        for end in ends:
            sync_instance.create({"name": end, "region": REGION})
        found = [one async for one in (await instance.list(limit=2)).auto_paging_iter()]
        assert all(isinstance(one, instance) for one in found), found
        # The newest are first.
        equal([one.name for one in found[:3]], ends[::-1])
        same = [one.name for one in sync_instance.list(limit=3).auto_paging_iter()]
        equal(same, [one.name for one in found])
        for end in ends:
            await instance.delete(end)

    @check(f"{noun} helper: update merges what is given into what is there")
    async def _():
        made = await instance.get(name)
        updated = await made.update({"display_name": "Another \U0001f9ed", **updates})
        equal(updated.display_name, "Another \U0001f9ed")
        equal(updated.metadata.labels.to_dict(), config["labels"])
        equal(updated.region, REGION)
        within(updates, updated.spec.to_dict())
        equal(updated.metadata.created_at, made.metadata.created_at)

    @check(f"{noun} helper: delete, by the object")
    async def _():
        await (await instance.get(name)).delete()
        refused(404, get, name)


helper_of(
    "volume",
    VolumeInstance,
    SyncVolumeInstance,
    Volume,
    create_volume,
    get_volume,
    {"size": 4096},
    VolumeAPIError,
)
helper_of(
    "drive",
    DriveInstance,
    SyncDriveInstance,
    Drive,
    create_drive,
    get_drive,
    {"permissions": [{"mode": "read-write", "path": "/shared"}]},
    ConflictError,
)


@check("volume: the newest of an external id is found by it")
def _():
    external_id = f"{PREFIX}-id"
    names = [f"{PREFIX}-first", f"{PREFIX}-second"]
    for name in names:
        metadata = {"name": name, "externalId": external_id}
        spec = {"size": 1024, "region": REGION}
        body = Volume.from_dict({"metadata": metadata, "spec": spec})
        good(create_volume.sync(client=client, body=body), Volume)
    found = good(get_volume_by_external_id.sync(external_id, client=client), Volume)
    equal(name_of(found), names[1])
    equal(walk(list_volumes, external_id=external_id)[0], names[::-1])
    for name in names:
        SyncVolumeInstance.delete(name)
    refused(404, get_volume_by_external_id, external_id)
    equal(walk(list_drives, external_id=external_id)[0], [])


@check("volume: one that a sandbox attaches says so, and stays")
async def _():
    name = f"{PREFIX}-attached"
    volume = await VolumeInstance.create({"name": name, "region": REGION})
    attached = [{"name": name, "mount_path": "/data", "read_only": False}]
    sandbox = await SandboxInstance.create({"name": name, "region": REGION, "volumes": attached})
    equal((await VolumeInstance.get(name)).volume.state.attached_to, f"sandbox:{name}")
    await raises(VolumeAPIError, volume.delete(), status_code=409)
    refused(409, delete_volume, name)
    await sandbox.delete()
    await volume.delete()


@check("drive: a token is signed by a key that everybody may read")
async def _():
    name = f"{PREFIX}-token"
    drive = await DriveInstance.create({"name": name, "region": REGION})
    token = create_drive_access_token.sync(name, client=client)
    parts = token.access_token.split(".")
    equal(len(parts), 3)
    header, claims = (json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in parts[:2])
    keys = get_drive_jwks.sync(client=client).to_dict()["keys"]
    assert header["kid"] in [key["kid"] for key in keys], keys
    equal(claims["exp"] - claims["iat"], token.expires_in)
    await drive.delete()
    refused(404, create_drive_access_token, name)


@check("drive: a folder is deleted, and one that is not there is none")
async def _():
    name = f"{PREFIX}-folders"
    drive = await DriveInstance.create({"name": name, "region": REGION})
    sandbox = await SandboxInstance.create({"name": name, "region": REGION})
    await sandbox.drives.mount(drive_name=name, mount_path="/mnt")
    await sandbox.fs.write("/mnt/a/b/one.txt", "one")
    await sandbox.fs.write("/mnt/two.txt", "two")
    for _ in range(2):
        answer = delete_drive_folder.sync_detailed(name, client=client, path="/a")
        equal(int(answer.status_code), 204)
    names = await sandbox.fs.ls("/mnt")
    equal(([one.name for one in names.files], names.subdirectories), (["two.txt"], []))
    refused(400, delete_drive_folder, name, path="/")
    await sandbox.delete()
    await drive.delete()
    refused(404, delete_drive_folder, name, path="/a")


@check("volume template: a version comes with an upload")
def _():
    name = f"{PREFIX}-template"
    body = VolumeTemplate.from_dict({"metadata": {"name": name}, "spec": {"defaultSize": 1024}})

    def versions(template):
        return [(version.name, str(version.status)) for version in template.versions]

    answer = create_volume_template.sync_detailed(
        client=client, body=body, upload=True, version="first"
    )
    equal(versions(answer.parsed), [("first", "CREATED")])
    upload = httpx.put(answer.headers["x-blaxel-upload-url"], content=bytes(1024))
    equal(upload.status_code, 200)
    equal(versions(get_volume_template.sync(name, client=client)), [("first", "READY")])
    delete_volume_template_version.sync(name, "first", client=client)
    good(delete_volume_template.sync(name, client=client), VolumeTemplate)
