"""The rows of `cargo xtask bench sandbox` with this SDK: see `tests/benches/sandbox.rs`, which starts
this program for each row, and `bench_measure.py` for what it prints."""

import asyncio
import os
import sys
from pathlib import Path

import bench_measure
from blaxel.core import SandboxInstance

ROW, REPETITIONS, DIRECTORY = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
# The size of the output of `produce`, and the number of small files on their way at once.
OUTPUT = 25_000_000
AT_ONCE = 8


async def start(sandbox):
    result = await sandbox.process.exec({"command": "true", "waitForCompletion": True})
    assert result.exit_code == 0, result


async def output(sandbox):
    size = 0

    def on_stdout(text):
        nonlocal size
        size += len(text.encode())

    command = {"command": "produce", "waitForCompletion": True, "on_stdout": on_stdout}
    result = await sandbox.process.exec(command)
    assert (result.exit_code, size) == (0, OUTPUT), (result, size)


async def upload(sandbox):
    await sandbox.fs.write_binary("/data/file", str(DIRECTORY / "file"))


async def download(sandbox):
    await sandbox.fs.download("/data/file", str(DIRECTORY / "file.copy"))


async def each(items, work):
    """Runs `work` for each item, some at once."""
    left = iter(items)

    async def worker():
        for item in left:
            await work(item)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def upload_many(sandbox):
    top = DIRECTORY / "files"

    async def send(path):
        await sandbox.fs.write(f"/data/files/{path.relative_to(top)}", path.read_text())

    await each(sorted(top.glob("*/*.txt")), send)


async def download_many(sandbox):
    copies = DIRECTORY / "files.copy"
    paths = []

    async def list_one(directory):
        (copies / Path(directory.path).name).mkdir(parents=True, exist_ok=True)
        paths.extend(file.path for file in (await sandbox.fs.ls(directory.path)).files)

    async def receive(path):
        text = await sandbox.fs.read(path)
        (copies / Path(path).relative_to("/data/files")).write_text(text)

    await each((await sandbox.fs.ls("/data/files")).subdirectories, list_one)
    await each(paths, receive)


async def main():
    sandbox = await SandboxInstance.get(os.environ["BENCH_SANDBOX"])
    row = globals()[ROW.replace("-", "_")]
    for _ in range(20 if ROW == "start" else 0):
        await start(sandbox)
    report = await bench_measure.measure(
        lambda: row(sandbox), lambda seconds: len(seconds) == REPETITIONS
    )
    bench_measure.finish(report)


asyncio.run(main())
