"""The course as pages to read: `python -m ninelives.site`, or `make site`, writes the folder site/.

    execute.py     the solved notebooks and the labs, run; nothing is trained
    live.py        inside a notebook that runs: what its widgets know, for a page without Python
    view.py        what a learner sees of it: released sources, outputs of the solved notebook
    outputs.py     pictures, words and widgets as HTML
    sources.py     the folder that Sphinx reads: notebooks, labs, docs, the package's reference
    extension.py   Sphinx's part: formulas, scripts and styles of each page
    search.py      what the search finds; its page's modules are in search_page/
    front_page.py  the front page, whose translator runs in the browser; its text and modules are in front/
    tidy.py        what the theme writes that is not valid or not accessible

A page works from a folder on disk as from any path of a server, and asks for nothing outside its folder.
"""
