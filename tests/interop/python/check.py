"""The official Python SDK tests a running emulator. See ../README.md.

Required environment variables: those that an emulator with `--tls` prints, also as comments, and HOME,
a writable directory.
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
