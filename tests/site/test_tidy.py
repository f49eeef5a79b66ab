"""The last look at the pages."""

import pytest

from ninelives.site.tidy import problems, tidy


@pytest.fixture
def site(tmp_path):
    def write(**pages):
        for name, body in pages.items():
            (tmp_path / f"{name}.html").write_text(f"<!DOCTYPE html>\n<body>{body}</body>\n", encoding="utf-8")
        return tmp_path

    return write


def test_links_within_the_site_are_followed_to_their_place(site):
    folder = site(one='<p id="a"></p><a href="two.html#b">2</a> <a href="#a">up</a> <a href="https://pytorch.org">out</a>', two='<p id="b"></p>')
    assert problems(folder) == []


@pytest.mark.parametrize("body, problem", [
    ('<a href="three.html">3</a>', "one.html links to three.html, and there is no such file."),
    ('<a href="#b">b</a>', "one.html links to #b, and that page has no such place."),
    ('<script src="https://cdn.example/x.js"></script>', "one.html would load https://cdn.example/x.js, which is outside the site."),
    ('<img src="//cdn.example/x.png">', "one.html would load //cdn.example/x.png, which is outside the site."),
])
def test_a_link_that_leads_nowhere_and_an_address_that_a_page_would_load_are_named(site, body, problem):
    assert problems(site(one=body)) == [problem]


def test_an_address_that_a_style_would_load_is_named(site):
    folder = site(one="")
    (folder / "style.css").write_text('@import "https://fonts.example/a.css"; p { background: url(//x.example/y.png), url(here.png); }')
    assert problems(folder) == [f"style.css would load {address}, which is outside the site."
                                for address in ("https://fonts.example/a.css", "//x.example/y.png")]


def test_header_cells_without_words_are_no_header_cells(site):
    empty, named = '<th class="head"><p></p></th>', '<th class="head"><p>shape</p></th>'
    folder = site(one=f"<table><thead>\n<tr>{empty}{empty}</tr>\n</thead></table>", two=f"<table><thead><tr>{empty}{named}</tr></thead></table>")
    tidy(folder)
    assert "thead" not in (folder / "one.html").read_text()
    assert f"<tr><td></td>{named}</tr>" in (folder / "two.html").read_text()


def test_the_parameters_of_a_long_signature_are_a_list(site):
    folder = site(one="<dt>f(<dl>\n<dd><em>x</em>,</dd>\n<dd><em>y</em>,</dd>\n</dl>)</dt>", two="<dl>\n<dt>term</dt>\n<dd>what it is</dd>\n</dl>")
    tidy(folder)
    assert '<ul class="nl-parameters">\n<li><em>x</em>,</li>\n<li><em>y</em>,</li>\n</ul>' in (folder / "one.html").read_text()
    assert "<dd>what it is</dd>" in (folder / "two.html").read_text()
