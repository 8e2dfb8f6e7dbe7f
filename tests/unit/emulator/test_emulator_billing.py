from typing import Any

from twittomatic.emulator.x.billing import Bill

MIDNIGHT = 1_700_006_400.0  # 2023-11-15T00:00:00Z


def test_what_was_read_today_is_free_until_midnight_utc(clock: Any) -> None:
    clock.now = MIDNIGHT - 2
    bill = Bill(clock)
    bill.charge("post", [1, 2, 3])
    clock.now = MIDNIGHT - 0.001
    bill.charge("post", [2, 3, 4])
    assert bill.micro_dollars == 4 * 5_000
    clock.now = MIDNIGHT
    bill.charge("post", [1, 2])
    assert bill.micro_dollars == 6 * 5_000
    assert bill.returned["post"] == 8
    assert bill.billed["post"] == 6


def test_a_follower_and_a_user_of_one_id_are_two_resources(clock: Any) -> None:
    bill = Bill(clock)
    bill.charge("follower", [7])
    bill.charge("user", [7])
    bill.charge("user", [7])
    assert bill.billed == {"user": 1, "follower": 1, "post": 0}
    assert bill.returned == {"user": 2, "follower": 1, "post": 0}
    assert bill.micro_dollars == 20_000


def test_nothing_returned_costs_nothing(clock: Any) -> None:
    bill = Bill(clock)
    bill.charge("user", [])
    assert bill.micro_dollars == 0
