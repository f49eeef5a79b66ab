import base64
import io
import warnings

import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.patheffects import withStroke
from nbconvert import HTMLExporter
from PIL import Image
from traitlets.config import Config

from helpers.drawn import texts
from ninelives.figures import Picture, heatmap


@pytest.fixture
def picture() -> Picture:
    return heatmap([[0.25, 0.75], [1, 0]], ["<pad>", "a*b*"], title="Weights",
                   caption="What <pad> & *stars* read, for $1.")


def html_of(picture: Picture, template: str) -> str:
    outputs = [nbformat.from_dict(output) for output in picture.outputs()]
    cell = nbformat.v4.new_code_cell("show()", outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.validate(notebook)
    return HTMLExporter(template_name=template).from_notebook_node(notebook)[0]


def test_the_bytes_are_a_picture_on_white(picture):
    image = Image.open(io.BytesIO(picture.png()))
    image.load()
    assert image.format == "PNG"
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert 150 < image.width < 900


def test_a_picture_of_which_only_the_words_are_shown_is_not_drawn(picture):
    assert "Weights" in repr(picture)
    assert "figure" not in vars(picture)
    assert picture.figure is picture.figure


def test_numbers_that_change_later_do_not_change_the_picture():
    weights, labels = np.array([[0.25, 0.75], [1, 0]]), ["a", "b"]
    picture = heatmap(weights, labels, title="Weights", caption="Read.")
    weights[:], labels[0] = 0.5, "c"
    assert "0.25" in texts(picture) and "0.50" not in texts(picture)
    assert "a" in texts(picture) and "c" not in texts(picture)


def test_the_same_picture_has_the_same_bytes(picture):
    assert picture.png() == picture.png()


def test_a_frame_keeps_its_colour_in_a_large_picture():
    weights = np.random.default_rng(0).dirichlet(np.ones(300), 300)
    marked = heatmap(weights, [f"w{i}" for i in range(300)], title="Big", caption="c",
                     mark=[(3, 200)])
    pixels = np.asarray(Image.open(io.BytesIO(marked.png())).convert("RGB")).astype(int)
    vermillion = np.abs(pixels - (0xD5, 0x5E, 0x00)).max(-1) < 16
    assert vermillion.sum() > 20


@pytest.mark.parametrize(
    "ending, start", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_saving_writes_the_format_of_the_ending(picture, tmp_path, ending, start):
    picture.save(tmp_path / f"p.{ending}")
    assert (tmp_path / f"p.{ending}").read_bytes().startswith(start)


def test_a_saved_drawing_scales_and_its_text_is_text(picture):
    drawing = picture.as_file("svg").decode()
    assert "<image" not in drawing
    assert ">a*b*</text>" in drawing and ">0.75</text>" in drawing
    assert picture.alt.replace("<", "&lt;").replace(">", "&gt;") in drawing
    assert picture.as_file("pdf") == picture.as_file("pdf")


def test_an_unknown_ending_is_refused(picture, tmp_path):
    with pytest.raises(ValueError, match="must end in .png, .svg or .pdf"):
        picture.save(tmp_path / "p.docx")


def test_describe_and_repr_say_what_is_seen(picture):
    assert picture.describe() == picture.alt
    assert picture.caption in repr(picture)
    assert picture.alt in repr(picture)


def test_a_notebook_gets_the_picture_with_its_alt_text_and_then_the_words(picture):
    image, words = picture.outputs()
    assert base64.b64decode(image["data"]["image/png"]) == picture.png()
    assert image["metadata"] == {"image/png": {"alt": picture.alt}, "alt": picture.alt}
    assert "<details><summary>In words</summary>" in words["data"]["text/markdown"]
    assert picture.alt in words["data"]["text/plain"]


@pytest.fixture
def shell():
    config = Config()
    config.HistoryManager.enabled = False
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


def test_displaying_emits_exactly_these_outputs(picture, shell):
    with capture_output() as captured:
        shell.display_formatter.format(picture)
    seen = [(output.data, output.metadata) for output in captured.outputs]
    assert seen == [(output["data"], output["metadata"]) for output in picture.outputs()]
    assert captured.stderr == ""


def test_html_in_the_classic_template_has_the_alt_text_and_the_caption(picture):
    page = html_of(picture, "classic")
    assert 'alt="Weights: a heatmap of 2 by 2 weights. &lt;pad&gt; attends to a*b* 0.75' in page
    assert "<em>What &lt;pad&gt; &amp; *stars* read, for <span>$</span>1.</em>" in page


def test_html_in_the_default_template_has_the_words_as_text(picture):
    page = html_of(picture, "lab")
    assert "<em>What &lt;pad&gt; &amp; *stars* read" in page
    assert "<summary>In words</summary>Weights: a heatmap of 2 by 2 weights." in page


def test_a_script_the_font_lacks_gives_no_warning():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert heatmap([[1.0]], ["猫𓃠"], title="猫", caption="c").png()
    assert caught == []


def test_a_saved_file_has_no_rims_around_its_text_and_the_notebook_keeps_them():
    def drawn(effects):
        return Picture(lambda figure: figure.text(0.5, 0.5, "0.55", path_effects=effects), "c", "a")

    rimmed, plain = drawn([withStroke(linewidth=3, foreground="red")]), drawn([])
    assert rimmed.as_file("png") == plain.as_file("png")
    assert rimmed.png() != plain.png()
