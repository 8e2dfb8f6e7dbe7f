"""Errors that are also errors of Python, and that read as sentences all the same."""

import errno
import os

import pytest

from twittomatic.errors import Disposition, LeaseLost, UserNotFound, disposition, os_reason


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


@pytest.mark.parametrize(
    ("number", "setting", "sentence"),
    [
        (errno.ENOSPC, "", "the volume is full; free some space and start again"),
        (errno.EROFS, "", "the volume is read-only; mount it for writing"),
        (
            errno.EROFS,
            "STATE_DIRECTORY",
            "the volume is read-only; mount it for writing, or name another STATE_DIRECTORY",
        ),
        (errno.ENAMETOOLONG, "", "the path is too long; name a shorter directory"),
        (errno.EXDEV, "STATE_DIRECTORY", "Invalid cross-device link"),
    ],
)
def test_the_reason_of_the_system_names_the_setting_of_the_caller(
    number: int, setting: str, sentence: str
) -> None:
    assert os_reason(OSError(number, os.strerror(number)), setting=setting) == sentence
