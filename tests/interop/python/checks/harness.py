"""The base of all checks: the SDK configured for the emulator, the results of the checks, and
assertions on responses."""

import asyncio
import base64
import inspect
import json
import os

import blaxel
import httpx
from blaxel.core import client, settings
from blaxel.core.authentication import auth
from blaxel.core.client.errors import UnexpectedStatus
from blaxel.core.client.models import Error
from blaxel.core.client.pagination import make_paginated_list

RUN_URL = os.environ["BL_RUN_URL"]
WORKSPACE = os.environ["BL_WORKSPACE"]
API_KEY = os.environ["BL_API_KEY"]
CLIENT_CREDENTIALS = os.environ["BL_CLIENT_CREDENTIALS"]

# This SDK has no setting for URLs: it calls the platform's, and the proxy of the environment leads
# these calls to the emulator. The addresses in documents are the emulator's own.
assert os.environ["HTTPS_PROXY"] and settings.base_url == "https://api.blaxel.ai/v0"
# It has no default timeout either.
client.with_timeout(httpx.Timeout(15))

# The prefix of the names of all resources that the checks create.
PREFIX = f"interop-py-{os.getpid()}"
# The region for operations for which the SDK warns if there is none.
REGION = "us-pdx-1"

CHECKS = []


def check(name):
    """Registers a check, which is a function or a coroutine function."""

    def register(body):
        CHECKS.append((name, body))
        return body

    return register


def run():
    """Runs the checks in the order of their registration, and returns the exit code."""
    passed = failed = 0
    for name, body in CHECKS:
        try:
            if inspect.iscoroutinefunction(body):
                # The SDK creates a new asynchronous client for each event loop.
                asyncio.run(asyncio.wait_for(body(), timeout=15))
            else:
                body()
        except Exception as error:
            failed += 1
            why = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok - {name}: {why}", flush=True)
        else:
            passed += 1
            print(f"ok - {name}", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if failed == 0 and passed > 0 else 1


def equal(found, wanted):
    """Asserts that two values are equal, and reports the one that was found."""
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")


def within(part, whole, at="it"):
    """Asserts that every member of `part` is in `whole`, at any depth. Lists must be equal."""
    for name, value in part.items():
        found = whole.get(name)
        if isinstance(value, dict) and isinstance(found, dict):
            within(value, found, f"{at}.{name}")
        elif found != value:
            raise AssertionError(f"{at}.{name} is {found!r}, not {value!r}")


def good(answer, kind):
    """Returns the result of a call, which must be of this type: the SDK returns errors as values."""
    if not isinstance(answer, kind):
        raise AssertionError(f"{answer!r} is no {kind.__name__}")
    return answer


def refusal(status, call, *arguments, **named):
    """Returns the body of an operation's error response, which must have this status. The SDK
    returns the body as a value if the operation declares the status, and raises it otherwise."""
    try:
        answer = call.sync_detailed(*arguments, client=client, **named)
    except UnexpectedStatus as error:
        found, content = error.status_code, error.content
    else:
        found, content = int(answer.status_code), answer.content
    body = json.loads(content)
    if found != status:
        raise AssertionError(f"{found} with {body}, not {status}")
    return body


def refused(status, call, *arguments, **named):
    """Asserts that an operation fails with this status, which the body repeats."""
    body = refusal(status, call, *arguments, **named)
    equal(body["code"], status)
    assert isinstance(body["error"], str) and body["error"], body
    return body


def sandbox_refused(status, call, *arguments, **named):
    """The same for the creation of sandboxes, whose error responses have another form."""
    body = refusal(status, call, *arguments, **named)
    equal(body["status_code"], status)
    assert isinstance(body["code"], str) and isinstance(body["message"], str), body
    return body


def known(status, answer):
    """Asserts that an error response was decoded into the SDK's type for it."""
    equal(int(answer.status_code), status)
    equal(good(answer.parsed, Error).code, status)
    return answer.parsed


async def raises(kind, awaitable, **attributes):
    """Asserts that one of the SDK's helpers raises this, with these attributes."""
    try:
        value = await awaitable
    except kind as error:
        for name, wanted in attributes.items():
            equal(getattr(error, name), wanted)
        return error
    raise AssertionError(f"{value!r} was given")


def sign_in(**credentials):
    """Signs in with these credentials from the environment, and no others."""
    for name in ("BL_API_KEY", "BL_CLIENT_CREDENTIALS"):
        os.environ.pop(name, None)
    os.environ.update(credentials)
    settings.auth = auth(settings.env, settings.base_url)
    blaxel.autoload()


def with_key(key=API_KEY):
    sign_in(BL_API_KEY=key)


def with_client(credentials=CLIENT_CREDENTIALS):
    sign_in(BL_CLIENT_CREDENTIALS=credentials)


def encoded(credentials):
    return base64.b64encode(credentials.encode()).decode()


def shown(url):
    """Returns an address of the platform as documents have it: there, it is the emulator's own."""
    return url.replace(settings.run_url, RUN_URL)


def name_of(item):
    return item.metadata.name


def walk(operation, *arguments, mapper=name_of, **query):
    """Returns the items of all pages of a list and the size of each page, with the SDK's pagination."""

    def page(**more):
        return make_paginated_list(
            operation.sync(*arguments, client=client, **query, **more),
            mapper=mapper,
            fetch_next=lambda cursor: page(cursor=cursor),
        )

    items, sizes, current = [], [], page()
    while True:
        items.extend(current)
        sizes.append(len(current))
        if not current.has_more:
            return items, sizes
        current = current.next_page()
