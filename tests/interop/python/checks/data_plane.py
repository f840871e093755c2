"""Inside of a sandbox, with the SDK's helpers: commands, files, ports, previews and sessions. The
checks pass on simulated and on local machines."""

import asyncio
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
from blaxel.core import SandboxInstance

from .harness import PREFIX, REGION, check, equal

NAME = f"{PREFIX}-machine"
IMAGE = "blaxel/base-image:latest"


async def machine():
    """Returns the sandbox, as of the event loop of the check."""
    config = {
        "name": NAME,
        "region": REGION,
        "image": IMAGE,
        "envs": [{"name": "COLOUR", "value": "grün"}],
    }
    return await SandboxInstance.create_if_not_exists(config)


async def fails(call):
    """Asserts that a call fails, and returns the error."""
    try:
        answer = await call
    except Exception as error:
        return error
    raise AssertionError(f"it returned {answer!r}")


@check("command: output, errors and exit code")
async def _():
    sandbox = await machine()
    done = await sandbox.process.exec(
        {
            "command": "echo $COLOUR $SIZE; pwd; echo wrong >&2; exit 3",
            "env": {"SIZE": "ünder"},
            "working_dir": "/tmp",
            "wait_for_completion": True,
        }
    )
    equal((done.exit_code, str(done.status)), (3, "failed"))
    equal((done.stdout, done.stderr), ("grün ünder\n/tmp\n", "wrong\n"))


@check("command: output is streamed by what it was written to")
async def _():
    sandbox = await machine()
    out, err = [], []
    done = await sandbox.process.exec(
        {
            "command": "for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.1; done",
            "wait_for_completion": True,
            "on_stdout": out.append,
            "on_stderr": err.append,
        }
    )
    equal(done.exit_code, 0)
    equal("".join(out).replace("\n", ""), "out 1out 2out 3")
    equal("".join(err).replace("\n", ""), "err 1err 2err 3")


@check("command: one in the background is waited for by a long poll, and its logs are kept")
async def _():
    sandbox = await machine()
    started = await sandbox.process.exec({"name": "back", "command": "echo a; sleep 0.3; echo b"})
    equal(str(started.status), "running")
    assert any(process.name == "back" for process in await sandbox.process.list())
    ended = await sandbox.process.wait("back")
    equal((ended.exit_code, str(ended.status)), (0, "completed"))
    equal(await sandbox.process.logs("back", "stdout"), "a\nb\n")


@check("command: a running one is stopped and killed; a missing one is an error")
async def _():
    sandbox = await machine()
    for end in ("stop", "kill"):
        await sandbox.process.exec({"name": end, "command": "sleep 100"})
        await getattr(sandbox.process, end)(end)
        ended = await sandbox.process.wait(end)
        assert str(ended.status) in ("stopped", "killed", "failed"), ended.status
    await fails(sandbox.process.get("nobody-knows-me"))


@check("files: text is written, read, listed, copied and removed")
async def _():
    fs = (await machine()).fs
    await fs.mkdir("/tmp/files/deep")
    await fs.write("/tmp/files/ä b.txt", "tüte\n")
    equal(await fs.read("/tmp/files/ä b.txt"), "tüte\n")
    await fs.cp("/tmp/files/ä b.txt", "/tmp/files/deep/copy.txt")
    equal(await fs.read("/tmp/files/deep/copy.txt"), "tüte\n")
    # This copy does not replace anything.
    await fails(fs.cp("/tmp/files/ä b.txt", "/tmp/files/deep/copy.txt", no_overwrite=True))
    listed = await fs.ls("/tmp/files")
    equal([(file.name, file.size) for file in listed.files], [("ä b.txt", 6)])
    equal([directory.name for directory in listed.subdirectories], ["deep"])
    await fs.rm("/tmp/files/deep", True)
    await fails(fs.read("/tmp/files/deep/copy.txt"))


@check("files: bytes stay the same, also above the size of a part")
async def _():
    fs = (await machine()).fs
    for size in (0, 1000, 6 * 1024 * 1024):
        content = (b"0123456789\0\xff" * (size // 12 + 1))[:size]
        await fs.write_binary("/tmp/bytes", content)
        equal(bytes(await fs.read_binary("/tmp/bytes")) == content, True)
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "copy"
        await fs.download("/tmp/bytes", str(copy))
        equal(copy.stat().st_size, 6 * 1024 * 1024)


@check("files: a tree is written, searched, and read with its contents")
async def _():
    fs = (await machine()).fs
    tree = [
        {"path": "a/one.txt", "content": "needle"},
        {"path": "b/two.md", "content": "hay"},
    ]
    await fs.write_tree(tree, "/tmp/tree")
    found = await fs.find("/tmp/tree", patterns=["*.md"])
    equal([match.path.rsplit("/", 1)[-1] for match in found.matches], ["two.md"])
    matches = (await fs.grep("needle", "/tmp/tree")).matches
    equal([(match.line, match.text) for match in matches], [(1, "needle")])


@check("ports: a server of the sandbox is waited for and called, and shown by previews")
async def _():
    sandbox = await machine()
    await sandbox.fs.write("/tmp/site/index.html", "<h1>hello</h1>")
    await sandbox.process.exec(
        {
            "name": "server",
            "command": "python3 -m http.server 39124",
            "working_dir": "/tmp/site",
            "wait_for_ports": [39124],
        }
    )
    page = await sandbox.fetch(39124, "/index.html")
    equal((page.status_code, page.text), (200, "<h1>hello</h1>"))
    preview = {"metadata": {"name": "closed"}, "spec": {"port": 39124, "public": False}}
    preview = await sandbox.previews.create(preview)
    expiry = datetime.now(timezone.utc) + timedelta(minutes=1)
    token = await preview.tokens.create(expiry)
    url = f"{preview.spec.url}/index.html"
    async with httpx.AsyncClient() as browser:
        equal((await browser.get(url)).status_code, 401)
        equal((await browser.get(f"{url}?bl_preview_token={token.value}")).text, "<h1>hello</h1>")
    await sandbox.process.kill("server")


@check("session: it works with nothing but its token")
async def _():
    sandbox = await machine()
    session = await sandbox.sessions.create()
    visitor = await SandboxInstance.from_session(session)
    done = await visitor.process.exec({"command": "echo visited", "wait_for_completion": True})
    equal(done.stdout, "visited\n")
    await sandbox.sessions.delete(session.name)
    await fails(visitor.process.list())


@check("the sandbox ends with all that runs in it")
async def _():
    sandbox = await machine()
    await sandbox.process.exec({"command": "sleep 100"})
    await sandbox.delete()
    await fails(asyncio.wait_for(sandbox.process.list(), 10))
