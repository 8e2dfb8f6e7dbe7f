"""Exit codes of the commands."""

from __future__ import annotations

from typing import Final

FINISHED: Final = 0
"""Finished; there is nothing left to do."""
FAILED: Final = 1
"""Failed; or finished, but some jobs are dead or some lists ended too early, which are named. The same
command tries once more."""
USAGE: Final = 2
"""Wrong usage: a flag, a setting, a target file or a server that cannot be used. Correct it."""
PAUSED: Final = 3
"""Paused: the budget or the credits are used up, or no credential is left. The same command resumes."""
INTERRUPTED: Final = 130
"""Interrupted by SIGINT (Ctrl-C), SIGTERM or SIGHUP. The same command resumes."""
