"""The words of the cat's sentences, English and French.

No French word here makes another one lose its vowel: nouns begin with a
consonant and take "le" or "la", and infinitives do and take "ne". Every verb has
a direct object in both languages, and forms its past with "avoir". Only "lion"
is a word of both languages.
"""

from typing import NamedTuple


class Noun(NamedTuple):
    english: str
    french: str
    gender: str  # "m" or "f"


class Adjective(NamedTuple):
    masculine: str
    feminine: str


class Verb(NamedTuple):
    """A verb, and reasons for it that make sense in either language.

    "The hen followed the dog because it was lost": the hen, who acts, was lost.
    "The hen followed the dog because it was wise": the dog, who is followed, was wise.
    No reason is on both sides of one verb.
    """

    participle: str  # French, masculine; the feminine adds an e
    of_the_agent: tuple[str, ...]
    of_the_patient: tuple[str, ...]


ANIMALS = (
    Noun("cat", "chat", "m"),
    Noun("dog", "chien", "m"),
    Noun("rabbit", "lapin", "m"),
    Noun("horse", "cheval", "m"),
    Noun("wolf", "loup", "m"),
    Noun("fox", "renard", "m"),
    Noun("duck", "canard", "m"),
    Noun("pig", "cochon", "m"),
    Noun("lion", "lion", "m"),
    Noun("tiger", "tigre", "m"),
    Noun("monkey", "singe", "m"),
    Noun("parrot", "perroquet", "m"),
    Noun("cow", "vache", "f"),
    Noun("mouse", "souris", "f"),
    Noun("hen", "poule", "f"),
    Noun("goat", "chèvre", "f"),
    Noun("frog", "grenouille", "f"),
    Noun("turtle", "tortue", "f"),
    Noun("giraffe", "girafe", "f"),
    Noun("ant", "fourmi", "f"),
    Noun("owl", "chouette", "f"),
    Noun("magpie", "pie", "f"),
    Noun("stork", "cigogne", "f"),
    Noun("panther", "panthère", "f"),
)

REASONS = {
    "alone": Adjective("seul", "seule"),
    "angry": Adjective("furieux", "furieuse"),
    "brave": Adjective("courageux", "courageuse"),
    "busy": Adjective("occupé", "occupée"),
    "curious": Adjective("curieux", "curieuse"),
    "hungry": Adjective("affamé", "affamée"),
    "hurt": Adjective("blessé", "blessée"),
    "jealous": Adjective("jaloux", "jalouse"),
    "kind": Adjective("gentil", "gentille"),
    "lost": Adjective("perdu", "perdue"),
    "old": Adjective("vieux", "vieille"),
    "poor": Adjective("pauvre", "pauvre"),
    "rich": Adjective("riche", "riche"),
    "rude": Adjective("impoli", "impolie"),
    "sad": Adjective("triste", "triste"),
    "scared": Adjective("effrayé", "effrayée"),
    "shy": Adjective("timide", "timide"),
    "slow": Adjective("lent", "lente"),
    "small": Adjective("petit", "petite"),
    "strong": Adjective("fort", "forte"),
    "tired": Adjective("fatigué", "fatiguée"),
    "weak": Adjective("faible", "faible"),
    "wise": Adjective("sage", "sage"),
    "young": Adjective("jeune", "jeune"),
}


def _verb(participle: str, of_the_agent: str, of_the_patient: str) -> Verb:
    return Verb(participle, tuple(of_the_agent.split()), tuple(of_the_patient.split()))


VERBS = {
    "avoided": _verb("évité", "shy busy tired small weak scared", "rude angry jealous strong"),
    "called": _verb("appelé", "lost hurt alone weak hungry sad scared", "strong wise brave kind"),
    "carried": _verb("porté", "strong kind", "tired hurt small slow weak old young"),
    "chased": _verb("poursuivi", "hungry angry curious jealous brave", "small slow weak rude"),
    "comforted": _verb("consolé", "kind wise", "sad hurt lost alone scared"),
    "defended": _verb("défendu", "brave strong", "small weak shy alone young hurt old scared"),
    "envied": _verb("envié", "poor sad alone weak slow small old", "rich strong brave wise young"),
    "fed": _verb("nourri", "kind rich", "hungry weak young poor old"),
    "followed": _verb("suivi", "lost curious alone young hungry jealous scared", "wise brave kind strong rich"),
    "guided": _verb("guidé", "wise kind brave", "lost young old weak"),
    "helped": _verb("aidé", "kind strong brave rich", "weak lost hurt tired slow small busy poor old"),
    "imitated": _verb("imité", "young jealous curious shy", "strong brave wise rich kind"),
    "scolded": _verb("grondé", "angry tired", "rude slow curious"),
    "teased": _verb("taquiné", "rude jealous", "shy slow small young"),
}

# "The cat did not want to eat because it was full": the verb, its French, and the reasons. A reason that is listed
# twice is drawn twice as often: readers of the course's sentence expect "full" before "sick".
WISHES = {
    "eat": ("manger", ("full", "full", "sick")),
    "play": ("jouer", ("busy", "sad", "tired")),
    "run": ("courir", ("hurt", "old", "tired")),
    "sing": ("chanter", ("sad", "shy")),
    "sleep": ("dormir", ("curious", "hungry")),
    "swim": ("nager", ("sick", "small", "tired")),
}

# "The cat did not want to eat the fish because it was rotten": the dish, and what can be wrong with it.
DISHES = {
    Noun("fish", "poisson", "m"): ("burnt", "rotten", "salty"),
    Noun("bread", "pain", "m"): ("burnt", "dry", "hard", "mouldy"),
    Noun("cheese", "fromage", "m"): ("dry", "hard", "mouldy", "salty"),
    Noun("meat", "viande", "f"): ("burnt", "dry", "rotten", "salty"),
    Noun("apple", "pomme", "f"): ("bitter", "hard", "rotten"),
    Noun("soup", "soupe", "f"): ("bitter", "salty"),
}

OF_THE_EATER = {
    "full": Adjective("rassasié", "rassasiée"),
    "sick": Adjective("malade", "malade"),
}

OF_THE_DISH = {
    "bitter": Adjective("amer", "amère"),
    "burnt": Adjective("brûlé", "brûlée"),
    "dry": Adjective("sec", "sèche"),
    "hard": Adjective("dur", "dure"),
    "mouldy": Adjective("moisi", "moisie"),
    "rotten": Adjective("pourri", "pourrie"),
    "salty": Adjective("salé", "salée"),
}

ADJECTIVES = REASONS | OF_THE_EATER | OF_THE_DISH
