"""When to ask again: the plan, each carrier's budget, and the worker that does it."""
