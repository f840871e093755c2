"""Access: service accounts, their keys, and workspaces."""

from blaxel.core import SecretInstance, client
from blaxel.core.client.api.integrations import get_integration
from blaxel.core.client.api.locations import list_locations
from blaxel.core.client.api.mcphub import list_mcp_hub_definitions
from blaxel.core.client.api.models import list_models
from blaxel.core.client.api.sandboxhub import list_sandbox_hub_definitions
from blaxel.core.client.api.secrets import delete_secret, delete_secret_by_query
from blaxel.core.client.api.service_accounts import (
    create_api_key_for_service_account,
    create_workspace_service_account,
    delete_api_key_for_service_account,
    delete_workspace_service_account,
    get_workspace_service_accounts,
    list_api_keys_for_service_account,
    update_workspace_service_account,
)
from blaxel.core.client.api.templates import list_templates
from blaxel.core.client.api.workspaces import (
    check_workspace_availability,
    create_workspace,
    delete_workspace,
    get_workspace,
    list_workspace_users,
    list_workspaces,
    update_workspace,
)

from .harness import PREFIX, WORKSPACE, check, encoded, equal, refused, with_client, with_key


def accounts():
    return [account.client_id for account in get_workspace_service_accounts.sync(client=client)]


@check("service account: it signs in with its secret, and by its keys")
def _():
    name = f"{PREFIX}-account"
    body = {"name": name, "description": "Interop"}
    made = create_workspace_service_account.sync(client=client, body=body)
    account = made.client_id
    key = {"name": "first", "expires_in": "30d"}
    key = create_api_key_for_service_account.sync(account, client=client, body=key)
    try:
        with_client(encoded(f"{account}:{made.client_secret}"))
        equal(len(list_models.sync(client=client, limit=1).data), 1)
        with_key(key.api_key)
        equal(len(list_models.sync(client=client, limit=1).data), 1)
        with_key()
        keys = list_api_keys_for_service_account.sync(account, client=client)
        equal([(one.id, one.name) for one in keys], [(key.id, "first")])
        assert keys[0].api_key != key.api_key, keys
        delete_api_key_for_service_account.sync_detailed(account, key.id, client=client)
        with_key(key.api_key)
        refused(401, list_models)
    finally:
        with_key()
    body = {"name": f"{name}-2"}
    renamed = update_workspace_service_account.sync(account, client=client, body=body)
    equal(renamed.name, f"{name}-2")
    assert account in accounts()
    delete_workspace_service_account.sync(account, client=client)
    assert account not in accounts()


@check("secret: it is set again and again, and tells its name and times alone")
async def _():
    name = f"{PREFIX}_KEY"
    first = await SecretInstance.set(name, "canary-1")
    second = await SecretInstance.set(name, "canary-2")
    equal((second.name, second.created_at), (name, first.created_at))
    [listed] = [one for one in await SecretInstance.list() if one.name == name]
    assert "canary" not in str(listed.secret.to_dict()), listed.secret
    equal((await SecretInstance.delete(name)).name, name)
    refused(404, delete_secret, name)
    await SecretInstance.set("a/b c", "canary-3")
    equal(delete_secret_by_query.sync(client=client, name="a/b c").name, "a/b c")
    refused(404, delete_secret_by_query, name="a/b c")


@check("workspace: the own one is there, and its name is taken")
def _():
    equal(get_workspace.sync(WORKSPACE, client=client).name, WORKSPACE)
    assert WORKSPACE in [one.name for one in list_workspaces.sync(client=client)]
    for name, free in ((WORKSPACE, False), (f"{PREFIX}-free", True)):
        equal(check_workspace_availability.sync(client=client, body={"name": name}), free)
    refused(404, get_workspace, "nobody-knows-me")
    assert list_workspace_users.sync(client=client)


@check("workspace: another one is made, changed and deleted")
def _():
    name = f"{PREFIX}-space"
    body = {"name": name, "displayName": "Space"}
    equal(create_workspace.sync(client=client, body=body).name, name)
    refused(409, create_workspace, body=body)
    body = {"name": name, "displayName": "Wide space"}
    changed = update_workspace.sync(name, client=client, body=body)
    equal(changed.display_name, "Wide space")
    equal(delete_workspace.sync(name, client=client).name, name)
    refused(404, get_workspace, name)


@check("what the platform offers is told: places, hubs, templates, an integration")
def _():
    for operation in (
        list_locations,
        list_sandbox_hub_definitions,
        list_mcp_hub_definitions,
        list_templates,
    ):
        assert operation.sync(client=client), operation.__name__
    equal(get_integration.sync("openai", client=client).name, "openai")
