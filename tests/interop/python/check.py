"""The official Python SDK tests a running emulator. See ../README.md.

Required environment variables: BL_API_URL, BL_RUN_URL, BL_WORKSPACE, BL_API_KEY and
BL_CLIENT_CREDENTIALS (base64 of `id:secret`), and HOME, a writable directory.
"""

import sys
from importlib import import_module

from checks.harness import run

# In this order: the first leaves the SDK signed in with the API key, which all others use.
TOPICS = (
    "sign_in",
    "lists",
    "kinds",
    "errors",
    "agents",
    "chat",
    "jobs",
    "sandboxes",
    "data_plane",
    "previews",
    "schedules",
    "forks",
    "storage",
    "images",
    "governance",
    "access",
)

if __name__ == "__main__":
    for topic in TOPICS:
        import_module(f"checks.{topic}")
    sys.exit(run())
