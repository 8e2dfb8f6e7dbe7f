from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.dataset import IDS, RECORDS, DatasetWriter, aside, problems, repair, steps
from twittomatic import faultpoint
from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.model import Checkpoint, Ending, FileState, Module
from twittomatic.storage.commit import commit, measured
from twittomatic.storage.completeness import CompleteLists
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Journal, latest, read_journal
from twittomatic.storage.lock import exclusive
from twittomatic.storage.losses import find_missing, placed_files
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.repair import Step


def test_a_whole_dataset_is_left_alone(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", IDS)
    made.store("22", "usr", RECORDS)
    assert steps(layout) == []
    assert not layout.quarantine.exists()
    assert not layout.journal("repair").exists()


def test_a_torn_tail_is_cut_off(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "fws", IDS[:20], IDS[20:])
    whole = path.read_bytes()
    path.write_bytes(whole + b"torn")
    assert repair(layout) == {
        "22/22.fws": "4 bytes behind those of its journal line are cut off; "
        "all of it is in set-aside/22.fws.1."
    }
    assert path.read_bytes() == whole
    assert aside(layout) == {"22.fws.1": whole + b"torn"}
    assert problems(layout) == []
    assert not layout.drafts.exists()
    assert not layout.journal("repair").exists(), "the journal has said so already"


def test_an_update_without_a_journal_line_is_undone(layout: Layout, made: DatasetWriter) -> None:
    """Its new posts are set aside: the older lines are proved by the last bytes of the file."""
    path = made.store("22", "twt", RECORDS[40:])
    made.update("22", RECORDS[30:40])
    proved = path.read_bytes()
    made.update("22", RECORDS[:30], line=False)
    lost = path.read_bytes()
    [step] = steps(layout)
    assert step.sentence.startswith(f"{len(lost) - len(proved)} bytes before those of its journal line")
    assert path.read_bytes() == proved
    assert aside(layout) == {"22.twt.1": lost}
    assert problems(layout) == []


def test_an_update_with_a_damaged_front_leaves_the_previous_timeline(
    layout: Layout, made: DatasetWriter
) -> None:
    path = made.store("22", "twt", RECORDS[40:])
    old = path.read_bytes()
    made.update("22", RECORDS[:40])
    whole = path.read_bytes()
    path.write_bytes(b"\0" + whole[1:])
    said = [step.sentence for step in steps(layout)]
    assert len(said) == 2
    assert "is as the journal line of 2026-01-01T00:00:01.100Z says" in said[1]
    assert path.read_bytes() == old
    assert problems(layout) == []
    newest = latest(read_journal(layout))["22/22.twt"]
    assert (newest.lines, newest.ended_at, newest.ending) == (20, "2026-01-01T00:00:01.100Z", "complete")
    assert (newest.requests, newest.cost_usd, newest.received) == (0, 0.0, 0), "it was paid once"
    [missing] = find_missing(layout)
    assert (missing.user_id, missing.outdated) == ("22", True)
    made.journal.append(
        made.entry(path, FileState(), file=None, module=Module.UPDATE, ended_at="2026-03-01T00:00:00Z")
    )
    assert find_missing(layout) == [], "an update found nothing newer"


def test_a_file_that_no_line_proves_is_set_aside_and_missing(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "fws", IDS)
    profiles = made.store("22", "usr", RECORDS)
    broken = path.read_bytes()[:-1]
    path.write_bytes(broken)
    assert repair(layout) == {
        "22/22.fws": "its bytes are those of no line in the journal; set aside as set-aside/22.fws.1.",
        "22/22.usr": "profiles of followers, but there is no 22.fws; set aside as set-aside/22.usr.1.",
    }
    assert not path.exists()
    assert not profiles.exists()
    assert aside(layout)["22.fws.1"] == broken
    assert problems(layout) == []
    assert [(one.ext, one.depth, one.cost_usd) for one in find_missing(layout)] == [
        ("fws", 3, 0.5),
        ("usr", 3, 0.5),
    ]


def test_what_is_downloaded_again_is_no_longer_missing(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "twt", RECORDS).unlink()
    assert repair(layout) == {"22/22.twt": "missing; the journal says so now."}
    assert problems(layout) == []
    assert repair(layout, 2) == {}
    assert len(find_missing(layout)) == 1
    path = made.store("22", "twt", RECORDS, line=False)
    made.journal.append(made.entry(path, measured(path), ended_at="2026-02-02T00:00:00.000Z"))
    assert find_missing(layout) == []
    assert problems(layout) == []


def test_a_user_who_cannot_be_downloaded_again_is_no_longer_missing(
    layout: Layout, made: DatasetWriter
) -> None:
    path = made.store("22", "fws", IDS)
    path.unlink()
    repair(layout)
    made.journal.append(
        made.entry(
            path,
            FileState(),
            file=None,
            ending=Ending.UNAVAILABLE,
            reason="deleted",
            ended_at="2026-02-02T00:00:00.000Z",
        )
    )
    assert find_missing(layout) == []


def test_a_copy_that_is_put_back_counts_again(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "fws", IDS)
    copy = path.read_bytes()
    path.unlink()
    repair(layout)
    path.write_bytes(copy)
    assert problems(layout) == ["22/22.fws: exists, though the journal says that it is lost."]
    assert "is as the journal line of" in repair(layout, 2)["22/22.fws"]
    assert problems(layout) == []
    assert find_missing(layout) == []


def test_an_older_copy_counts_as_what_it_is(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "fws", IDS[:9])
    copy = path.read_bytes()
    made.store("22", "fws", IDS[5:])
    path.write_bytes(copy)
    assert "is as the journal line of 2026-01-01T00:00:01.100Z" in repair(layout)["22/22.fws"]
    assert problems(layout) == []


def test_a_list_whose_profiles_are_lost_is_not_kept(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "fws", IDS)
    profiles = made.store("22", "usr", RECORDS)
    profiles.unlink()
    assert CompleteLists(layout).is_whole(path, most=None, since=None), "nobody has said that they are wanted"
    made.store("23", "fws", IDS).unlink()
    made.store("23", "usr", RECORDS).unlink()
    repair(layout)
    assert not CompleteLists(layout).is_whole(path, most=None, since=None)
    assert {(one.user_id, one.ext): one.cost_usd for one in find_missing(layout)} == {
        ("22", "usr"): 0.5,
        ("23", "fws"): 0.5,
        ("23", "usr"): 0.5,
    }


def test_a_file_without_a_line_takes_the_depth_of_its_targets_other_files(
    layout: Layout, made: DatasetWriter
) -> None:
    made.store("22", "twt", RECORDS)
    made.store("22", "fws", IDS, line=False)
    made.store("23", "fws", IDS, line=False)
    assert "has no line in the journal; set aside" in repair(layout, depth=7)["22/22.fws"]
    assert {one.user_id: one.depth for one in find_missing(layout)} == {"22": 3, "23": 7}


def test_a_death_before_it_is_moved_leaves_a_word_of_a_file_without_a_line(
    layout: Layout, made: DatasetWriter
) -> None:
    made.store("22", "twt", RECORDS)
    made.store("23", "fws", IDS, line=False)

    def die(name: str) -> None:
        if name == "quarantine.moved":
            raise KeyboardInterrupt

    faultpoint.arm(die)
    try:
        with pytest.raises(KeyboardInterrupt):
            repair(layout)
    finally:
        faultpoint.arm(None)
    assert repair(layout, 2) == {}
    assert [one.user_id for one in find_missing(layout)] == ["23"]


def test_proved_bytes_that_cannot_be_read_are_set_aside(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", [b"x"])
    assert repair(layout) == {
        "22/22.fws": "a line is not an id of 1 to 19 digits; set aside as set-aside/22.fws.1."
    }
    assert problems(layout) == []


def test_proved_records_that_are_odd_are_left_and_named(layout: Layout, made: DatasetWriter) -> None:
    path = made.store("22", "fws", [b"1", b"2"], line=False)
    made.journal.append(made.entry(path, measured(path), lines=3))
    [step] = steps(layout)
    assert step == Step(
        file="22/22.fws",
        sentence="has 2 lines, the journal says 3; left, as its journal line proves it.",
        left=True,
    )
    assert path.exists()


def test_profiles_of_strangers_are_set_aside(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", IDS[:5])
    made.store("22", "usr", RECORDS[:6])
    assert "1 profiles are of users who are not in 22.fws; set aside as" in repair(layout)["22/22.usr"]
    assert problems(layout) == []


def test_strays_of_any_name_are_quarantined(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", IDS)
    for name in (b"22/\x1b[31m\n\xff.fws", b"22/" + b"n" * 250 + b".usr", b"9/22.fws"):
        path = Path(os.fsdecode(os.fsencode(layout.output) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"stray")
    (layout.output / "22" / "22.twt").mkdir()
    said = steps(layout)
    assert len(said) == 4
    assert all(step.file.isprintable() and step.sentence.isprintable() for step in said)
    assert problems(layout) == []
    assert len(list(layout.quarantine.iterdir())) == 4


def test_a_torn_journal_is_whole_again(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", IDS)
    path = layout.journal("w")
    whole = path.read_bytes()
    path.write_bytes(whole + b"junk\n" + whole[:60])
    [step] = steps(layout)
    assert step.file == "journal/w.jsonl"
    assert step.sentence == "2 lines that were no entries are out of it; all of it is in set-aside/w.jsonl.1."
    assert path.read_bytes() == whole
    assert aside(layout) == {"w.jsonl.1": whole + b"junk\n" + whole[:60]}
    assert problems(layout) == []


def test_a_line_that_lacks_only_its_end_is_ended(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", IDS)
    path = layout.journal("w")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    [step] = steps(layout)
    assert step.sentence.startswith("its last line is ended")
    assert path.read_bytes() == whole
    assert problems(layout) == []


def test_an_endless_line_is_taken_out(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "fws", IDS)
    path = layout.journal("w")
    whole = path.read_bytes()
    path.write_bytes(b"x" * 300_000 + b"\n" + whole)
    assert steps(layout)[0].sentence.startswith("1 lines")
    assert path.read_bytes() == whole


@pytest.mark.parametrize("how", ["gone", "empty", "unreadable"])
def test_without_a_journal_nothing_is_touched(layout: Layout, made: DatasetWriter, how: str) -> None:
    path = made.store("22", "fws", IDS)
    journal = layout.journal("w")
    if how == "gone":
        journal.unlink()
    elif how == "empty":
        journal.write_bytes(b"junk\n")
    else:
        (layout.journals / "loop.jsonl").symlink_to("/proc/self/mem")
    with pytest.raises(StorageUnavailable, match="journal"):
        steps(layout)
    assert path.exists()
    assert not layout.quarantine.exists()


def test_what_a_job_has_yet_to_write_down_is_left_to_it(layout: Layout, made: DatasetWriter) -> None:
    made.store("22", "twt", RECORDS)
    path = made.store("23", "fws", IDS, line=False)
    [step] = steps(layout, unfinished={"23/23.fws"})
    assert step.left
    assert "its job has not finished" in step.sentence
    assert path.exists()


def test_a_dataset_in_use_is_not_repaired(layout: Layout, made: DatasetWriter) -> None:
    with pytest.raises(StorageUnavailable, match="is running on this dataset"), exclusive(layout.output):
        pass
    made.journal.close()
    with exclusive(layout.output):
        with pytest.raises(StorageUnavailable, match="--repair"):
            Journal(layout.journal("late"))
        with pytest.raises(StorageUnavailable, match="is running on this dataset"), exclusive(layout.output):
            pass
    Journal(layout.journal("late")).close()


def test_a_full_volume_stops_a_repair_that_continues_when_there_is_room(small_volume: Path) -> None:
    layout = Layout(small_volume / "data", small_volume / "data" / ".tmp")
    layout.prepare()
    made = DatasetWriter(layout)
    path = made.store("22", "fws", IDS)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(1000))
    made.journal.close()
    filler = small_volume / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    with pytest.raises(StorageUnavailable, match="full"):
        steps(layout)
    assert path.read_bytes() == whole + bytes(1000)
    filler.unlink()
    steps(layout)
    assert path.read_bytes() == whole
    assert problems(layout) == []


def test_a_checkpoint_is_covered_by_its_part_file_or_by_the_placed_files(layout: Layout) -> None:
    def found(checkpoint: Checkpoint, module: Module = Module.TIMELINE) -> list[str]:
        return placed_files(layout, "c", module, "22", checkpoint)

    path, final = layout.part("c", "p", "twt"), layout.file("22", "twt")
    with PartFile.begin(path) as part:
        state = part.append(member([b"1"]), 1)
    begun = Checkpoint(part="p", files={"twt": state}, token="t")
    ended = Checkpoint(part="p", files={"twt": state}, ended=Ending.COMPLETE)
    assert found(Checkpoint()) == found(begun) == found(ended) == []
    path.write_bytes(path.read_bytes() + b"torn")
    assert found(begun) == []
    path.write_bytes(path.read_bytes()[: state.size])
    commit(path, final)
    assert found(ended) == ["22/22.twt"]
    with pytest.raises(CorruptFile):
        found(begun)
    final.write_bytes(final.read_bytes() + member([b"0"]))
    assert found(ended, Module.UPDATE) == ["22/22.twt"]
    with pytest.raises(CorruptFile):
        found(ended)
    final.unlink()
    with pytest.raises(CorruptFile):
        found(ended)
