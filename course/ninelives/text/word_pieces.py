"""WordPiece: how BERT cuts a word into pieces that its vocabulary has (lab `bert`)."""

from collections.abc import Container

UNKNOWN, INSIDE = "[UNK]", "##"


def word_pieces(word: str, vocabulary: Container[str]) -> list[str]:
    """Cut a word into the longest pieces, from left to right.

    A piece that does not begin the word has ## before it, in the vocabulary and in what is returned. Source: Wu et al.
    2016, "Google's Neural Machine Translation System", section 4.1, and the code that comes with Devlin et al. 2018;
    the vocabulary itself is chosen as in Schuster & Nakajima 2012, "Japanese and Korean Voice Search".

    Args:
        word: without spaces, in the letters of the vocabulary (lower case, no accents).
        vocabulary: all pieces.

    Returns:
        The pieces, or ["[UNK]"] if nothing in the vocabulary begins what is left of the word.
    """
    pieces, start = [], 0
    while start < len(word):
        mark = INSIDE if start else ""
        ends = (end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary)
        end = next(ends, None)
        if end is None:
            return [UNKNOWN]
        pieces.append(mark + word[start:end])
        start = end
    return pieces
