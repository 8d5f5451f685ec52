"""Write the table of what detection answers to every labelled number.

    python -m tools.detection_table

The table is checked in, and a test compares it, so that a rule that takes numbers away from
another courier shows as a difference.
"""

from pathlib import Path

from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.evaluation import Example, evaluate, read_examples

COMMAND = "python -m tools.detection_table"
DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
SHOWN = 4


def describe(examples: Path) -> str:
    """Answer the table: shares on top, then one line for each number."""
    result = evaluate(examples)
    lines = [f"Written by: {COMMAND}", ""]
    for name, group in result.groups.items():
        lines.append(
            f"{name}: {group.valid} valid, top 1 {group.top_1:.4f}, top 3 {group.top_3:.4f}, "
            f"answered {group.answered:.4f}; {group.invalid} invalid, "
            f"rejected {group.rejected_invalid:.4f}"
        )
    lines.append(f"calibration error of real numbers: {result.calibration_error:.4f}")
    lines.append("")
    lines.extend(_describe_example(example) for example in read_examples(examples))
    return "\n".join(lines) + "\n"


def _describe_example(example: Example) -> str:
    candidates = default_detector().detect(example.number)
    right = {*example.accept, example.courier_code}
    places = [i for i, c in enumerate(candidates) if c.courier_code in right]
    if example.courier_code is None:
        verdict = "WRONG" if candidates else "right"
    else:
        verdict = (
            "MISSED" if not places else "right" if places[0] == 0 else f"place {places[0] + 1}"
        )
    answers = ", ".join(f"{c.courier_code} {c.probability:.2f}" for c in candidates[:SHOWN])
    expected = example.courier_code or "nobody"
    return f"{example.number} | {expected} | {example.evidence} | {verdict} | {answers or '-'}"


if __name__ == "__main__":
    (DATA / "detection-table.txt").write_text(
        describe(DATA / "detection-examples.json"), encoding="utf-8"
    )
