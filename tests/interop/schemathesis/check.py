"""Schemathesis tests a running emulator against the document that it serves. See ../README.md.

The argument selects the phases: `coverage`, or `fuzzing`, which includes sequences of operations.
Required environment variables: BL_API_URL, BL_WORKSPACE and BL_API_KEY, and HOME, a writable
directory. Use a separate emulator: the resources in it are deleted.
"""

import json
import os
import re
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from urllib.parse import urljoin

import schemathesis
from schemathesis.cli import schemathesis as command

DOCUMENT_URL = urljoin(os.environ["BL_API_URL"], "/openapi.json")
CONFIGURATION = Path(__file__).resolve().with_name("schemathesis.toml")
REPORT = Path("report.json")

PHASES = {"coverage": ["coverage"], "fuzzing": ["fuzzing", "stateful"]}

NAME = re.compile(r"[a-z0-9-]{1,49}")
TAKEN = defaultdict(set)


@schemathesis.hook
def before_call(_context, case, _arguments):
    """Replaces a name that was used before by a free one. Schemathesis generates few different
    names, so most creations would be refused as conflicts before the rest of the body is checked."""
    metadata = case.body.get("metadata") if isinstance(case.body, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if case.method != "POST" or not isinstance(name, str) or not NAME.fullmatch(name):
        return
    taken = TAKEN[case.path]
    if name in taken:
        name = metadata["name"] = f"free-{len(taken)}"
    taken.add(name)


def run(phases):
    """Runs these phases of Schemathesis, which prints its progress, and returns its report."""
    # It writes files into the current directory.
    os.chdir(Path.home())
    arguments = ["--config-file", CONFIGURATION, "run", DOCUMENT_URL, "--no-color"]
    arguments += ["--phases", ",".join(phases), "--report", "json", "--report-json-path", REPORT]
    REPORT.unlink(missing_ok=True)
    with suppress(SystemExit):  # The report has more details than the exit code.
        command.main([str(argument) for argument in arguments], standalone_mode=False)
    return json.loads(REPORT.read_text(encoding="utf-8"))


def main():
    phases = PHASES[sys.argv[1]]
    report = run(phases)
    # By operation, such as `GET /agents`; a sequence of several operations has its own name.
    failures = defaultdict(list)
    for failure in report["failures"]:
        for name in failure["operations"]:
            failures[name].append(failure["title"])
    for error in report["errors"]:
        failures["the run"].append(error["title"])
    operations = report["operations"] or {"total": 0, "tested": 0}
    total, tested = operations["total"], operations["tested"]
    if tested < total:
        failures["the run"].append(f"{total - tested} operations were not tested")
    ended = report["phases"] or {}
    for name in phases:
        status = ended.get(name, {}).get("status", "nothing")
        if status not in ("success", "failure"):
            failures["the run"].append(f"the phase {name} ended with {status}")
    if not report["complete"] or report["stop_reason"] != "completed":
        failures["the run"].append(f"it stopped early: {report['stop_reason']}")

    for name, titles in failures.items():
        print(f"not ok - {name}: {', '.join(titles)}")
    failed_operations = sum("/" in name for name in failures)
    print(f"{tested - failed_operations} passed, {len(failures)} failed", flush=True)
    return 0 if not failures and tested > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
