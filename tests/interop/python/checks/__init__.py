"""The checks of the official Python SDK, by topic."""
