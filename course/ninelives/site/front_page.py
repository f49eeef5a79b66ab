"""The front page of the site: one sentence, followed from its words to its pronoun, computed in the page.

What the page shows before its JavaScript runs, the still picture and its words, is computed here, by PyTorch.
"""

import base64
import html
import json
import re
import shutil
from functools import cache
from pathlib import Path
from string import Template

import nbformat
import numpy as np
import torch
from matplotlib.colors import to_hex

from ninelives import weights
from ninelives.build import ROOT
from ninelives.figures.attention_picture import attention_picture
from ninelives.figures.picture import Picture
from ninelives.figures.style import ACCENT, SIGNED_MAP, WEIGHTS_MAP
from ninelives.model import prefix_generation
from ninelives.progress import LABS
from ninelives.site.address import NAME, REPOSITORY, SITE, binder, colab
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import BONUS, every_word, parse
from ninelives.text.lexicon import ADJECTIVES, ANIMALS, DISHES, OF_THE_EATER, VERBS, WISHES
from ninelives.training.batches import translation_batch
from ninelives.widgets.inline import inlined
from ninelives.widgets.page_network import as_script, name_of, packed_translator

FRONT = Path(__file__).with_name("front")
CARD = FRONT / "card.png"  # for links to the site; docs/pictures.py makes it
FIRST = {"first": "cat", "verb": "eat", "voice": "active", "second": "hen", "dish": "", "reason": "full"}
SENTENCE = "the cat did not want to eat because it was full"
LAYER, HEAD = 1, 3
GUESSES = 40  # sentences, about two animals that never met in training
MEASURED = {"held out": 1000, "bonus": 400}  # sentences, on the card of the weights
TURNS = "the dog followed the hen because it was kind"  # its pronoun turns when the encoder's first layer is out
NONSENSE = ("because because because", "because it was full the cat did not want to eat", "the soup did not want to eat the cat because it was salty")
DESCRIPTION = ("Change a word and see il become elle: a small Transformer that runs in the page, followed step by step, and the nine "
               "notebooks in which you build it.")


def write_front_page(site: Path) -> None:
    """Write the page, its script and the translator into the folder of a site."""
    name, network = _network()
    files = {
        "index.html": front_page(),
        "_static/front.js": front_script(),
        f"_static/networks/{name}.js": as_script(name, network),
        "404.html": Template((FRONT / "missing.html").read_text(encoding="utf-8")).substitute(site=SITE),  # a server shows it at any address
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    shutil.copy(CARD, site / "_static" / CARD.name)


@cache
def _network() -> tuple[str, dict]:
    """The translator for a page, by the name that it has on the pages of labs as well."""
    model, tokenizer = weights.load("translator")
    network = packed_translator(model, tokenizer, WordTokenizer(every_word("english")))
    return name_of(network), network


def front_page() -> str:
    """The page as HTML."""
    table, minutes = _shelf()
    return Template((FRONT / "page.html").read_text(encoding="utf-8")).substitute(
        _still() | _measured(),
        description=html.escape(DESCRIPTION), sentence=SENTENCE, style=(FRONT / "style.css").read_text(encoding="utf-8"),
        repository=REPOSITORY, folder=NAME, site=SITE, binder=binder("release/01-embeddings/01-embeddings.ipynb"),
        colab=colab("notebooks/01-embeddings.ipynb"),
        card_words=html.escape(card_words()), notebooks=table, hours=f"{minutes // 60}",
        disk=re.search(r"takes ([\d.]+ GB) of disk", (ROOT / "README.md").read_text(encoding="utf-8"))[1],
        labs=_labs(), guesses=GUESSES, network=_network()[0],
        data=json.dumps(page_data(), ensure_ascii=False).replace("<", "\\u003c"),
    )


def front_script() -> str:
    """The page's JavaScript in one text. It is no module, since a browser loads none from disk."""
    return f"(() => {{\n{inlined(FRONT / 'index.js')}}})();\n"


def page_data() -> dict:
    """What the page knows besides the network: the words of the grammar, sentences to guess, colours."""
    return {
        "lexicon": {
            "animals": {noun.english: noun.gender for noun in ANIMALS},
            "verbs": {verb: {"agent": entry.of_the_agent, "patient": entry.of_the_patient} for verb, entry in VERBS.items()},
            "wishes": {verb: list(dict.fromkeys(reasons)) for verb, (_, reasons) in WISHES.items()},
            "dishes": {dish.english: {"gender": dish.gender, "reasons": reasons} for dish, reasons in DISHES.items()},
            "eater": list(OF_THE_EATER),
            "unread": sorted(BONUS),
            "french": {
                "nouns": {noun.english: noun.french for noun in (*ANIMALS, *DISHES)},
                "participles": {verb: entry.participle for verb, entry in VERBS.items()},
                "infinitives": {verb: infinitive for verb, (infinitive, _) in WISHES.items()},
                "adjectives": ADJECTIVES,
            },
        },
        "network": _network()[0],
        "first": FIRST,
        "heldOut": [sentence.english for sentence in sentences("held out", GUESSES)],
        "wrong": list(dict.fromkeys(wrong_sentences())),
        "nonsense": NONSENSE,
        "turns": TURNS,
        "colours": {"signed": [to_hex(colour) for colour in SIGNED_MAP(np.linspace(0, 1, 101))],
                    "weights": [to_hex(colour) for colour in WEIGHTS_MAP(np.linspace(0, 1, 101))], "accent": ACCENT},
    }


@cache
def wrong_sentences() -> list[str]:
    """The sentences on which the translator was measured and that it translates wrong, as often as they were drawn."""
    model, tokenizer = weights.load("translator")
    drawn = [sentence for split, n in MEASURED.items() for sentence in sentences(split, n)]
    prefix, targets = translation_batch(drawn, tokenizer)  # (B, P), (B, T)
    answers = prefix_generation(model, prefix, targets.shape[1], temperature=0, end_token=tokenizer.end_token)  # (B, N)
    return [sentence.english for sentence, answer in zip(drawn, answers) if tokenizer.decode(answer) != sentence.french]


@cache
def card_words() -> str:
    """The social card in words."""
    row, french, _ = _computed()
    most = int(row.argmax())
    return f"{SENTENCE.capitalize()}. “It” attends to “{SENTENCE.split()[most]}” with a weight of {row[most]:.2f}; the French is: {french}."


def _computed() -> tuple[torch.Tensor, str, list[float]]:
    """The row of "it" in the head that is shown first, (T), the French, and the probabilities of "il" and "elle" in it."""
    model, tokenizer = weights.load("translator")
    idx = tokenizer.encode(SENTENCE).unsqueeze(0)  # (1, T)
    row = model.encoder.attentions(idx)[LAYER][0, HEAD, SENTENCE.split().index("it")]  # (T)
    answer = prefix_generation(model, idx, 32, temperature=0, end_token=tokenizer.end_token)  # (1, N)
    with torch.no_grad():
        logits, _ = model(idx, answer)  # (1, T + N, V)
    words = [tokenizer.words[token] for token in answer[0].tolist()]
    at = next(k for k, word in enumerate(words) if word in ("il", "elle"))
    chances = logits[0, idx.shape[1] - 1 + at].softmax(-1)  # (V)
    return row, tokenizer.decode(answer[0]), [chances[tokenizer.ids[word]].item() for word in ("il", "elle")]


def _still() -> dict[str, str]:
    """What the page shows without JavaScript, by the name of its place."""
    row, french, chances = _computed()
    words, it = SENTENCE.split(), SENTENCE.split().index("it")
    tokens = " ".join(
        f'<span class="token{" it" if k == it else ""}" style="--w: {weight:.4f}"><span class="shown">{word}</span><b aria-hidden="true">'
        f'{f"{weight:.2f}" if weight >= 0.005 else ""}</b></span>' for k, (word, weight) in enumerate(zip(words, row.tolist())))
    pronoun = re.search(r"\b(il|elle)\b", french)[0]
    written = re.sub(rf"\b{pronoun}\b", f'<em class="pronoun">{pronoun}</em>', html.escape(french, quote=False))
    bars = "".join(
        f'<span class="chance{" chosen" if word == pronoun else ""}"><span lang="fr">{word}</span><span class="bar" style="--share: {chance:.4f}">'
        f"<i></i><b>{chance:.2f}</b></span></span>" for word, chance in zip(("il", "elle"), chances))
    meant, most = parse(SENTENCE), int(row.argmax())
    reading = (f"In head {HEAD + 1} of layer {LAYER + 1}, “it” attends most to “{words[most]}”, with a weight of {row[most]:.2f}. “It” is the "
               f"{meant.antecedent}, and French says “{meant.pronoun}”: so does the network, with a probability of {max(chances):.2f}.")
    return {"still_english": f'<span class="words">{tokens}</span>', "still_french": written, "french": html.escape(french, quote=False),
            "still_chances": bars, "still_reading": reading, "still_picture": _image(still_picture())}


def still_picture() -> Picture:
    """The head that is shown first, on the cat's sentence."""
    model, tokenizer = weights.load("translator")
    head = model.encoder.attentions(tokenizer.encode(SENTENCE).unsqueeze(0))[LAYER][0, HEAD].numpy()  # (T, T)
    words = SENTENCE.split()
    it = words.index("it")
    alt = f"Each word of the sentence, and how much it attends to each other. “It” attends to “{words[int(head[it].argmax())]}”, {head[it].max():.2f}."
    return attention_picture(head, np.ones_like(head, bool), words, words, title=f"Layer {LAYER + 1}, head {HEAD + 1}", caption="", alt=alt, chosen=[it])


def _image(picture: Picture) -> str:
    data, _ = picture.outputs()[0]["data"], None
    encoded = data["image/png"] if isinstance(data["image/png"], str) else base64.b64encode(data["image/png"]).decode()
    return f'<img class="still" alt="{html.escape(picture.alt)}" src="data:image/png;base64,{encoded.strip()}">'


def _measured() -> dict[str, str]:
    """What the cards of the weights say, for the page's sentences about them."""
    card = weights.card("translator")
    encoder, figures = card["configs"][0], card["figures"]["float16"]
    met, unread = (round(n * figures[f"whole sentence right, {n:,} {split.replace(' ', '-')} sentences"]) for split, n in MEASURED.items())
    of_met, of_unread = MEASURED.values()
    return {"parameters": f"{sum(size for _, size in _network()[1]['tensors']):,}", "heads": str(encoder["n_layer"] * encoder["n_head"]), "iterations": f"{card['recipe']['max_iters']:,}",
            "encoder_iterations": f"{weights.card('antecedent')['recipe']['max_iters']:,}", "english_words": str(len(every_word("english"))),
            "measured": f"{of_met:,}", "right": f"{met:,}", "wrong": f"{of_met - met:,}", "percent": f"{100 * met / of_met:g}%",
            "unread": f"{of_unread:,}", "unread_right": f"{unread:,}", "unread_wrong": f"{of_unread - unread:,}"}


def _labs() -> str:
    """A link to each lab."""
    titles = {path.stem: re.search(r"^# Lab · (.+)$", nbformat.read(path, as_version=4).cells[0].source, re.MULTILINE)[1]
              for path in (ROOT / "release" / "labs" / f"{name}.ipynb" for name in LABS)}
    return " · ".join(f'<a href="labs/{name}.html">{html.escape(title)}</a>' for name, title in titles.items())


def _shelf() -> tuple[str, int]:
    """The notebooks as items of a list, and their minutes in all."""
    items, total = [], 0
    for path in sorted(ROOT.glob("release/[0-9]*/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        number, title = re.search(r"^# (\d) · (.+)$", text, re.MULTILINE).groups()
        question = re.search(r"\*\*([^*]+\?)\*\*", text, re.DOTALL)[1].replace("\n", " ")
        question = re.sub(r'"([^"]*)"', r"“\1”", question)
        minutes = int(re.search(r"^\| *Time *\| *about (\d+) minutes", text, re.MULTILINE)[1])
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade"))
        total += minutes
        items.append(f'    <li><a href="notebooks/{path.stem}.html"><span class="number">{number}</span><strong>{html.escape(title)}</strong>'
                     f"<span>{html.escape(question)}</span><small>{minutes} minutes · {points:g} points</small></a></li>")
    return "\n".join(items), total
