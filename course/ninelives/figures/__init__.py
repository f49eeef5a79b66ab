"""The pictures of the course, and what they are made from.

A function that draws returns a `Picture`: drawing, caption, words. The others read attention from a model
(`attention_of`, `attention_parts`, `as_attention`), say in words what a picture shows (`describe_attention`,
`describe_training`, `read_row`), or prepare labels (`readable`, `number_repeats`, `position_of`, `whose`, `is_the_packages`).
"""

from ninelives.figures.any_model import attention_of
from ninelives.figures.attention import as_attention
from ninelives.figures.bars import distribution, distributions
from ninelives.figures.compare import wanted_and_yours
from ninelives.figures.curves import curves
from ninelives.figures.descent import descent
from ninelives.figures.gradient import future_leak
from ninelives.figures.heatmap import head_grid, heatmap
from ninelives.figures.masks import mask, masks_side_by_side
from ninelives.figures.parts import AttentionPart, attention_parts
from ninelives.figures.picture import Picture
from ninelives.figures.sentences import known_pieces, sentence_similarity
from ninelives.figures.shapes import shape_diagram
from ninelives.figures.similarity import position_similarity, table_picture
from ninelives.figures.style import number_repeats
from ninelives.figures.subwords import readable
from ninelives.figures.tokens import token_row
from ninelives.figures.training import describe_training, training_curves
from ninelives.figures.two_columns import two_columns
from ninelives.figures.whose import is_the_packages, whose
from ninelives.figures.why import why_this_weight
from ninelives.figures.words import describe_attention, position_of, read_row

__all__ = [
    "AttentionPart",
    "Picture",
    "as_attention",
    "attention_of",
    "attention_parts",
    "curves",
    "descent",
    "describe_attention",
    "describe_training",
    "distribution",
    "distributions",
    "future_leak",
    "head_grid",
    "heatmap",
    "is_the_packages",
    "known_pieces",
    "mask",
    "masks_side_by_side",
    "number_repeats",
    "position_of",
    "position_similarity",
    "read_row",
    "readable",
    "sentence_similarity",
    "shape_diagram",
    "table_picture",
    "token_row",
    "training_curves",
    "two_columns",
    "wanted_and_yours",
    "whose",
    "why_this_weight",
]
