"""What a receiver accepted, held against what it should have: nothing lost, all in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.contract.webhook_receivers import Received


def judge_lines(
    accepted: Iterable[Received], wanted: Mapping[str, Sequence[int]], *, rounds: int = 1
) -> list[str]:
    """Return the broken promises about ``accepted`` messages, one line each.

    ``wanted``: the sequence numbers of each tracking. The same message may come again (at least
    once), but a later one never before an earlier one. ``rounds``: how often the whole is told, as
    after a replay.
    """
    lines: dict[str, list[int]] = {}
    ids: dict[tuple[str, int], set[str]] = {}
    for one in accepted:
        tracking, sequence = one.line
        line = lines.setdefault(tracking, [])
        if not line or line[-1] != sequence:
            line.append(sequence)
        ids.setdefault(one.line, set()).add(one.message_id)
    violations = []
    for tracking, sequences in wanted.items():
        got = lines.pop(tracking, [])
        if got == list(sequences) * rounds:
            continue
        lost = sorted(set(sequences) - set(got))
        if lost:
            violations.append(f"lost: {lost} of {tracking}")
        else:
            violations.append(f"out of order: {got} of {tracking}")
    violations += [f"nobody sent {tracking}" for tracking in lines]
    violations += [
        f"{len(found)} ids for {tracking} {sequence}"
        for (tracking, sequence), found in ids.items()
        if len(found) > 1
    ]
    return violations
