from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from twittomatic.emulator.madeup.postids import NOW_MS
from twittomatic.emulator.madeup.snowflakes import FIRST_SNOWFLAKE_USER, account_opened_ms, iso, snowflake_ms


@given(st.integers(0, 4_000_000_000_000))
def test_times_are_written_as_x_writes_them(ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    assert iso(ms) == moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"


def test_a_snowflake_holds_its_time() -> None:
    assert iso(snowflake_ms(1_346_889_436_626_259_968)) == "2021-01-06T18:40:40.344Z"


@given(st.integers(0, 10**19 - 1), st.integers(0, 10**19 - 1))
@example(398_228_446, 10**17)
@example(FIRST_SNOWFLAKE_USER - 1, FIRST_SNOWFLAKE_USER)
def test_older_accounts_have_smaller_ids_and_none_comes_from_the_future(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert iso(account_opened_ms(low)) <= iso(account_opened_ms(high))
    assert 1_142_974_200_000 <= account_opened_ms(low) < NOW_MS
