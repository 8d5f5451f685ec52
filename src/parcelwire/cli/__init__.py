"""Commands: thin layers over bootstrap and client."""
