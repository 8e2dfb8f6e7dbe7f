import pytest

from twittomatic.emulator.faults import NoFaults
from twittomatic.emulator.seededfaults import parse_faults


@pytest.mark.parametrize("spec", ["", "none", " None "])
def test_no_faults_can_be_asked_for(spec: str) -> None:
    assert isinstance(parse_faults(spec), NoFaults)


def test_anything_else_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="there is no fault .nonsense."):
        parse_faults("nonsense")
