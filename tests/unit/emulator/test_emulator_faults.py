import pytest

from twittomatic.emulator.faults import NoFaults, parse_faults


@pytest.mark.parametrize("spec", ["", "none", " None "])
def test_no_faults_can_be_asked_for(spec: str) -> None:
    assert isinstance(parse_faults(spec), NoFaults)


def test_anything_else_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="unknown faults '503'"):
        parse_faults("503")
