"""Previews of a sandbox and their tokens, with the SDK's helpers."""

from datetime import datetime, timedelta, timezone

from blaxel.core import SandboxInstance, client
from blaxel.core.client.api.compute import (
    create_sandbox_preview,
    delete_sandbox_preview,
    delete_sandbox_preview_token,
    get_sandbox_preview,
    list_sandbox_previews,
    update_sandbox_preview,
)
from blaxel.core.client.errors import ConflictError
from blaxel.core.client.models import Preview

from .harness import PREFIX, REGION, check, equal, good, raises, refused

NAME = f"{PREFIX}-previews"


async def previews():
    return (await SandboxInstance.get(NAME)).previews


@check("preview: create gives an address")
async def _():
    await SandboxInstance.create({"name": NAME, "region": REGION})
    made = await (await previews()).create({"port": 3000, "name": "shop"})
    equal(made.name, "shop")
    equal(made.metadata.resource_name, NAME)
    equal((made.spec.port, made.spec.public), (3000, False))
    assert made.url.startswith(("http://", "https://")), made.url


@check("preview: create_if_not_exists gives the one that is there, or makes it")
async def _():
    of = await previews()
    equal((await of.create_if_not_exists({"port": 4000, "name": "shop"})).spec.port, 3000)
    equal((await of.create_if_not_exists({"port": 4000, "public": True})).name, "preview-4000")
    whole = {"metadata": {"name": "docs"}, "spec": {"port": 5000, "public": True}}
    equal((await of.create_if_not_exists(whole)).spec.port, 5000)


@check("preview: get and list give what was created")
async def _():
    of = await previews()
    equal((await of.get("shop")).spec.port, 3000)
    equal(sorted(one.name for one in await of.list()), ["docs", "preview-4000", "shop"])


@check("preview: update replaces it")
def _():
    body = Preview.from_dict({"metadata": {"name": "docs"}, "spec": {"port": 6000, "public": True}})
    updated = good(update_sandbox_preview.sync(NAME, "docs", client=client, body=body), Preview)
    equal(updated.spec.port, 6000)


@check("preview token: create, list and delete; one that is good is used again")
async def _():
    shop = await (await previews()).get("shop")
    expiry = datetime.now(timezone.utc) + timedelta(hours=2)
    token = await shop.tokens.create(expiry)
    assert token.value and token.name, token
    # A string, although its annotation names another type.
    left = datetime.fromisoformat(token.expires_at) - expiry
    assert abs(left) < timedelta(seconds=1), token.expires_at
    equal((await shop.tokens.create_if_expired(expiry + timedelta(hours=1))).name, token.name)
    equal([one.value for one in await shop.tokens.list()], [token.value])
    await shop.tokens.delete(token.name)
    equal(await shop.tokens.list(), [])
    refused(404, delete_sandbox_preview_token, NAME, "shop", token.name)


@check("preview: what is not there or no preview is refused")
async def _():
    refused(404, get_sandbox_preview, NAME, "nobody-knows-me")
    refused(404, delete_sandbox_preview, NAME, "nobody-knows-me")
    refused(404, list_sandbox_previews, "nobody-knows-me")
    bad = {"metadata": {"name": "bad"}, "spec": {"port": 70000}}
    refused(400, create_sandbox_preview, NAME, body=bad)
    of = await previews()
    await raises(ConflictError, of.create({"port": 3000, "name": "shop"}), status_code=409)


@check("preview: delete, and with the sandbox all of them")
async def _():
    removed = await (await previews()).delete("docs")
    equal(removed.metadata.name, "docs")
    refused(404, get_sandbox_preview, NAME, "docs")
    await SandboxInstance.delete(NAME)
    refused(404, get_sandbox_preview, NAME, "shop")
