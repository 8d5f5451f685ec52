"""Old names over the client library, for projects that move from another one."""
