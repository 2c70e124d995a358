import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.library.names import split_names
from auralis_trio.library.text import clean


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Nina Simone", ("Nina Simone",)),
        ("Nina; Bob", ("Nina", "Bob")),
        ("Nina / Bob", ("Nina", "Bob")),
        ("Nina/Bob", ("Nina", "Bob")),
        ("Nina feat. Bob ft. Eve featuring Ann", ("Nina", "Bob", "Eve", "Ann")),
        ("AC/DC", ("AC/DC",)),
        ("ac/dc / Bob", ("ac/dc", "Bob")),
        ("AC/DC & Friends; M/A/R/R/S", ("AC/DC & Friends", "M/A/R/R/S")),
        ("Earth, Wind & Fire", ("Earth, Wind & Fire",)),
        ("Nina; NINA", ("Nina",)),
        ("MAC/DCX", ("MAC", "DCX")),
        (";", (";",)),
        ("Left Feature", ("Left Feature",)),
        ("<b>Bold</b>", ("<b>Bold</b>",)),
        ("<b>Bold/Brave</b> / <br/>Bob feat. </i>", ("<b>Bold/Brave</b>", "<br/>Bob", "</i>")),
        ("</script><script src=//x.y/z>", ("</script><script src=//x.y/z>",)),
        ("1 < 2/2 > 1", ("1 < 2", "2 > 1")),
        ("Simon &amp; Garfunkel; Bob &#39;n&#x27; Eve", ("Simon &amp; Garfunkel", "Bob &#39;n&#x27; Eve")),
        ("https://nina.example/music; Bob", ("https://nina.example/music", "Bob")),
        ("R & B; Bob", ("R & B", "Bob")),
    ],
)
def test_a_display_name_is_taken_apart_where_it_stands_for_several(text: str, names: tuple[str, ...]) -> None:
    assert split_names(text) == names


@given(st.text(min_size=1).map(clean).filter(bool))
def test_any_name_gives_names_none_of_which_is_empty(text: str) -> None:
    assert all(split_names(text))
