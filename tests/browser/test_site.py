"""The site in a browser, from a folder on disk and below a path of a server: a small one that is built here, or all of it.

To look at a whole one that has been built, as the workflow does: NINELIVES_SITE=site .venv/bin/python -m pytest tests/browser/test_site.py
"""

import functools
import http.server
import json
import os
import re
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ninelives.build import ROOT, solved, solved_lab
from ninelives.site.__main__ import write_pages
from ninelives.site.address import SITE, binder, colab
from ninelives.site.execute import executed
from ninelives.site.tidy import problems
from ninelives.site.view import learners_view

pytestmark = pytest.mark.skipif(not all((ROOT / "node_modules" / name).is_dir() for name in ("katex", "minisearch")),
                                reason="formulas need KaTeX, and the search MiniSearch: npm ci")
MOST_BYTES = 1_500_000  # that a page loads before its first picture
AFTERWARDS = {"networks", "widgets", "sections.js"}  # scripts that another script loads when the page is there
SHOWN = "widget => new Promise(resolve => requestAnimationFrame(() => setTimeout(() => resolve([widget.dataset.drawn, widget.innerText].join()))))"
NOTEBOOK = '''# %% [markdown]
# # 1 · Small
#
# | | |
# |---|---|
# | Time | a minute |
#
# ## See it
#
# A formula, $\\sqrt{d_k}$, for the scores of attention, and a link. Next: [the lab](../labs/small.ipynb).
#
# <details><summary>Hint 1: a nudge</summary>
#
# Two of *them*.
#
# </details>

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION

# %%
import torch

from ninelives import figures, weights
from ninelives.widgets import AttentionExplorer, Choice, TemperatureLab

model, tokenizer = weights.load("antecedent")
idx = tokenizer.encode("the cat did not want to eat because it was full")[None]
heads = model.attentions(idx)
print(double(21), torch.rand(1).item())
figures.heatmap(heads[1][0, 0], "the cat did not want to eat because it was full".split(), title="Weights", caption="One head.")

# %%
Choice("Who was full?", {"the cat": "A cat eats.", "the meat": "Meat does not eat."}, answer="the cat")

# %% [markdown]
# ### Look into it

# %%
AttentionExplorer(heads, "the cat did not want to eat because it was full".split(), token="it", first=1)

# %%
storyteller, known = weights.load("storyteller")
TemperatureLab(storyteller, known.encode("the cat"), known.words)

# %% [markdown]
# ## Play with it
#
# That is all.
'''


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    (folder / "01_small.py").write_text(NOTEBOOK, encoding="utf-8")
    (folder / "small.py").write_text("# %% [markdown]\n# # Lab · Small\n#\n# [Back](../01-small/01-small.ipynb#See-it)\n", encoding="utf-8")
    notebooks = {"notebooks/01-small": solved(folder / "01_small.py"), "labs/small": solved_lab(folder / "small.py")}
    ran = executed(notebooks, {"01-small": notebooks["notebooks/01-small"]}, folder / "cache")
    released = {path: nbformat.from_dict(notebook) for path, notebook in notebooks.items()}
    released["notebooks/01-small"].cells[1].source = "def double(x):\n    raise NotImplementedError()"
    return {path: learners_view(notebook, released[path]) for path, notebook in ran.items()}, released


@pytest.fixture(scope="module")
def small(views, tmp_path_factory):
    """A site of one notebook, one lab and a few documents, built twice; the second is in another folder."""
    root = tmp_path_factory.mktemp("repository")
    for file in ("CHANGELOG.md", "DECISIONS.md", "docs/explorer.md", "docs/teaching.md", "docs/teaching/learners.md"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(f"# {Path(file).stem}\n\nSee `nbgrader`.\n", encoding="utf-8")
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    sites = [write_pages(*views, root, tmp_path_factory.mktemp(name)) for name in ("site", "again")]
    (sites[0] / "index.html").touch()
    return sites


@pytest.fixture(scope="module")
def site(request):
    if "NINELIVES_SITE" in os.environ:
        return Path(os.environ["NINELIVES_SITE"]).resolve()
    return request.getfixturevalue("small")[0]


@pytest.fixture(scope="module")
def pages(site):
    found = sorted(site.rglob("*.html"))
    return found if "NINELIVES_SITE" in os.environ else [path for path in found if path.stem in ("01-small", "contents", "model")]


@pytest.fixture(scope="module")
def asked():
    return []


@pytest.fixture(scope="module")
def complaints():
    return []


@pytest.fixture(scope="module")
def open_page(browser, asked, complaints):
    """A page of a browser that can reach nothing but files."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, reduced_motion="reduce")
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append((page.url, message.text)) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append((page.url, str(error))))
    yield page
    context.close()


def below(site, address):
    """The file of the site that an address is of; None for another one."""
    path = Path(unquote(urlsplit(address).path))
    return path if address.startswith("file:") and path.is_relative_to(site) and path.is_file() else None


def test_every_page_loads_only_its_folder_complains_of_nothing_is_light_and_accessible(open_page, site, pages, asked, complaints):
    wrong = {}
    for path in pages:
        asked.clear()
        open_page.goto(path.as_uri(), wait_until="load")
        loaded = {below(site, address) for address in asked if not address.startswith(("data:", "blob:"))}
        if None in loaded:
            wrong[path, "asks for"] = [address for address in asked if not below(site, address)]
        else:
            text = path.read_text(encoding="utf-8")
            first = [file for file in loaded if not AFTERWARDS & {*file.parts} or f'src="{os.path.relpath(file, path.parent)}' in text]
            if (weight := sum(file.stat().st_size for file in first)) > MOST_BYTES:
                wrong[path, "bytes"] = weight
        for theme in ("light", "dark"):
            open_page.emulate_media(color_scheme=theme)
            if path.stem not in ("index", "404"):  # these are not of the theme
                expect(open_page.locator("html")).to_have_attribute("data-theme", theme)
            found = Axe().run(open_page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
            if serious := [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("serious", "critical")]:
                wrong[path, theme] = serious
    assert wrong == {} and complaints == []


def test_every_page_is_valid_html(site, tmp_path):
    (tmp_path / "htmlvalidate.json").write_text(json.dumps({"root": True, "extends": ["html-validate:standard"]}))
    done = subprocess.run(["npx", "html-validate", "-c", tmp_path / "htmlvalidate.json", "--formatter", "stylish", f"{site}/**/*.html"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_site_works_below_any_path_of_a_server(browser, site, pages):
    handler = functools.partial(Silent, directory=site.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page, failed = browser.new_page(), []
        page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
        home = f"http://127.0.0.1:{server.server_port}/{site.name}"
        for path in pages[:: max(1, len(pages) // 8)]:
            page.goto(f"{home}/{path.relative_to(site).as_posix()}")
        page.goto(f"{home}/search.html?q=formula")
        expect(page.locator("#search-results li").first).to_be_visible()
        page.close()
        server.shutdown()
    assert failed == []


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_search_from_a_folder_on_disk_shows_where_a_word_stands_and_complains_of_nothing(open_page, site, complaints):
    complaints.clear()
    open_page.goto(f"{(site / 'search.html').as_uri()}?q=atention")
    says, field = open_page.locator("#search-results [role=status]"), open_page.locator(".bd-search-container input")
    expect(says).to_contain_text("No section has “atention”. The nearest words: attention")
    field.fill("attention head")
    expect(says).to_contain_text("“attention head” is in")
    expect(open_page.locator("#search-results li mark").first).to_be_visible()
    assert open_page.url.endswith("search.html?q=attention+head")
    icon = open_page.locator(".bd-search-container form > i").bounding_box()
    assert icon["x"] + icon["width"] <= field.bounding_box()["x"] + field.evaluate("node => parseFloat(getComputedStyle(node).paddingLeft)")
    expect(open_page.locator("#search-results h2").first).to_be_visible()
    field.fill("  ")
    expect(says).to_contain_text("Type a word")
    assert complaints == []


def test_no_link_of_the_site_is_broken(site):
    assert problems(site) == []


def test_the_same_notebooks_give_the_same_bytes(small):
    one, two = ({path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()} for site in small)
    del one[Path("index.html")]
    assert one.keys() == two.keys() and [path for path in one if one[path] != two[path]] == []


def test_what_a_notebook_draws_at_random_is_the_same_each_time_it_is_run(views):
    drawn = torch.rand(1, generator=torch.Generator().manual_seed(0)).item()
    assert f"42 {drawn}\n" in [output.get("text") for cell in views[0]["notebooks/01-small"].cells for output in cell.get("outputs", [])]


def small_page(open_page, small, place=""):
    open_page.goto((small[0] / "notebooks" / "01-small.html").as_uri() + place)
    return open_page


def test_the_widgets_of_a_page_live_without_python(open_page, small):
    page = small_page(open_page, small)
    question, explorer, lab = page.locator("#widget-1"), page.locator("#widget-2"), page.locator("#widget-3")
    question.get_by_role("radio", name="the meat").click()
    expect(question).to_contain_text("Not this one. Meat does not eat.")
    expect(explorer).to_contain_text("it attends to")
    before = explorer.locator(".nl-readout").inner_text()
    explorer.get_by_role("slider").first.press("ArrowRight")
    expect(explorer.locator(".nl-readout")).not_to_have_text(before)
    page.wait_for_function("() => Object.keys(globalThis.nineLivesNetworks ?? {}).length === 1")
    lab.get_by_role("button", name="Draw a word").click()
    expect(lab.get_by_role("button", name="Step back")).to_be_enabled()
    expect(lab).not_to_contain_text("no Python")


def test_every_widget_of_every_page_answers_a_key(open_page, pages, complaints):
    complaints.clear()
    dead = []
    for path in pages:
        open_page.goto(path.as_uri())
        dead += [(path.stem, widget.get_attribute("id")) for widget in open_page.locator(".nl-live").all() if not answers(widget)]
    assert dead == [] and complaints == []


def answers(widget) -> bool:
    """Whether a key on one of its first controls changes what it shows."""
    before = widget.evaluate(SHOWN)
    for control in widget.locator("[tabindex='0'], input:enabled, button:enabled").filter(visible=True).all()[:4]:
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Enter"):
            control.press(key)
            if widget.evaluate(SHOWN) != before:
                return True
    return False


def test_widgets_and_pictures_follow_the_theme_that_a_reader_chooses(open_page, small):
    open_page.emulate_media(color_scheme="light")
    page = small_page(open_page, small)
    expect(page.locator("#widget-2")).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#widget-2")).to_have_attribute("data-theme", "dark")
    page.evaluate("() => localStorage.clear()")


def test_a_room_has_an_address_and_hints_are_folded(open_page, small):
    page = small_page(open_page, small, "#play-with-it")
    expect(page.locator("#play-with-it h2")).to_be_in_viewport()
    assert page.locator("details", has_text="Hint 1").get_attribute("open") is None
    expect(page.locator("math").first).to_be_attached()


def test_no_solution_is_in_the_site(small):
    texts = [path.read_text(encoding="utf-8") for path in small[0].rglob("*") if path.suffix in (".html", ".js", ".ipynb")]
    assert not any(re.search(r"x \+ x|BEGIN SOLUTION", re.sub("<[^>]*>", "", text)) for text in texts)
    assert any("NotImplementedError" in text for text in texts)


def test_code_is_copied_with_the_keyboard(browser, small):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = small_page(context.new_page(), small)
    page.get_by_role("button", name="Copy").first.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "def double(x):\n    raise NotImplementedError()"
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["the scripts of the labs are missing", "no JavaScript"])
def test_where_a_widget_cannot_live_its_still_picture_and_its_words_stay(browser, small, scripts):
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.add_init_script("globalThis.nineLivesLabs = new Proxy({}, { set: () => true })")  # no lab ever arrives
    small_page(page, small)
    expect(page.locator("#widget-2 img")).to_be_visible()
    expect(page.locator("#widget-2 summary")).to_have_text("In words")
    context.close()


def test_on_paper_there_is_the_text_in_black_and_nothing_to_click(open_page, small):
    open_page.emulate_media(color_scheme="dark")
    page = small_page(open_page, small)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("body").evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.get_by_role("heading", name="See it")).to_be_visible()
    for part in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".header-article", ".nl-open", "details", "#widget-2"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.locator("#widget-2 + .nl-paper img")).to_be_visible()  # the widget's still picture
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(media="screen", color_scheme="light")


@pytest.mark.parametrize("scheme, background", {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}.items())
def test_a_page_has_its_colours_before_the_scripts_of_the_theme_have_been_read(browser, small, scheme, background):
    context = browser.new_context(color_scheme=scheme, offline=True)
    page = context.new_page()
    page.route("**/scripts/*.js*", lambda route: route.abort())
    small_page(page, small)
    assert page.locator("body").evaluate("node => getComputedStyle(node).backgroundColor") == background
    context.close()


def test_nothing_is_wider_than_the_page_and_the_next_page_has_its_whole_name(open_page, pages):
    wide = {}
    for path in pages:
        open_page.goto(path.as_uri())
        for width in (360, 768, 920):
            open_page.set_viewport_size({"width": width, "height": 900})
            wide[path, width] = open_page.evaluate("""() => [document.documentElement, ...document.querySelectorAll(".prev-next-area a")]
                .filter(node => node.scrollWidth > node.clientWidth).map(node => node.outerHTML.slice(0, 200))""")
    open_page.set_viewport_size({"width": 1280, "height": 900})
    assert {place: found for place, found in wide.items() if found} == {}


def test_a_page_says_what_it_is_where_its_notebook_runs_and_what_is_shown_with_a_link_to_it(small, views):
    page = (small[0] / "notebooks" / "01-small.html").read_text(encoding="utf-8")
    assert '<meta name="description" content="A formula, ' in page and '<meta property="og:title" content="1 · Small">' in page
    assert f'<meta property="og:image" content="{SITE}_static/card.png">' in page and page.count('name="viewport"') == 1
    links = re.search(r'<p class="nl-open">(.*)</p>', page)[1]
    assert re.findall(r'href="([^"]*)"', links) == [
        binder("release/01-small/01-small.ipynb"), colab("notebooks/01-small.ipynb"), "../release/01-small/01-small.ipynb",
        "../contents.html#which-model-is-which"]
    assert links.count(" download>") == 1
    assert nbformat.read(small[0] / "release" / "01-small" / "01-small.ipynb", as_version=4) == views[1]["notebooks/01-small"]


def test_from_a_folder_on_disk_too_the_notebook_to_solve_is_downloaded(open_page, small, views):
    link = small_page(open_page, small).get_by_role("link", name="Download the notebook")
    for _ in range(2):
        with open_page.expect_download(timeout=5000) as download:
            link.click()
        assert download.value.suggested_filename == "01-small.ipynb"
        assert nbformat.read(download.value.path(), as_version=4) == views[1]["notebooks/01-small"]
    assert open_page.url.endswith("/01-small.html")
