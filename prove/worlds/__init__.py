"""A5: seeded worlds in which the real service lives on simulated time, through all that can happen.

    plan (sky) -> processes on one disk, carriers, receivers, users, keepers, weather -> judge

A seed decides everything, to the last bit: the same seed replays the same world.
"""
