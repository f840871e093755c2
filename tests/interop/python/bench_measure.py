"""The base of the benchmarks: the SDK with the addresses of the environment, and a measurement."""

import json
import os
import re
import time
from pathlib import Path

from blaxel.core import autoload, settings
from blaxel.core.authentication import auth
from blaxel.core.common.settings import Settings

# This SDK has no setting for URLs, so the two properties that return the platform's are replaced,
# and what was made from them is made again.
Settings.base_url = property(lambda _: os.environ["BL_API_URL"])
Settings.run_url = property(lambda _: os.environ["BL_RUN_URL"])
settings.auth = auth(settings.env, settings.base_url)
autoload()


async def measure(work, is_over):
    """Does the work until `is_over` says so of the seconds of all repetitions, and at least once.
    Returns the seconds of each repetition, those of the processor for all of them, and the peaks of
    memory after the first and after the last one, in KiB."""
    seconds, peaks = [], []
    before = time.process_time()
    while not seconds or not is_over(seconds):
        begin = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - begin)
        if not peaks:
            peaks.append(_peak())
    cpu = time.process_time() - before
    peaks.append(_peak())
    return {"seconds": seconds, "cpu": cpu, "peaks": peaks}


def finish(report):
    """Prints what the benchmark reads: a line of JSON."""
    print(json.dumps(report))


def _peak():
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) if found else 0
