"""What the search knows of a page."""

from ninelives.site.search import sections

PAGE = """<script>nothing</script><nav>Menu <h2>Menu</h2></nav><article class="bd-article">
<section id="attention"><h1>2 · Attention<a class="headerlink" href="#attention">#</a></h1><p>Every word<br>is a vector.</p>
<section id="scores"><h2>The <code>scores</code></h2><p>Divide by <span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>d</mi>
</mrow><annotation>\\sqrt{d_k}</annotation></semantics></math></span><span class="katex-html"><span>√</span>d</span></span>.</p>
<div class="highlight"><pre><span>torch</span><span>.</span><span>sqrt</span></pre></div><h4>Check it</h4><p>Passed.</p></section></section>
<dl class="py class"><dt class="sig sig-object py" id="ninelives.model.Decoder"><em>class</em> Decoder(<em>config</em>)</dt><dd><p>A model.</p></dd></dl>
</article><footer>Previous</footer>"""


def test_a_page_is_cut_at_its_headings_and_signatures_and_says_what_a_reader_sees():
    assert sections(PAGE) == [
        ("attention", "2 · Attention", "Every word is a vector."),
        ("scores", "The scores", "Divide by \\sqrt{d_k}. torch.sqrt Check it Passed."),
        ("ninelives.model.Decoder", "ninelives.model.Decoder", "class Decoder(config) A model."),
    ]
