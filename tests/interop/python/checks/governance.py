"""Policies, integration connections, custom domains and VPCs; and applications, with the SDK's
helper."""

from blaxel.core import ApplicationAPIError, ApplicationInstance, SyncApplicationInstance, client
from blaxel.core.client.api.customdomains import (
    create_custom_domain,
    delete_custom_domain,
    list_custom_domain_shares,
    share_custom_domain,
    unshare_custom_domain,
    verify_custom_domain,
)
from blaxel.core.client.api.integrations import (
    create_integration_connection,
    delete_integration_connection,
)
from blaxel.core.client.api.models import create_model, delete_model
from blaxel.core.client.api.policies import (
    create_policy,
    delete_policy,
    get_policy,
    get_policy_usages,
)
from blaxel.core.client.api.vpcs import (
    create_egress_gateway,
    create_egress_ip,
    create_vpc,
    delete_egress_gateway,
    delete_egress_ip,
    delete_vpc,
    get_egress_gateway,
    get_egress_ip,
    list_all_egress_gateways,
    list_all_egress_i_ps,
    list_egress_gateways,
    list_egress_i_ps,
)
from blaxel.core.client.models import (
    VPC,
    CustomDomain,
    EgressGateway,
    EgressIP,
    IntegrationConnection,
    Model,
    Policy,
)

from .harness import PREFIX, REGION, check, equal, good, name_of, raises, refused


def make(operation, kind, name, spec, *parents):
    body = kind.from_dict({"metadata": {"name": name}, "spec": spec})
    return good(operation.sync(*parents, client=client, body=body), kind)


@check("policy: what is under it is counted and named")
def _():
    name = f"{PREFIX}-policy"
    rule = {"type": "maxToken", "resourceTypes": ["model"], "maxTokens": {"total": 1000}}
    make(create_policy, Policy, name, rule)
    runtime = {"type": "openai", "model": "gpt-4o"}
    make(create_model, Model, name, {"policies": [name], "runtime": runtime})
    equal(get_policy.sync(name, client=client).usage.models, 1)
    # The SDK expects documents instead of names, so the response is read without it.
    usages = client.get_httpx_client().get(f"/policies/{name}/usages").json()
    equal(usages["models"], [name])
    good(delete_model.sync(name, client=client), Model)
    equal(get_policy.sync(name, client=client).usage.models, 0)
    good(delete_policy.sync(name, client=client), Policy)
    refused(404, get_policy_usages, name)


@check("integration connection: its secrets are masked, and it stays while it is used")
def _():
    name = f"{PREFIX}-connection"
    spec = {"integration": "openai", "secret": {"apiKey": "sk-interop"}}
    made = make(create_integration_connection, IntegrationConnection, name, spec)
    secret = made.spec.secret.to_dict()
    assert secret["apiKey"] and "sk-interop" not in str(secret), secret
    runtime = {"type": "openai", "model": "gpt-4o"}
    make(create_model, Model, name, {"integrationConnections": [name], "runtime": runtime})
    refused(409, delete_integration_connection, name)
    good(delete_model.sync(name, client=client), Model)
    good(delete_integration_connection.sync(name, client=client), IntegrationConnection)


@check("private cloud: gateways and addresses are made in it, and told of everywhere")
def _():
    vpc = f"{PREFIX}-vpc"
    make(create_vpc, VPC, vpc, {"region": REGION})
    gateway = make(create_egress_gateway, EgressGateway, "gate", {"region": REGION}, vpc)
    equal(gateway.metadata.vpc_name, vpc)
    refused(409, create_egress_gateway, vpc, body=gateway.to_dict())
    address = make(create_egress_ip, EgressIP, "first", {"ipFamily": "IPv4"}, vpc, "gate")
    equal(address.metadata.gateway_name, "gate")
    listed = list_egress_i_ps.sync(vpc, "gate", client=client)
    equal([one.to_dict() for one in listed], [address.to_dict()])
    found = get_egress_ip.sync(vpc, "gate", "first", client=client)
    equal(found.to_dict(), address.to_dict())
    for everywhere, name in ((list_all_egress_gateways, "gate"), (list_all_egress_i_ps, "first")):
        found = everywhere.sync(client=client)
        assert (vpc, name) in [(one.metadata.vpc_name, name_of(one)) for one in found], found
    good(delete_egress_ip.sync(vpc, "gate", "first", client=client), EgressIP)
    good(delete_egress_gateway.sync(vpc, "gate", client=client), EgressGateway)
    refused(404, get_egress_gateway, vpc, "gate")
    good(delete_vpc.sync(vpc, client=client), VPC)
    refused(404, list_egress_gateways, vpc)


@check("custom domain: it is verified, and shared with the account")
def _():
    name = f"{PREFIX}-shared.example.com"
    spec = {"domainType": "previews", "region": REGION}
    made = make(create_custom_domain, CustomDomain, name, spec)
    equal(str(made.spec.status), "pending")
    equal(str(verify_custom_domain.sync(name, client=client).spec.status), "verified")
    target = {"targetWorkspace": "account"}
    good(share_custom_domain.sync(name, client=client, body=target), CustomDomain)
    refused(409, share_custom_domain, name, body=target)
    equal(len(list_custom_domain_shares.sync(name, client=client)), 1)
    good(unshare_custom_domain.sync(name, "account", client=client), CustomDomain)
    equal(list_custom_domain_shares.sync(name, client=client), [])
    good(delete_custom_domain.sync(name, client=client), CustomDomain)
    refused(404, verify_custom_domain, name)


@check("application helper: its whole life")
async def _():
    name = f"{PREFIX}-application"
    config = {"name": name, "image": "registry/application:1", "memory": 2048, "port": 8080}
    config["region"] = REGION
    made = await ApplicationInstance.create(config)
    equal((made.spec.port, made.spec.enabled), (8080, True))
    await raises(ApplicationAPIError, ApplicationInstance.create(config), status_code=409)
    found = await ApplicationInstance.create_if_not_exists(config)
    equal(found.metadata.created_at, made.metadata.created_at)
    assert name in [one.name for one in await ApplicationInstance.list()]
    assert name in [one.name for one in SyncApplicationInstance.list()]
    updated = await made.update({"port": 9090})
    equal((updated.spec.port, updated.spec.image), (9090, config["image"]))
    await updated.delete()
    await raises(ApplicationAPIError, ApplicationInstance.get(name), status_code=404)
