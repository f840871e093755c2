"""Lists of the models of a new emulator: pages, orders, searches, versions."""

import json
import os
from datetime import datetime

import blaxel
from blaxel.core import client
from blaxel.core.client.api.models import list_models
from blaxel.core.client.models import ListModelsSort
from blaxel.core.client.pagination import make_async_paginated_list

from .harness import check, equal, refusal, refused, walk


def models(**query):
    return list_models.sync(client=client, **query)


def walked(**query):
    """Returns the names of all models and the size of each page, with the SDK's pagination."""
    return walk(list_models, **query)


def in_version(version):
    """Sets the API version to request; None is the SDK's default."""
    if version is None:
        os.environ.pop("BL_API_VERSION", None)
    else:
        os.environ["BL_API_VERSION"] = version
    blaxel.autoload()


@check("models: pages of two by name add up to the whole")
def _():
    whole = models(sort=ListModelsSort.NAMEASC)
    equal(whole.meta.has_more, False)
    names = [model.metadata.name for model in whole.data]
    equal(whole.meta.total, len(names))
    equal(names, sorted(names))
    found, sizes = walked(limit=2, sort=ListModelsSort.NAMEASC)
    equal(found, names)
    equal(len(sizes), (len(names) + 1) // 2)
    assert len(sizes) > 2, sizes


@check("models: pages of three by name, downwards")
def _():
    up, _ = walked(limit=200, sort=ListModelsSort.NAMEASC)
    down, _ = walked(limit=3, sort=ListModelsSort.NAMEDESC)
    equal(down, up[::-1])


@check("models: the newest come first unless asked otherwise")
def _():
    made = [datetime.fromisoformat(model.metadata.created_at) for model in models().data]
    equal(made, sorted(made, reverse=True))
    down, _ = walked(limit=2)
    up, _ = walked(limit=2, sort=ListModelsSort.CREATEDATASC)
    equal(up, down[::-1])


@check("models: the SDK's iterator walks over page borders")
async def _():
    async def page(**more):
        return make_async_paginated_list(
            await list_models.asyncio(client=client, limit=2, sort=ListModelsSort.NAMEASC, **more),
            mapper=lambda model: model.metadata.name,
            fetch_next=lambda cursor: page(cursor=cursor),
        )

    found = [name async for name in (await page()).auto_paging_iter()]
    equal(found, walked(limit=200, sort=ListModelsSort.NAMEASC)[0])


@check("models: a search finds what bears the text")
def _():
    name = walked(sort=ListModelsSort.NAMEASC)[0][0]
    assert name in [model.metadata.name for model in models(q=name.upper()).data]
    equal(models(q="nothing-is-called-so").data, [])


@check("models: a cursor of another order is refused")
def _():
    first = models(limit=2, sort=ListModelsSort.NAMEASC)
    equal(first.meta.has_more, True)
    cursor = first.meta.next_cursor
    refused(400, list_models, limit=2, sort=ListModelsSort.NAMEDESC, cursor=cursor)


@check("versions: the first one lists a bare array")
def _():
    try:
        in_version("2026-04-16")
        answer = list_models.sync_detailed(client=client, limit=2)
    finally:
        in_version(None)
    total = models().meta.total
    equal(len(json.loads(answer.content)), total)
    equal(len(answer.parsed.data), total)


@check("versions: one that does not exist is refused by name")
def _():
    try:
        in_version("2020-02-02")
        body = refusal(400, list_models)
    finally:
        in_version(None)
    equal(body["error"], "invalid_api_version")
