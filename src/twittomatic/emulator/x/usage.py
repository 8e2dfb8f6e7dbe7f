"""How much of the monthly cap is used: free, and so the way to try out a token."""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from .billing import Bill
from .problems import InvalidRequestError
from .rendering import Answer

PROJECT_CAP = 3_000_000  # posts per billing cycle: X docs, fundamentals/post-cap


def usage(bill: Bill, query: Mapping[str, str], now: float) -> Answer:
    """Answer GET /2/usage/tweets; numbers of posts are strings, as clients have seen them.

    Raises:
        InvalidRequestError: `days` is not between 1 and 90.
    """
    days = query.get("days", "7")
    if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= 90:
        message = f"The `days` query parameter value [{days}] is not between 1 and 90"
        raise InvalidRequestError(message, {"days": [days]})
    today = datetime.fromtimestamp(now, UTC)
    data = {
        "cap_reset_day": calendar.monthrange(today.year, today.month)[1] - today.day + 1,
        "project_cap": str(PROJECT_CAP),
        "project_id": "1",
        "project_usage": str(bill.billed["post"]),
    }
    return Answer(body=msgspec.json.encode({"data": data}))
