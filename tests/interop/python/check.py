"""The official Python SDK judges a running emulator. See ../README.md.

Wanted in the environment: BL_API_URL, BL_RUN_URL, BL_WORKSPACE, BL_API_KEY and
BL_CLIENT_CREDENTIALS (base64 of `id:secret`), and a HOME that may be written to.
"""

import sys

# Each registers its checks, which are run in this order. The first leaves the SDK signed in with the
# API key, with which all others ask.
from checks import sign_in  # noqa: F401  isort: skip
from checks import lists, kinds, errors, agents, chat, jobs  # noqa: F401  isort: skip
from checks import sandboxes, previews, schedules, forks, storage  # noqa: F401  isort: skip
from checks import images, governance, access  # noqa: F401  isort: skip
from checks.harness import run

if __name__ == "__main__":
    sys.exit(run())
