"""The workflow that builds and publishes the site."""

import os
import re
import subprocess

import pytest
import yaml

from ninelives.build import ROOT

STEPS = yaml.safe_load((ROOT / ".github" / "workflows" / "site.yml").read_text(encoding="utf-8"))["jobs"]["site"]["steps"]
RUN = {step["name"]: step["run"] for step in STEPS if "run" in step}


def test_it_builds_with_make_looks_at_the_built_folder_and_then_publishes():
    assert [*RUN] == ["Build", "Look at every page", "Publish"]
    target = re.search(r"make (\w+)$", RUN["Build"])[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tested = re.search(r"NINELIVES_SITE=site .venv/bin/python -m pytest (\S+)", RUN["Look at every page"])[1]
    assert 'os.environ["NINELIVES_SITE"]' in (ROOT / tested).read_text(encoding="utf-8")


@pytest.mark.skipif("sys.platform == 'win32'", reason="GitHub runs it in bash")
def test_what_is_published_is_the_folder_as_one_commit_also_the_second_time(tmp_path):
    published = tmp_path / "published.git"
    subprocess.run(["git", "init", "--quiet", "--bare", published], check=True)
    environment = os.environ | {
        "GITHUB_SHA": "5e9ba8b", "GITHUB_REPOSITORY": "ada/cats", "TOKEN": "secret", "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{published}.insteadOf", "GIT_CONFIG_VALUE_0": "https://x-access-token:secret@github.com/ada/cats.git",
    }
    for word in ("first", "second"):
        checkout = tmp_path / word
        (checkout / "site" / "notebooks").mkdir(parents=True)
        (checkout / ".gitignore").write_text("/site/\n")
        (checkout / "site" / "index.html").write_text(word)
        (checkout / "site" / ".nojekyll").touch()
        subprocess.run(["bash", "-e", "-c", RUN["Publish"]], cwd=checkout, env=environment, check=True, capture_output=True)

    def git(*words):
        return subprocess.run(["git", "-C", published, *words], check=True, capture_output=True, text=True).stdout

    assert git("log", "--format=%s", "gh-pages") == "Publish the site of 5e9ba8b\n"
    assert git("show", "gh-pages:index.html") == "second" and git("ls-tree", "--name-only", "gh-pages").split() == [".nojekyll", "index.html"]
