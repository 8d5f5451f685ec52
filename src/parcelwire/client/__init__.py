"""The Python client library, sync and async. Imports nothing from the other rooms."""
