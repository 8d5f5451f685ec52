"""No bug, but a machine of its own: ``prove.clocks.machines`` says what its clock shows.

What nobody can set on a real machine, the time since its start, is left as it is.
"""

from __future__ import annotations

import time

from parcelwire.bootstrap.system import SystemClock, steady_ns
from prove.clocks.machines import ahead_ns

_true_ns, _true = time.time_ns, time.time

time.time_ns = lambda: _true_ns() + ahead_ns()
time.time = lambda: _true() + ahead_ns() / 1e9
# It took the functions when it was defined.
SystemClock.__init__.__defaults__ = (time.time_ns, steady_ns)
