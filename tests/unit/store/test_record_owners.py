"""Every record is stored with the tracking that it belongs to, or is known to belong to none."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import parcelwire

ROOT: Final = Path(parcelwire.__file__).parent

# File and kind, as the call names it. What is written here about one tracking would stay when that
# is deleted.
OF_NO_TRACKING: Final = {
    ("accounts/brands.py", "kind"),
    ("api/processes.py", "_KIND"),
    ("notices/journal.py", "QUEUE_KIND"),  # takes a mail off the queue: that must always work
    ("notices/limits.py", "ADDRESS_KIND"),
    ("notices/limits.py", "RATE_KIND"),
    ("notices/operators.py", "TOLD_KIND"),
    ("notices/senders.py", "KIND"),
    ("notices/subscriptions.py", "ADDRESS_KIND"),
    ("pages/dashboard/import_runner.py", "JOB"),
    ("pages/dashboard/import_runner.py", "QUEUE"),
    ("pages/dashboard/import_runner.py", "ROWS"),  # rows that became no parcel yet
    ("pages/dashboard/importing.py", "kind"),
    ("accounts/login_throttle.py", "ACCOUNT_KIND"),
    ("accounts/login_throttle.py", "DEVICE_KIND"),
    ("accounts/login_throttle.py", "SOURCE_KIND"),
    ("accounts/passwords.py", "KIND"),
    ("accounts/sessions.py", "KIND"),
    ("pages/dashboard/screens/trackings.py", "VIEW_KIND"),
    ("pages/lookup.py", "KIND"),  # tries of a number: they count on when it is followed anew
    ("tracking/following.py", "KIND"),
}


def test_no_record_about_a_tracking_forgets_which() -> None:
    found = set()
    for file in ROOT.rglob("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if name.startswith("store/"):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="change_record"), args=[kind, *_]):
                    if "tracking_id" not in {keyword.arg for keyword in node.keywords}:
                        found.add((name, ast.unparse(kind)))
    assert found == OF_NO_TRACKING
