"""The words of the field: trackings, checkpoints, statuses, changes and how they merge. No I/O."""
