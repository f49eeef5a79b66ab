import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from helpers.keyboard import press

SETUP = """
import torch, ipywidgets
from ninelives.figures import read_row
from ninelives.widgets import AttentionExplorer
sentence = "The cat did not want to eat because it was full".split()
it, cat, full = 8, 1, 10
def heads(*shape):
    return (2 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))).softmax(-1)
weights = heads(2, 3, 11, 11)
weights[1, 2, it] = 0.21 / 9
weights[1, 2, it, cat], weights[1, 2, it, full] = 0.71, 0.08
"""
CELLS = [
    SETUP,
    "explorer = AttentionExplorer(weights, sentence)\nexplorer",
    "first, second = AttentionExplorer(weights, sentence), AttentionExplorer(weights, sentence)\n"
    "link = ipywidgets.jslink((first, 'token'), (second, 'token'))\n"
    "ipywidgets.VBox([first, second])",
    "long = AttentionExplorer(heads(3, 2, 512, 512), (sentence * 47)[:512], token=300)\nlong",
    "AttentionExplorer(torch.ones(1, 1), ['cat'])",
    "AttentionExplorer(heads(2, 2, 4, 11), 'le chat est petit'.split(), sentence, token='chat')",
    "opened = AttentionExplorer(weights, sentence, token='it', to='cat', hidden=['full'], groups={'the end': range(8, 11)})\nopened",
    "from ninelives.figures import attention_parts\n"
    "causal = torch.randn(2, 2, 3, 3).masked_fill(torch.ones(3, 3).triu(1).bool(), -torch.inf).softmax(-1)\n"
    "both = AttentionExplorer({**attention_parts(heads(2, 2, 4, 4), 'the old chat slept'.split()),\n"
    "    'decoder': attention_parts(causal, 'le chat dort'.split())['attention']}, token='chat')\nboth",
    "rotten = AttentionExplorer(weights, [*sentence[:-1], 'rotten'], token='it', layer=1, head=2)\n"
    "pair = rotten.compare(AttentionExplorer(heads(2, 3, 11, 11).flip(0), sentence))\npair",
    "x = torch.randn(1, 2, 11, 4, generator=torch.Generator().manual_seed(0))\n"
    "caught = AttentionExplorer.of(torch.nn.functional.scaled_dot_product_attention, x, x, x, is_causal=True, tokens=sentence)\ncaught",
    "AttentionExplorer(x @ x.mT, sentence, kind='scores', token='it')",
]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("explorer.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def explorer(notebook):
    """The first explorer, at layer 1, head 1, with no word chosen and none hidden."""
    element = notebook.cell(1).locator(".nl-explorer")
    notebook.run("explorer.layer = explorer.head = 0; explorer.combine = ''; explorer.token = None; explorer.together = explorer.hidden = []")
    expect(element).to_have_attribute("data-drawn", re.compile("^0:0::"))
    return element


def set_slider(explorer, name: str, presses: int) -> None:
    press(explorer.get_by_role("slider", name=name), *["ArrowRight"] * presses)


def test_the_arrow_keys_choose_layer_and_head(notebook, explorer):
    set_slider(explorer, "Layer", 1)
    set_slider(explorer, "Head", 2)
    expect(explorer.locator(".nl-where")).to_have_text("Layer 1, head 2")
    assert notebook.run("print(explorer.layer, explorer.head)") == "1 2"


def test_the_arrow_keys_in_the_heatmap_read_a_row_out(notebook, explorer):
    notebook.run("explorer.layer, explorer.head = 1, 2")
    heatmap = explorer.locator(".nl-heat")
    press(heatmap, *["ArrowDown"] * 9)
    expect(explorer.locator(".nl-readout")).to_contain_text("it attends to cat 0.71, full 0.08")
    expect(explorer.get_by_role("status")).to_contain_text("it attends to cat 0.71, full 0.08")
    assert notebook.run("print(explorer.token)") == "8"
    press(heatmap, "ArrowRight", "ArrowRight")
    expect(explorer.get_by_role("status")).to_have_text("it attends to cat 0.71")
    press(heatmap, "Escape")
    assert notebook.run("print(explorer.token)") == "None"


def test_jupyterlab_swallows_no_key_and_acts_on_none(notebook, explorer):
    cells = len(notebook.outputs())
    press(explorer.locator(".nl-heat"), "ArrowDown", "a", "b", "d", "d", "x", "Enter", "ArrowDown")
    expect(explorer.locator(".nl-heat")).to_be_focused()
    assert len(notebook.outputs()) == cells
    assert notebook.run("print(explorer.token)") == "1"


def test_tab_reaches_every_control_and_the_focus_is_visible(explorer):
    page = explorer.page
    explorer.get_by_label("Show", exact=True).focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        role = page.evaluate(
            "document.activeElement.getAttribute('role') ?? document.activeElement.localName"
        )
        reached.append(role)
        assert style != "none", f"no focus ring on {role}"
    assert reached == ["input", "input", "summary", "application", "select", "select", "tab"]


def test_pointing_previews_a_row_and_a_click_keeps_it(notebook, explorer):
    notebook.run("explorer.layer, explorer.head = 1, 2")
    row = explorer.locator(".nl-reader", has_text=re.compile("^it$"))
    row.hover()
    expect(explorer.locator(".nl-readout")).to_contain_text("it attends to cat 0.71")
    assert notebook.run("print(explorer.token)") == "None"
    row.click()
    explorer.get_by_role("tab", name="All heads").hover()
    expect(explorer.locator(".nl-readout")).to_contain_text("it attends to cat 0.71")
    assert notebook.run("print(explorer.token)") == "8"
    explorer.get_by_role("button", name="Clear").click()
    expect(explorer.locator(".nl-readout")).not_to_contain_text("attends to cat")


def test_a_click_on_a_cell_of_the_heatmap_chooses_its_row(notebook, explorer):
    box = explorer.locator(".nl-heat canvas").bounding_box()
    x, y = box["x"] + box["width"] * 1.5 / 11, box["y"] + box["height"] * 8.5 / 11
    explorer.page.mouse.click(x, y)
    expect(explorer).to_have_attribute("data-drawn", "0:0:8:1")
    assert notebook.run("print(explorer.token)") == "8"


def test_the_grid_of_heads_is_chosen_from_by_mouse_and_keyboard(notebook, explorer):
    explorer.get_by_role("tab", name="All heads").click()
    explorer.get_by_role("gridcell", name="Layer 1, head 0").click()
    expect(explorer.locator(".nl-where")).to_have_text("Layer 1, head 0")
    explorer.get_by_role("gridcell", selected=True).press("ArrowRight")
    expect(explorer.locator(".nl-where")).to_have_text("Layer 1, head 1")
    assert notebook.run("print(explorer.layer, explorer.head)") == "1 1"


def test_heads_are_ranked_by_the_link_between_two_words(notebook, explorer):
    explorer.get_by_role("tab", name="Rank heads").click()
    explorer.get_by_label("From").select_option("it")
    explorer.get_by_label("to", exact=True).select_option("full")
    wanted = notebook.run(
        "links = weights[:, :, it, full].flatten().sort(descending=True)[0]\n"
        "print(*[f'{weight:.2f}' for weight in links])"
    )
    expect(explorer.locator(".nl-ranking b")).to_have_text(wanted.split())
    explorer.get_by_label("to", exact=True).select_option("cat")
    explorer.get_by_role("button", name="Layer 1, head 2").click()
    expect(explorer.locator(".nl-readout")).to_contain_text("it attends to cat 0.71")


def test_heads_are_ranked_by_the_link_that_was_asked_for_first(notebook):
    explorer = notebook.cell(6).locator(".nl-explorer")
    explorer.get_by_role("tab", name="Rank heads").click()
    expect(explorer.get_by_label("From")).to_have_value("8")
    expect(explorer.get_by_label("to", exact=True)).to_have_value("1")
    weights = "weights[:, :, it, cat] / (1 - weights[:, :, it, full])"  # "full" is hidden
    strongest = notebook.run(f"print(f'{{({weights}).max():.2f}}')")
    expect(explorer.locator(".nl-ranking b").first).to_have_text(strongest)


def test_heads_are_ranked_by_a_measure_and_shown_together(notebook, explorer):
    explorer.get_by_role("tab", name="Rank heads").click()
    explorer.get_by_label("Rank by").select_option("entropy")
    explorer.get_by_label("lowest first").check()
    wanted = notebook.run("print(*[f'{what[\"entropy\"]:.2f}' for what in sorted(explorer.measures().values(), key=lambda what: what['entropy'])])")
    expect(explorer.locator(".nl-ranking b")).to_have_text(wanted.split())
    expect(explorer.get_by_role("tabpanel")).to_contain_text("hidden ones included. In bits:")
    explorer.get_by_label("Show", exact=True).select_option("rollout")
    expect(explorer.locator(".nl-where")).to_have_text("Rollout up to layer 0")
    expect(explorer.get_by_role("slider", name="Head")).to_have_count(0)
    explorer.get_by_role("tab", name="All heads").click()
    explorer.get_by_role("gridcell", name="Layer 0, head 1").click()
    expect(explorer.locator(".nl-where")).to_have_text("Layer 0, head 1")
    notebook.arrives("repr(explorer.combine)", "''")


@pytest.mark.parametrize(("cell", "name"), [(1, "explorer"), (3, "long")])  # computed by the browser, and asked for
def test_heads_are_ranked_by_their_share_of_the_rollout(notebook, cell, name):
    explorer = notebook.cell(cell).locator(".nl-explorer")
    explorer.get_by_role("tab", name="Rank heads").click()
    explorer.get_by_label("Rank by").select_option("share of the rollout")
    explorer.get_by_label("lowest first").uncheck()
    explorer.get_by_label("From").select_option("8")
    explorer.get_by_label("to", exact=True).select_option("1")
    wanted = notebook.run(f"print(*[f'{{100 * share:.1f}}' for share in sorted({name}.rollout_shares(8, 1).values(), reverse=True)])")
    expect(explorer.locator(".nl-ranking b")).to_have_text([f"{share} %" for share in wanted.split()])
    expect(explorer.get_by_role("tabpanel")).to_contain_text("In each layer, the shares of the heads and of the residual connection sum to 100 %.")
    explorer.get_by_label("Rank by").select_option("a link between two words")


def test_one_click_hides_a_group_of_words_and_another_shows_it(notebook):
    explorer = notebook.cell(6).locator(".nl-explorer")
    explorer.get_by_role("tab", name="Hide words").click()
    group = explorer.get_by_role("button", name="the end")
    expect(group).to_have_attribute("aria-pressed", "false")
    notebook.arrives("opened.hidden", "[10]")
    group.click()
    expect(group).to_have_attribute("aria-pressed", "true")
    notebook.arrives("opened.hidden", "[8, 9, 10]")
    group.click()
    notebook.arrives("opened.hidden", "[]")
    notebook.run("opened.hidden = [10]")


def test_the_scale_of_the_colours_is_chosen_and_its_ticks_say_it(notebook, explorer):
    ticks = explorer.locator(".nl-ticks span")
    expect(ticks).to_have_text(["0", "0.25", "0.5", "0.75", "1"])
    explorer.get_by_label("Colours", exact=True).select_option("by the square root")
    explorer.get_by_label("up to", exact=True).select_option("the head's largest")
    wanted = notebook.run(
        "from ninelives.figures.scale import ticks_of, top_of\n"
        "print(*[f'{tick:g}' for tick in ticks_of('sqrt', top_of('head', weights[0, 0].numpy()))])"
    )
    expect(ticks.last).to_have_text(wanted.split()[-1])
    assert set(ticks.all_inner_texts()) <= set(wanted.split())
    boxes = [tick.bounding_box() for tick in ticks.all()]
    assert all(left["x"] + left["width"] < right["x"] for left, right in zip(boxes, boxes[1:]))
    notebook.arrives("explorer.scale, explorer.vmax", "sqrt head")
    notebook.run("explorer.scale, explorer.vmax = 'linear', 1")
    expect(ticks).to_have_text(["0", "0.25", "0.5", "0.75", "1"])


def test_several_words_are_chosen_by_key_and_by_click(notebook, explorer):
    status, heatmap = explorer.get_by_role("status"), explorer.locator(".nl-heat")
    press(heatmap, "ArrowDown", "Shift+ArrowDown")
    wanted = notebook.run("print(read_row(weights[0, 0, :2].mean(0), sentence, 0).removeprefix('The attends to '))")
    expect(status).to_have_text(f"The and cat, on average, attend to {wanted.strip()}")
    notebook.arrives("explorer.together, explorer.token", "[0, 1] 1")
    press(heatmap, "ArrowDown")
    expect(status).to_contain_text("did, not chosen")
    press(heatmap, "Space")
    expect(explorer.locator(".nl-readout")).to_contain_text("The, cat and did, on average, attend to")
    expect(heatmap.locator(".nl-chosen:not(.nl-chosen-cell)")).to_have_count(3)
    press(heatmap, "ArrowUp", "ArrowUp", "Space")
    notebook.arrives("explorer.together", "[1, 2]")
    press(heatmap, "Escape")
    notebook.arrives("explorer.together, explorer.token", "[] None")
    word = {text: explorer.locator(".nl-reader", has_text=re.compile(f"^{text}$")) for text in ("did", "eat", "it", "full")}
    word["it"].click()
    word["full"].click(modifiers=["Control"])
    notebook.arrives("explorer.together", "[8, 10]")
    word["eat"].click(modifiers=["Shift"])
    notebook.arrives("explorer.together", "[6, 7, 8, 9, 10]")
    word["did"].click()
    notebook.arrives("explorer.together, explorer.token", "[] 2")


def test_two_sentences_and_their_difference_are_switched_by_button_and_by_key(notebook):
    pair = notebook.cell(8).locator(".nl-explorer")
    change = notebook.run("change = heads(2, 3, 11, 11).flip(0)[1, 2] - weights[1, 2]\nprint(f'cat −{-change[it, cat]:.2f}')").strip()
    expect(pair.locator(".nl-readout")).to_contain_text(f"less to {change}")
    expect(pair.locator(".nl-note")).to_contain_text("Second minus first. First: The cat")
    pair.get_by_role("button", name="first").click()
    expect(pair.locator(".nl-readout")).to_contain_text("it attends to cat 0.71, rotten 0.08")
    expect(pair.get_by_role("button", name="first")).to_be_focused()
    press(pair.get_by_role("button", name="first"), "ArrowRight")
    notebook.arrives("pair.part", "second")
    heatmap = pair.locator(".nl-heat")
    press(heatmap, "ArrowDown", "ArrowDown", "ArrowRight", "3")
    expect(pair.locator(".nl-word.nl-on").first).to_have_text("rotten / full")
    press(heatmap, "ArrowRight", "Enter")
    for told in (pair.locator(".nl-note"), pair.get_by_role("status")):
        expect(told).to_have_text("Why a weight is what it is depends on a query and a key: this explorer was given the weights alone.")
    expect(heatmap).to_be_focused()
    notebook.arrives("pair.part, pair.rows[pair.token]", "difference rotten / full")
    press(heatmap, "1")
    expect(pair.locator(".nl-readout")).to_contain_text("rotten attends to")
    expect(heatmap.locator(".nl-chosen-cell")).to_have_count(1)
    press(heatmap, "3")
    notebook.run("pair.token = it")
    pair.get_by_role("tab", name="Rank heads").click()
    pair.get_by_label("Rank by").select_option("largest change")
    wanted = notebook.run("print(*[f'{what[\"largest change\"]:.2f}' for what in sorted(pair.measures().values(), key=lambda what: -what['largest change'])])")
    expect(pair.locator(".nl-ranking b")).to_have_text(wanted.split())


def test_a_click_on_a_cell_says_why_its_weight_is_what_it_is_and_so_does_a_key(notebook):
    explorer = notebook.cell(9).locator(".nl-explorer")
    heatmap, panel = explorer.locator(".nl-heat"), explorer.get_by_role("tabpanel", name="Why this weight")
    press(heatmap, *["ArrowDown"] * 3, "ArrowRight", "ArrowRight")
    expect(panel).to_be_hidden()
    press(heatmap, "Enter")
    said = notebook.run("print(caught.why(2, 1).describe())")
    sums = said[said.index("Largest product") :].strip()
    expect(panel).to_contain_text(sums)
    expect(explorer.get_by_role("status")).to_contain_text(sums)
    expect(heatmap).to_be_focused()
    softmax = notebook.run("p = x[0, 0, 2] @ x[0, 0].T\nprint(*[f'{e:.2f}' for e in (p / 2)[:3].exp()])").split()
    column = panel.get_by_role("region", name="From the scores").locator("td:nth-child(4)")
    expect(column).to_have_text([*softmax, *["masked"] * 8, re.compile(r"\d")])
    box = explorer.locator(".nl-heat canvas").bounding_box()
    explorer.get_by_role("tab", name="All heads").click()
    explorer.page.mouse.click(box["x"] + box["width"] * 8.5 / 11, box["y"] + box["height"] * 3.5 / 11)
    expect(panel).to_contain_text("Why not does not attend to it")
    expect(panel).to_contain_text("masked: its score becomes −∞")
    explorer.get_by_text("Save", exact=True).click()
    with explorer.page.expect_download() as download:
        explorer.get_by_role("button", name="Why this weight (PDF)").press("Enter")
    assert download.value.suggested_filename == "why-layer-0-head-0.pdf"


def test_scores_are_not_said_to_attend(notebook):
    explorer = notebook.cell(10).locator(".nl-explorer")
    expect(explorer.locator(".nl-readout")).to_contain_text(re.compile("it: highest scores .*; lowest"))
    expect(explorer.locator(".nl-ticks span").first).to_have_text(re.compile("^−"))


def test_another_part_of_the_model_is_one_choice_away(notebook):
    explorer = notebook.cell(7).locator(".nl-explorer")
    expect(explorer.locator(".nl-key", has_text="masked")).to_be_hidden()
    explorer.get_by_role("tab", name="In words").click()
    explorer.get_by_label("Part of the model").focus()
    explorer.get_by_label("Part of the model").select_option("decoder")
    expect(explorer.locator(".nl-readout")).to_contain_text("chat attends to")
    expect(explorer.locator(".nl-key", has_text="masked")).to_be_visible()
    expect(explorer.get_by_label("Part of the model")).to_be_focused()
    expect(explorer.get_by_role("tab", name="In words")).to_have_attribute("aria-selected", "true")
    notebook.arrives("both.part, both.token", "decoder 1")


def test_on_a_small_laptop_the_heatmap_and_the_heads_are_seen_together(notebook, explorer):
    page = explorer.page
    page.set_viewport_size({"width": 1366, "height": 768})
    try:
        notebook.run("explorer.layer = 1")
        expect(explorer).to_have_attribute("data-drawn", re.compile("^1:0:"))
        explorer.get_by_role("tab", name="All heads").click()
        explorer.evaluate("node => node.scrollIntoView({ block: 'start' })")
        panel = page.locator(".jp-NotebookPanel-notebook").bounding_box()
        for part in (".nl-bar", ".nl-readout", ".nl-heat", ".nl-heads"):
            box = explorer.locator(part).bounding_box()
            assert panel["y"] - 1 <= box["y"] and box["y"] + box["height"] <= panel["y"] + panel["height"], part
            assert panel["x"] <= box["x"] and box["x"] + box["width"] <= panel["x"] + panel["width"], part
    finally:
        page.set_viewport_size({"width": 1400, "height": 1000})


def test_a_hidden_word_is_gone_and_the_rows_are_renormalised(notebook, explorer):
    notebook.run("explorer.layer, explorer.head, explorer.token = 1, 2, it")
    explorer.get_by_role("tab", name="Hide words").click()
    explorer.get_by_role("button", name="cat", exact=True).click()
    expect(explorer.locator(".nl-note")).to_contain_text("Hidden: cat; each row is renormalised")
    expect(explorer.locator(".nl-readout")).to_contain_text(f"it attends to full {0.08 / 0.29:.2f}")
    assert "it attends to full 0.28" in notebook.run("print(explorer.describe())")
    explorer.get_by_role("button", name="Show every word").click()
    expect(explorer.locator(".nl-readout")).to_contain_text("it attends to cat 0.71")


def test_the_words_in_the_browser_are_those_of_python(notebook, explorer):
    explorer.get_by_role("tab", name="In words").click()
    wanted = notebook.run(
        "from ninelives.figures import read_row\n"
        "print(*[read_row(weights[0, 0], sentence, i) for i in range(11)], sep='\\n')"
    )
    expect(explorer.locator(".nl-panel-words li")).to_have_text(wanted.splitlines())


def test_python_moves_the_picture(notebook, explorer):
    notebook.run("explorer.layer, explorer.head, explorer.token = 1, 2, it")
    expect(explorer).to_have_attribute("data-drawn", re.compile("^1:2:8:"))


def test_two_linked_explorers_move_together(notebook):
    explorers = notebook.cell(2).locator(".nl-explorer")
    first, second = explorers.first, explorers.last
    press(first.locator(".nl-heat"), "ArrowDown", "ArrowDown")
    expect(second).to_have_attribute("data-drawn", re.compile("^0:0:1:"))


def test_512_words_have_readable_labels_and_move_by_key(notebook):
    explorer = notebook.cell(3).locator(".nl-explorer")
    expect(explorer.locator(".nl-readout")).to_contain_text("attends to")
    boxes = [label.bounding_box() for label in explorer.locator(".nl-reader").all()]
    boxes.sort(key=lambda box: box["y"])
    assert len(boxes) > 20
    for above, below in zip(boxes, boxes[1:], strict=False):
        assert above["y"] + above["height"] * 0.9 <= below["y"] + 1
    explorer.locator(".nl-heat").press("ArrowDown")
    expect(explorer).to_have_attribute("data-drawn", re.compile("^0:0:301:"))


def test_one_word_has_neither_sliders_nor_a_grid(notebook):
    explorer = notebook.cell(4).locator(".nl-explorer")
    press(explorer.locator(".nl-heat"), "ArrowDown")
    expect(explorer.locator(".nl-readout")).to_contain_text("cat attends to cat 1.00")
    expect(explorer.get_by_role("slider")).to_have_count(0)
    expect(explorer.get_by_role("tab")).to_have_count(2)


def test_cross_attention_has_its_own_columns(notebook):
    explorer = notebook.cell(5).locator(".nl-explorer")
    expect(explorer.locator(".nl-readout")).to_contain_text("chat attends to")
    expect(explorer.locator(".nl-reader")).to_have_text("chat le est petit".split())
    expect(explorer.locator(".nl-lines")).to_contain_text("because")


@pytest.mark.parametrize(
    ("item", "start"), [("PDF", b"%PDF"), ("PNG", b"\x89PNG"), ("SVG", b"<?xml"), ("HTML", b"<!doctype html>")]
)
def test_the_save_menu_gives_a_file(explorer, item, start):
    explorer.get_by_text("Save", exact=True).click()
    with explorer.page.expect_download() as download:
        explorer.get_by_role("button", name=item).click()
    saved = download.value.path().read_bytes()
    assert saved.startswith(start) and len(saved) > 3000


def test_the_exported_page_works_alone(notebook, explorer, open_alone, lab):
    notebook.run("explorer.save_html('alone.html')")
    alone = open_alone(lab.root / "alone.html").locator(".nl-explorer")
    set_slider(alone, "Layer", 1)
    set_slider(alone, "Head", 2)
    press(alone.locator(".nl-heat"), *["ArrowDown"] * 9)
    expect(alone.locator(".nl-readout")).to_contain_text("it attends to cat 0.71, full 0.08")
    alone.page.emulate_media(color_scheme="dark")
    expect(alone).to_have_attribute("data-theme", "dark")
    word, number = (alone.locator(f".nl-lines {text}").first.evaluate("text => getComputedStyle(text).fill") for text in (".nl-reader", ".nl-beside"))
    assert number == word != "rgb(0, 0, 0)"
    lines, side = (alone.locator(part).bounding_box() for part in (".nl-lines", ".nl-side"))
    assert lines["x"] + lines["width"] <= side["x"] + side["width"]
    alone.get_by_text("Save", exact=True).click()
    with alone.page.expect_download() as download:
        alone.get_by_role("button", name="SVG").click()
    saved = download.value.path().read_text("utf-8")
    assert "Layer 1, head 2" in saved and "it attends to cat 0.71, full 0.08" in saved
    assert saved.count("<rect") > 11 * 11 and "<image" not in saved
    alone.get_by_text("Save", exact=True).press("Enter")
    alone.get_by_role("button", name="Copy the numbers").press("Enter")
    expect(alone.get_by_role("status")).to_have_text("The numbers of Layer 1, head 2 are copied.")
    expect(alone.get_by_text("Save", exact=True)).to_be_focused()


@pytest.mark.parametrize("made", ["pair", "caught", "AttentionExplorer(x @ x.mT, sentence, kind='scores', together=['it', 'cat'])"])
def test_what_is_new_on_exported_pages_works_without_python_and_axe_finds_nothing(notebook, open_alone, lab, made):
    notebook.run(f"shown = {made}\nshown.save('alone.html')")
    alone = open_alone(lab.root / "alone.html").locator(".nl-explorer")
    heatmap = alone.locator(".nl-heat")
    press(heatmap, "Home", "ArrowDown", "ArrowRight")
    if made == "caught":
        press(heatmap, "Enter")
        sums = notebook.run("said = caught.why(1, 0).describe()\nprint(said[said.index('Largest') :])").strip()
        expect(alone.get_by_role("tabpanel", name="Why this weight")).to_contain_text(sums)
    if made == "pair":
        press(heatmap, "2", "ArrowDown", "1")
        expect(alone.locator(".nl-readout")).to_contain_text("did attends to")
        expect(heatmap).to_be_focused()
        press(heatmap, "3")
    for theme in ("light", "dark"):
        alone.page.emulate_media(color_scheme=theme)
        expect(alone).to_have_attribute("data-theme", theme)
        for tab in alone.get_by_role("tab").all():
            tab.click()
            found = Axe().run(alone.page).response["violations"]
            assert [(what["id"], what["nodes"][0]["html"]) for what in found] == []


def test_nothing_outside_this_machine_was_asked_for(page):
    addresses = [address for address in page.asked if "//" in address and address[:5] != "blob:"]
    assert len(addresses) > 50
    assert {address.split("/")[2].split(":")[0] for address in addresses} == {"127.0.0.1"}
