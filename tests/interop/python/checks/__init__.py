"""What the official Python SDK is asked to do, topic by topic."""
