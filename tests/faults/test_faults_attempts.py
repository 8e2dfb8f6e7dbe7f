"""Some cases of `attempts`, with every kind of list; one of the seeds once found a fault."""

import attempts

SEEDS = range(1, 151)  # 30: a user who cannot be read any more, in the middle of an update, and then a death


async def test_lists_are_whole_whichever_process_dies() -> None:
    counts = await attempts.run(SEEDS)
    assert counts["cases"] == len(SEEDS)
    assert all(counts.get(ending) for ending in ("complete", "ceiling", "unavailable")), counts
    assert "stalled" not in counts, counts  # a network that repeats itself thrice in a row is rarer than that
