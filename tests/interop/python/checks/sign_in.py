"""Sign-ins: client credentials, a stored login, API keys."""

import asyncio
import base64
import json
from pathlib import Path

import requests
from blaxel.core import client, settings
from blaxel.core.client.api.models import list_models

from .harness import WORKSPACE, check, encoded, equal, known, sign_in, with_client, with_key


@check("client credentials: one token serves all calls")
async def _():
    with_client()
    equal(len(list_models.sync(client=client, limit=1).data), 1)
    token = settings.auth.credentials.access_token
    equal(len(token.split(".")), 3)
    answers = await asyncio.gather(*(list_models.asyncio(client=client, limit=1) for _ in range(8)))
    equal([len(answer.data) for answer in answers], [1] * 8)
    equal(settings.auth.credentials.access_token, token)


@check("client credentials: a wrong secret is refused as invalid_client")
def _():
    with_client(encoded("nobody:nothing"))
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
        equal(len(list_models.sync(client=client, limit=1).data), 1)
        tokens.add(settings.auth.credentials.access_token)
    equal(len(tokens), 2)


def store_login(refresh_token):
    """Writes the file of the command line tool after a login, with an expired token."""

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
    error = known(401, list_models.sync_detailed(client=client))
    assert "documentation" in error.additional_properties, error


@check("API key: another workspace is refused with 403")
def _():
    with_key()
    settings.auth.workspace_name = "elsewhere"
    known(403, list_models.sync_detailed(client=client))


@check("API key: a good one is let in")
def _():
    with_key()
    equal(len(list_models.sync(client=client, limit=1).data), 1)
