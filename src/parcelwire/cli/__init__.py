"""The command line: thin commands over the composition root and the client."""
