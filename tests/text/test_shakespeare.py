import pytest

from ninelives.text.shakespeare import HELD_OUT, encode, plays, split, tokenizer_of, without_markdown


@pytest.fixture(scope="module")
def all_plays():
    return plays()


def test_a_play_loses_its_markdown_and_keeps_its_lines():
    markdown = "# Hamlet\n\n### SCENE I. A room.\n\n_Enter HAMLET_\n\n**HAMLET**  \n_\\[Aside]_  \nA little more than kin,  \nand less.\n"
    assert without_markdown(markdown) == "Hamlet\n\nSCENE I. A room.\n\nEnter HAMLET\n\nHAMLET\n[Aside]\nA little more than kin,\nand less.\n\n"


def test_the_plays_hold_well_known_lines_and_no_markdown(all_plays):
    assert "To be, or not to be: that is the question:" in all_plays["hamlet"]
    assert list(all_plays) == sorted(all_plays)
    assert [name for name, text in all_plays.items() if "**" in text or "_" in text or "\\" in text or "\n#" in text] == []


def test_two_whole_plays_are_held_out_and_nothing_else(all_plays):
    train, held_out = split(all_plays)
    assert held_out == "".join(all_plays[name] for name in HELD_OUT)
    assert len(train) + len(held_out) == sum(map(len, all_plays.values()))
    assert "Out, damned spot" in held_out and "Out, damned spot" not in train


def test_text_comes_back_as_it_was_capital_letters_included(all_plays):
    tokenizer = tokenizer_of(all_plays)
    text = "MACBETH\nTo-morrow, and to-morrow."
    assert tokenizer.decode(encode(text, tokenizer)) == text
    with pytest.raises(ValueError, match="the character 'ß' is in none of the plays"):
        encode("Straße", tokenizer)
