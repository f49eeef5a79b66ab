"""Minimal pairs: two sentences that differ in their last word, which decides what "it" is (lab `bert`).

Each set has twenty, written before any of its sentences was given to a model; none was left out or changed afterwards.
`FITS_BOTH` was written first: most of its last words could be said of both nouns (a trophy and a suitcase are big or small),
so that one has to know what the sentence says about the two. What a head did with it suggested `GOES_WITH_ONE`, whose last
words go with one of the nouns (milk is sour, a cat is sleepy): to read two words together is enough. Such pairs come from
Winograd 1972 and Levesque et al. 2012, "The Winograd Schema Challenge"; the trophy is theirs.
"""

from typing import NamedTuple


class MinimalPair(NamedTuple):
    """Two sentences.

    Args:
        first: the noun that "it" is in the first sentence, and `second` that of the second.
        begin: what both begin with, up to the last word.
        last: the last word of each.
    """

    first: str
    second: str
    begin: str
    last: tuple[str, str]

    @property
    def sentences(self) -> tuple[str, str]:
        return f"{self.begin} {self.last[0]}.", f"{self.begin} {self.last[1]}."


def pairs_from(lines: str) -> list[MinimalPair]:
    """A pair from each line: the two nouns, the beginning, the two last words."""
    parts = [line.strip().split(" | ") for line in lines.strip().splitlines()]
    return [MinimalPair(first, second, begin, (one, other)) for first, second, begin, one, other in parts]


GOES_WITH_ONE = pairs_from("""
    cat | milk | The cat did not drink the milk because it was | sleepy | sour
    dog | bread | The dog did not eat the bread because it was | sick | stale
    bird | seed | The bird did not eat the seed because it was | scared | rotten
    cow | river | The cow did not cross the river because it was | tired | deep
    wolf | cave | The wolf did not enter the cave because it was | afraid | dark
    mouse | wall | The mouse did not climb the wall because it was | lazy | high
    bear | lake | The bear did not swim in the lake because it was | old | frozen
    goat | grass | The goat did not eat the grass because it was | ill | dry
    sheep | road | The sheep did not cross the road because it was | nervous | busy
    rabbit | hole | The rabbit did not leave the hole because it was | shy | warm
    lion | desert | The lion did not cross the desert because it was | hungry | hot
    fox | house | The fox did not enter the house because it was | clever | locked
    duck | pond | The duck did not swim in the pond because it was | injured | polluted
    elephant | bridge | The elephant did not cross the bridge because it was | stubborn | broken
    monkey | tree | The monkey did not climb the tree because it was | sleepy | slippery
    donkey | cart | The donkey did not pull the cart because it was | exhausted | overloaded
    snake | field | The snake did not cross the field because it was | wounded | muddy
    kitten | bed | The kitten did not sleep on the bed because it was | frightened | wet
    pig | soup | The pig did not eat the soup because it was | full | salty
    hen | water | The hen did not drink the water because it was | ill | dirty
""")

FITS_BOTH = pairs_from("""
    trophy | suitcase | The trophy did not fit in the suitcase because it was too | big | small
    truck | bridge | The truck could not cross the bridge because it was too | heavy | weak
    ball | window | The ball broke the window because it was so | heavy | thin
    dog | rabbit | The dog could not catch the rabbit because it was too | slow | fast
    ship | harbor | The ship could not enter the harbor because it was too | large | shallow
    knife | rope | The knife could not cut the rope because it was too | blunt | thick
    snake | egg | The snake could not swallow the egg because it was too | small | large
    car | garage | The car did not fit into the garage because it was too | wide | narrow
    boat | bridge | The boat could not pass the bridge because it was too | tall | low
    fox | cheese | The fox could not reach the cheese because it was too | short | high
    lamp | hall | The lamp could not light the hall because it was too | weak | huge
    bird | nut | The bird could not eat the nut because it was too | tired | hard
    wolf | bear | The wolf did not attack the bear because it was too | scared | strong
    plane | island | The plane could not land on the island because it was too | big | small
    cow | water | The cow did not drink the water because it was too | sick | dirty
    table | door | The table did not go through the door because it was too | wide | narrow
    mouse | cheese | The mouse could not pull the cheese because it was too | weak | heavy
    book | shelf | The book did not fit on the shelf because it was too | tall | low
    robot | stone | The robot could not lift the stone because it was too | weak | heavy
    lion | meat | The lion did not eat the meat because it was too | full | salty
""")
