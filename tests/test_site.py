"""The site is built from the repository without a warning, and opens in a real browser."""

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser import BROWSER, Page
from tools.prose import TELLTALE

ROOT = Path(__file__).parents[1]

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""By tag, the attribute that names what a browser fetches by itself."""

SHOWN = ["index.html", "lecture.html", "gallery/index.html", "gallery/04_losses.html",
         "twins/losses.html", "parity.html", "reference/activations.html",
         "reference/initializers.html", "reference/losses.html",
         "reference/optim.html"]  # fmt: skip

UNDRAWN = """[...document.querySelectorAll('.md-content :is(p, li, td)')].map(element => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll('code, pre, .equation, a').forEach(part => part.remove());
    return copy.textContent;
})"""
"""What the paragraphs of a page say beside its equations and its code."""


class Links(html.parser.HTMLParser):
    """What a page loads and links to, and the anchors that it has."""

    def __init__(self, text: str):
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if given.get(LOADED.get(tag, "")) and given.get("rel") != "canonical":
            self.loaded.append(given[LOADED[tag]])
        if tag == "a" and given.get("href"):
            self.linked.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built strictly: MkDocs takes a warning for an error."""
    folder = tmp_path_factory.mktemp("site")
    process = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Links]:
    written = [path for path in site.rglob("*.html") if path.name != "404.html"]
    return {path: Links(path.read_text("utf-8")) for path in written}


def test_every_link_leads_to_a_page_and_a_place_on_it(pages):
    def broken(page: Path, link: str) -> bool:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            return False
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            return True
        named = unquote(parts.fragment)
        return bool(named and target in pages and named not in pages[target].anchors)

    found = {str(page.name): [link for link in links.linked + links.loaded if broken(page, link)]
             for page, links in pages.items()}  # fmt: skip
    assert not {page: links for page, links in found.items() if links}


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for page, links in pages.items():
        elsewhere = [link for link in links.loaded if re.match(r"(https?:)?//", link)]
        assert not elsewhere, page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text("utf-8")), sheet


def test_every_part_of_the_lecture_is_two_clicks_from_the_start(site, pages):
    after_one = {(site / link).resolve() for link in pages[site / "index.html"].linked}
    links = [(page.parent / link).resolve() for page in after_one & set(pages)
             for link in pages[page].linked]  # fmt: skip
    parts = sorted(ROOT.glob("examples/[0-9][0-9]_*[a-z].py"))
    expected = {site / "gallery" / f"{p.stem}.html" for p in parts if "_torch" not in p.name}
    assert len(expected) == 18
    assert expected <= set(links)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_pages_open_in_a_browser_and_nothing_is_cut_off(site, tmp_path, width, scheme):
    page = Page(tmp_path)
    page.show_as(width, 900, scheme)
    for name in SHOWN:
        page.open((site / name).as_uri())
        wide = page.value("document.documentElement.scrollWidth")
        assert wide <= width, name
        shown = page.value("document.body.dataset.mdColorScheme")
        assert shown == {"light": "default", "dark": "slate"}[scheme]
        broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).length"
        assert page.value(broken) == 0, name
    assert page.complaints == []
    page.close()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_the_equations_of_the_reference_are_drawn(site, tmp_path, width, scheme):
    page = Page(tmp_path)
    page.show_as(width, 900, scheme)
    for path in sorted((site / "reference").glob("*.html")):
        page.open(path.as_uri())
        assert not [text for text in page.value(UNDRAWN) if TELLTALE.search(text)]
        assert page.value(
            "[...document.querySelectorAll('mfrac')].every(({children: [above, below]}) =>"
            " above.getBoundingClientRect().bottom <= below.getBoundingClientRect().top)"
        ), path.name
        assert page.value(
            "[...document.querySelectorAll('math')].every(math => math.clientWidth > 0"
            " && getComputedStyle(math).color === getComputedStyle(math.closest('div')).color)"
        ), path.name
        beyond = (
            "[...document.querySelectorAll('.equation')].filter(equation =>"
            " !equation.closest('.equations') && equation.getBoundingClientRect().right"
            " > document.querySelector('article').getBoundingClientRect().right).length"
        )
        assert page.value(beyond) == 0, path.name
    page.close()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_an_equation_is_copied_as_it_is_typed(site, tmp_path):
    page = Page(tmp_path)
    page.show_as(1280, 900)
    page.open((site / "reference" / "optim.html").as_uri())
    said = "document.getElementById('jaxnn.optim.aliases.adam').parentElement.querySelector('p')"
    page.value(f"getSelection().selectAllChildren({said})")
    copied = page.value("getSelection().toString()")
    assert "".join(copied.splitlines()).startswith("Adam: u = −η·m̂/(√(v̂+ε_root)+ε), the moments")
    page.close()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_a_search_finds_a_function(site, tmp_path):
    page = Page(tmp_path)
    page.show_as(1280, 900)
    page.open((site / "index.html").as_uri())
    page.value("document.querySelector('[data-md-component=search-query]').focus()")
    page.call("Input.insertText", text="softmax_cross_entropy")
    page.until("!!document.querySelector('.md-search-result__item a[href*=\"reference/losses\"]')")
    page.close()
