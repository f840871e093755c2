"""The operations that all kinds of resources share: create, read, list page by page, replace,
delete. The table has the differences between the kinds."""

from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module

from blaxel.core import client
from blaxel.core.client import models

from .harness import (
    PREFIX,
    REGION,
    RUN_URL,
    WORKSPACE,
    check,
    equal,
    good,
    name_of,
    refused,
    sandbox_refused,
    walk,
    within,
)


@dataclass
class Kind:
    """A kind of resource."""

    # The SDK's names: of the module with its operations, of one and of many as in `create_agent`
    # and `list_agents`, and of the type.
    module: str
    one: str
    many: str
    type_name: str
    # The spec of a creation, and the members that an update changes.
    spec: dict
    change: dict = field(default_factory=dict)
    # The enumeration of orders, if lists are paginated rather than bare arrays.
    sorts: str | None = None
    # The path on the run plane, if the kind has a URL there.
    called: str | None = None
    # True if it can be replaced, and if a replacement creates a missing one.
    replaced: bool = True
    made_by_update: bool = False
    # The suffix of the names of this kind.
    suffix: str = ""

    def operation(self, name):
        return import_module(f"blaxel.core.client.api.{self.module}.{name}")

    @property
    def type(self):
        return getattr(models, self.type_name)

    @property
    def noun(self):
        return self.one.replace("_", " ")

    def name(self, end):
        return f"{PREFIX}-{end}{self.suffix}"

    def document(self, name, labels=None):
        metadata = {
            "name": name,
            "displayName": "Interop \U0001f9ed",
            "labels": labels or {"language": "python"},
        }
        return {"metadata": metadata, "spec": self.spec}


KINDS = [
    Kind(
        "agents",
        "agent",
        "agents",
        "Agent",
        spec={"enabled": True, "runtime": {"image": "registry/agent:1", "memory": 2048}},
        change={"runtime": {"memory": 4096}},
        sorts="ListAgentsSort",
        called="agents",
    ),
    Kind(
        "functions",
        "function",
        "functions",
        "Function",
        spec={"enabled": True, "runtime": {"image": "registry/function:1", "memory": 2048}},
        change={"runtime": {"image": "registry/function:2"}},
        sorts="ListFunctionsSort",
        called="functions",
    ),
    Kind(
        "models",
        "model",
        "models",
        "Model",
        spec={"enabled": True, "runtime": {"type": "openai", "model": "gpt-4o-mini"}},
        change={"runtime": {"model": "gpt-4o"}},
        sorts="ListModelsSort",
        called="models",
    ),
    Kind(
        "jobs",
        "job",
        "jobs",
        "Job",
        spec={"enabled": True, "runtime": {"image": "registry/job:1", "memory": 2048}},
        change={"runtime": {"maxRetries": 2, "timeout": 120}},
        sorts="ListJobsSort",
        called="jobs",
    ),
    Kind(
        "applications",
        "application",
        "applications",
        "Application",
        spec={"enabled": True, "image": "registry/application:1", "memory": 2048, "port": 8080},
        change={"port": 8081},
        sorts="ListApplicationsSort",
    ),
    Kind(
        "compute",
        "sandbox",
        "sandboxes",
        "Sandbox",
        spec={
            "region": REGION,
            "runtime": {"image": "blaxel/base-image:latest", "memory": 4096},
        },
        change={"runtime": {"memory": 8192}},
        sorts="ListSandboxesSort",
        called="sandboxes",
    ),
    Kind(
        "volumes",
        "volume",
        "volumes",
        "Volume",
        spec={"size": 1024, "region": REGION},
        change={"size": 2048},
        sorts="ListVolumesSort",
    ),
    Kind(
        "drives",
        "drive",
        "drives",
        "Drive",
        spec={"region": REGION},
        change={"permissions": [{"mode": "read", "path": "/"}]},
        sorts="ListDrivesSort",
    ),
    Kind(
        "policies",
        "policy",
        "policies",
        "Policy",
        spec={"type": "maxToken", "resourceTypes": ["model"], "maxTokens": {"total": 1000}},
        change={"maxTokens": {"total": 2000}},
        sorts="ListPoliciesSort",
    ),
    Kind(
        "volume_templates",
        "volume_template",
        "volume_templates",
        "VolumeTemplate",
        spec={"defaultSize": 1024},
        change={"defaultSize": 2048},
        made_by_update=True,
    ),
    Kind(
        "integrations",
        "integration_connection",
        "integration_connections",
        "IntegrationConnection",
        spec={"integration": "github", "config": {"owner": "interop"}},
        change={"config": {"owner": "somebody"}},
    ),
    Kind(
        "customdomains",
        "custom_domain",
        "custom_domains",
        "CustomDomain",
        spec={"domainType": "previews", "region": REGION},
        change={"cnameRecords": "cname.example.com"},
        suffix=".example.com",
    ),
    # The SDK cannot decode one with an empty spec.
    Kind("vpcs", "vpc", "vp_cs", "VPC", spec={"region": REGION}, replaced=False),
]


def merged(document, change):
    """Returns a document with some members changed, at any depth."""
    both = dict(document)
    for name, value in change.items():
        old = both.get(name)
        both[name] = (
            merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return both


def life_of(kind):
    create = kind.operation(f"create_{kind.one}")
    get = kind.operation(f"get_{kind.one}")
    delete = kind.operation(f"delete_{kind.one}")
    listed = kind.operation(f"list_{kind.many}")
    update = kind.operation(f"update_{kind.one}") if kind.replaced else None
    create_refused = sandbox_refused if kind.one == "sandbox" else refused
    name = kind.name("life")
    created = {}

    def make(name, **labels):
        body = kind.type.from_dict(kind.document(name, labels))
        return good(create.sync(client=client, body=body), kind.type)

    @check(f"{kind.noun}: create gives the whole document")
    def _():
        created.update(make(name).to_dict())
        within(kind.document(name), created)
        equal(created["metadata"]["workspace"], WORKSPACE)
        datetime.fromisoformat(created["metadata"]["createdAt"])
        url = kind.called and f"{RUN_URL}/{WORKSPACE}/{kind.called}/{name}"
        equal(created["metadata"].get("url"), url)

    @check(f"{kind.noun}: a second one of the name is refused with 409")
    def _():
        error = create_refused(409, create, body=kind.document(name))
        if kind.one == "sandbox":
            equal(error["code"], "SANDBOX_ALREADY_EXISTS")

    @check(f"{kind.noun}: get and list give what was created")
    async def _():
        found = good(await get.asyncio(name, client=client), kind.type)
        equal(found.to_dict(), created)
        page = listed.sync(client=client, **({"q": name} if kind.sorts else {}))
        equal(isinstance(page, list), kind.sorts is None)
        items = page if isinstance(page, list) else page.data
        [found] = [item.to_dict() for item in items if name_of(item) == name]
        # Lists omit some members, and the values of the others are the same. The SDK adds empty lists.
        within({key: value for key, value in found.items() if value != []}, created)
        equal(found["metadata"]["createdAt"], created["metadata"]["createdAt"])

    @check(f"{kind.noun}: {'pages of two' if kind.sorts else 'the list'} in every order")
    def _():
        names = [kind.name(f"page-{letter}") for letter in "eadbc"]
        for one in names:
            make(one, letter="any")
        try:
            if kind.sorts:
                paging(kind, listed, names)
            else:
                found, sizes = walk(listed)
                equal(len(sizes), 1)
                equal(sorted(set(found) & set(names)), sorted(names))
        finally:
            for one in names:
                delete.sync(one, client=client)

    if update:

        @check(f"{kind.noun}: update replaces the document and keeps when it was made")
        def _():
            # As users of this SDK do: the whole document is sent back, including the members that
            # only the server sets.
            metadata = {**created["metadata"], "labels": {"language": "snake"}}
            del metadata["displayName"]
            spec = merged(created["spec"], kind.change)
            body = kind.type.from_dict({**created, "metadata": metadata, "spec": spec})
            updated = good(update.sync(name, client=client, body=body), kind.type).to_dict()
            within(kind.change, updated["spec"], "spec")
            equal(updated["metadata"]["labels"], {"language": "snake"})
            equal(updated["metadata"]["createdAt"], created["metadata"]["createdAt"])
            assert updated["metadata"]["updatedAt"] >= created["metadata"]["updatedAt"], updated
            assert updated["metadata"].get("displayName") != "Interop \U0001f9ed", updated
            equal(get.sync(name, client=client).to_dict(), updated)

    if kind.one in ("agent", "function", "model", "job", "application"):

        @check(f"{kind.noun}: every new spec is a revision")
        def _():
            revisions = kind.operation(f"list_{kind.one}_revisions").sync(name, client=client)
            equal(len({revision.id for revision in revisions}), 2)
            assert revisions[0].created_at > revisions[1].created_at, revisions

    @check(f"{kind.noun}: what has no metadata, no spec or no good name is refused with 400")
    def _():
        create_refused(400, create, body={"spec": kind.spec})
        create_refused(400, create, body={"metadata": {"name": kind.name("bare")}})
        create_refused(400, create, body=kind.document("Not A Name"))
        if update:
            refused(400, update, name, body={"spec": kind.spec})
        refused(404, get, kind.name("bare"))

    @check(f"{kind.noun}: delete, and nothing is there after it")
    def _():
        removed = delete.sync(name, client=client)
        equal(removed.name if kind.one == "drive" else name_of(good(removed, kind.type)), name)
        refused(404, get, name)
        refused(404, delete, name)
        if update and not kind.made_by_update:
            refused(404, update, name, body=kind.document(name))

    @check(f"{kind.noun}: the name is free again after delete")
    def _():
        if kind.made_by_update:
            body = kind.type.from_dict(kind.document(name))
            again = good(update.sync(name, client=client, body=body), kind.type)
        else:
            again = make(name)
        within(kind.spec, again.to_dict()["spec"], "spec")
        delete.sync(name, client=client)
        refused(404, get, name)


def paging(kind, listed, names):
    """Walks over the pages with these names, which were created in this order."""
    q = f"{PREFIX}-page-"
    sorts = getattr(models, kind.sorts)
    upwards = sorted(names)
    for sort, wanted in (
        (sorts.NAMEASC, upwards),
        (sorts.NAMEDESC, upwards[::-1]),
        (sorts.CREATEDATASC, names),
        (sorts.CREATEDATDESC, names[::-1]),
        (None, names[::-1]),
    ):
        query = {"sort": sort} if sort else {}
        found, sizes = walk(listed, q=q, limit=2, **query)
        equal(found, wanted)
        equal(sizes, [2, 2, 1])
    page = listed.sync(client=client, q=q, limit=2)
    assert page.meta.total >= len(names), page.meta


for kind in KINDS:
    life_of(kind)
