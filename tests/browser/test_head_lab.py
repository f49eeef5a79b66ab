from playwright.sync_api import expect

SENTENCE = "the fox called the giraffe because it was strong"
CELLS = [
    "from ninelives import weights\nfrom ninelives.text.grammar import parse\nfrom ninelives.widgets import HeadLab\nmodel, tokenizer = weights.load('translator')",
    f"lab = HeadLab(model, tokenizer, '{SENTENCE}', parse=parse)\nlab",
]
ELLE, IL = "le renard a appelé la girafe parce qu'elle était forte", "le renard a appelé la girafe parce qu'il était fort"


def test_the_translation_is_written_again_as_words_and_heads_are_changed(open_notebook):
    notebook = open_notebook("heads.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    lab = notebook.cell(1).locator(".nl-head-lab")
    now = lab.locator(".nl-french").nth(1)
    expect(now).to_have_text(ELLE)

    # Heads by keyboard: the arrows go through the grid, Enter takes out.
    heads = lab.locator(".nl-head")
    heads.nth(0).focus()
    for key in ("ArrowRight", "Enter", "ArrowRight", "Enter"):
        notebook.page.keyboard.press(key)
    expect(lab).to_have_attribute("data-drawn", f"{SENTENCE}#|1,2|#out#done")
    expect(now).to_have_text(IL)
    expect(now.locator("mark")).to_have_text(["il", "fort"])
    expect(heads.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(lab.get_by_role("status")).to_contain_text("With encoder 0 head 1 and encoder 0 head 2 taken out, it becomes")
    notebook.arrives("lab.out", "[1, 2]")

    # One of them is back, and a head of the other sentence is patched in by a click.
    heads.nth(2).press("Enter")
    lab.get_by_role("combobox").select_option("patched")
    heads.nth(1).click()
    heads.nth(1).click()
    heads.nth(12).click()
    expect(lab).to_have_attribute("data-drawn", f"{SENTENCE}#||12#patched#done")
    expect(now).to_have_text(IL)
    cells = [float(text.replace("−", "-")) for text in lab.locator(".nl-head .nl-effect").all_inner_texts()]
    assert abs(min(cells) - cells[12]) < 1e-9 and cells[12] < -5

    back = lab.get_by_role("button", name="Change everything back")
    back.click()
    expect(back).to_be_disabled()
    expect(back).to_be_focused()
    chip = lab.get_by_role("button", name="called")
    chip.press("Space")
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(now).to_have_text(notebook.run("print(lab.answers['2||']['text'])"))

    # An unknown word leaves what was there, so that nothing jumps, and names the nearest word.
    field, before = lab.get_by_label("English sentence"), lab.bounding_box()["height"]
    field.fill("the dgo was strong")
    field.press("Enter")
    expect(lab.get_by_role("alert")).to_have_text("“dgo” is not among the 224 known words; the nearest is “dog”. Below is the sentence before.")
    expect(lab.locator("[inert]")).to_contain_text(ELLE)
    assert abs(lab.bounding_box()["height"] - before) < 60
    field.fill("the dog was the cat")
    field.press("Enter")
    expect(lab.locator(".nl-note").first).to_contain_text("This is not a sentence of the grammar")
    expect(lab.locator("[inert]")).to_have_count(0)
    field.fill(SENTENCE)
    field.press("Enter")
    expect(chip).to_have_attribute("aria-pressed", "false")
    chip.press("Space")
    notebook.arrives("lab.hidden", "[2]")
