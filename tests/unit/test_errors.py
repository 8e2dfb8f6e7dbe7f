"""Errors that are also errors of Python, and that read as sentences all the same."""

from twittomatic.errors import Disposition, LeaseLost, UserNotFound, disposition


def test_a_user_who_is_not_there_is_a_missing_key_that_reads_as_a_sentence() -> None:
    error = UserNotFound("There is no followers file of user 7.")
    assert isinstance(error, KeyError)
    assert str(error) == "There is no followers file of user 7."
    assert error.lines == ("There is no followers file of user 7.",)


def test_the_nearest_ancestor_decides() -> None:
    class Later(LeaseLost):
        pass

    assert disposition(Later("")) is Disposition.ABANDON
    assert disposition(ZeroDivisionError()) is Disposition.BURY
