from hypothesis import given
from hypothesis import strategies as st

from twittomatic.emulator.madeup.profiles import ProfileCounts, ProfileMaker
from twittomatic.emulator.x.fields import USER_FIELDS

ORDINALS = st.integers(0, 2**30 - 1)


@given(st.integers(), ORDINALS)
def test_a_username_finds_its_owner_in_any_case(seed: int, ordinal: int) -> None:
    maker = ProfileMaker(seed)
    name = maker.username(ordinal)
    assert len(name) <= 15
    assert name.replace("_", "").isalnum()
    assert maker.ordinal(name.upper()) == ordinal
    assert maker.ordinal(name.lower()) == ordinal


@given(st.integers(), st.text(max_size=15))
def test_other_names_have_no_owner(seed: int, name: str) -> None:
    maker = ProfileMaker(seed)
    ordinal = maker.ordinal(name)
    assert ordinal is None or maker.username(ordinal).lower() == name.lower()


def test_profiles_are_as_varied_as_people() -> None:
    maker = ProfileMaker(1)
    profiles = [maker.make(i, i, ProfileCounts(5, 6, 7), newest_post=9) for i in range(2000)]
    for optional in ("description", "location", "url", "entities", "profile_banner_url", "pinned_tweet_id"):
        share = sum(optional in profile for profile in profiles) / len(profiles)
        assert 0.1 < share < 0.9, optional
    assert any("\n" in profile.get("description", "") for profile in profiles)
    assert any("withheld" in profile for profile in profiles)
    assert set().union(*profiles) <= set(USER_FIELDS)


def test_tagged_words_of_a_profile_stand_where_they_say() -> None:
    maker = ProfileMaker(1)
    seen = set()
    for i in range(500):
        profile = maker.make(i, i, ProfileCounts(0, 0, 0))
        for kind, found in profile.get("entities", {}).get("description", {}).items():
            for entity in found:
                words = profile["description"][entity["start"] : entity["end"]]
                assert words == (f"#{entity['tag']}" if kind == "hashtags" else f"@{entity['username']}")
                seen.add(words)
    assert {"@unipisa", "#NetworkScience", "@ExampleCorp", "#SNA"} <= seen
