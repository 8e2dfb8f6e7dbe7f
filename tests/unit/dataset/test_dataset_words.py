"""The words of bios that a community prefers."""

from twittomatic.dataset.summary.words import Bios, words


def test_words_are_lower_case_without_links_numbers_and_short_words() -> None:
    bio = "PhD student @UniPisa | #SNA &amp; R, it's 2024 https://t.co/Ab3_x L'Aquila 猫が好き 東京 -- _x_"
    assert words(bio) == {"phd", "student", "@unipisa", "#sna", "it's", "l'aquila", "猫が好き", "東京"}


def test_a_word_stands_out_if_it_is_significantly_more_frequent() -> None:
    bios = Bios(2)
    for number in range(400):
        group = number % 2
        bios.add(f"the {'network science' if group == 0 and number < 100 else 'coffee'}", group)
    for number in range(60):
        bios.add(f"the train {'tea' if number % 3 else 'milk'}", number % 2 if number < 40 else None)

    first, second = bios.preferred(3)

    assert [word.text for word in first if word.stands_out] == ["network", "science"]
    assert first[0].users == 50
    assert first[0].lift == 2.09  # 50 of 220 bios of the group, 50 of all 460
    assert [word.text for word in second if word.stands_out] == ["coffee"]
    assert "the" not in {word.text for word in (*first, *second)}


def test_groups_without_bios_prefer_no_word() -> None:
    bios = Bios(2)
    bios.add("", 0)
    bios.add("alone here", None)
    assert bios.preferred(5) == [(), ()]
