"""`python -m twittomatic.web.monitor` is `twittomatic monitor`."""

from __future__ import annotations

import sys

from twittomatic.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["monitor"]
    main()
