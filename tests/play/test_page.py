"""The playground in a real browser: drawn to by mouse, finger and keys, trained, and looked at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxnn import cli
from tests.browser import BROWSER, Page

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")

THREE = [(.30, .25), (.45, .15), (.62, .20), (.66, .33), (.55, .45), (.45, .48), (.60, .52),
         (.70, .65), (.60, .80), (.45, .84), (.30, .77)]  # fmt: skip
SEVEN = [(0.3, 0.2), (0.5, 0.2), (0.7, 0.2), (0.6, 0.45), (0.5, 0.65), (0.45, 0.85)]
ONE = [(0.5, 0.15), (0.5, 0.5), (0.5, 0.85)]

STATUS = "document.querySelector('#status').textContent"
ANSWER = "document.querySelector('#answer b')?.textContent"


@pytest.fixture(scope="module")
def url():
    """Where a playground is, which trains a network as soon as it starts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxnn", "play", "--no-browser"],
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    yield process.stdout.readline().split()[0]
    process.terminate()
    assert process.wait(60) == 0
    process.stdout.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser, which must have had nothing to complain of in the end."""
    page = Page(tmp_path_factory.mktemp("profile"))
    yield page
    assert page.complaints == []
    page.close()


@pytest.fixture
def page(browser, url):
    """The page, opened anew in a wide window, once its network has learned."""
    browser.show_as(1280, 900)
    browser.open(url)
    browser.until(f"{STATUS}.startsWith('trained')")
    return browser


def train(page, script=""):
    """Sets the form by a script, starts a training and waits for its end."""
    run = page.value("document.querySelector('#status').textContent")
    page.value(script)
    page.click("#settings .main")
    page.until(f"{STATUS} !== {run!r}")
    page.until(f"/^(trained|the loss)/.test({STATUS})")


def set_to(name, value):
    """A script that sets a control of the form as a person would."""
    return (
        f"(() => {{ const control = document.forms.settings['{name}']; control.value = {value!r};"
        " control.dispatchEvent(new Event('input', {bubbles: true})); })();"
    )


def test_it_opens_and_shows_what_the_network_has_learned(page):
    assert page.value("document.title") == "jaxnn play"
    assert page.value("document.querySelectorAll('#confusion td').length") == 1 + 100
    assert page.value("document.querySelectorAll('#loss path').length") >= 2
    colors = "document.querySelector('#filters').getContext('2d').getImageData(0, 0, 28, 28).data"
    assert page.value(f"new Set({colors}).size") > 10
    assert page.complaints == []


def test_it_loads_nothing_from_elsewhere(page, url):
    loaded = page.value("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert loaded
    assert [name for name in loaded if not name.startswith((url, "data:"))] == []


@pytest.mark.parametrize(("digit", "points"), [("3", THREE), ("7", SEVEN), ("1", ONE)])
def test_a_digit_drawn_with_the_mouse_is_recognised(page, digit, points):
    page.drag("#pad", points)
    page.until(f"{ANSWER} === '{digit}'")
    first = "document.querySelector('#bars .first').firstChild.textContent"
    assert page.value(first) == digit


def test_every_layer_responds_while_the_digit_is_drawn(page):
    layers = "[...document.querySelectorAll('.layer p')].map((row) => row.firstChild.textContent)"
    ranges = "[...document.querySelectorAll('.layer output')].map((row) => row.textContent)"
    page.drag("#pad", THREE[:6])
    page.until(f"{layers}.length")
    names = ["dense, 256", "relu, 256", "dense, 128", "relu, 128", "dense, 10"]
    assert page.value(layers)[1:] == names
    before = page.value(ranges)
    page.drag("#pad", THREE[5:])
    page.until(f"{ANSWER} === '3'")
    after = page.value(ranges)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True] + 5 * [False]


def test_clear_takes_the_drawing_away(page):
    page.drag("#pad", SEVEN)
    page.until(f"{ANSWER} !== '?'")
    page.click("#clear")
    page.until(f"{ANSWER} === '?'")
    assert page.value("document.querySelectorAll('#bars .first').length") == 0


def test_a_seven_drawn_by_keys_alone_is_recognised(page):
    page.press("Tab")
    assert page.value("document.activeElement.id") == "pad"
    assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("ArrowLeft", 8)
    page.press("ArrowUp", 3)
    page.press(" ")
    page.press("ArrowRight", 16)
    for _ in range(9):
        page.press("ArrowDown", 3)
        page.press("ArrowLeft")
    page.until(f"{ANSWER} === '7'")
    assert page.value("document.querySelector('#pen').textContent") == "pen down"
    page.press("Delete")
    page.until(f"{ANSWER} === '?'")


def test_a_digit_drawn_with_a_finger_is_recognised_on_a_narrow_screen(page):
    page.show_as(400, 800, touch=True)
    page.swipe("#pad", THREE)
    page.until(f"{ANSWER} === '3'")
    assert page.value("document.documentElement.scrollWidth") == 400
    page.show_as(1280, 900)


def test_a_training_moves_what_is_shown_and_the_answer_with_it(page):
    page.drag("#pad", SEVEN)
    page.until(f"{ANSWER} !== '?'")
    page.value("""(() => {
      window.seen = {epochs: new Set(), curves: new Set(), weights: new Set(), layers: new Set()};
      const look = () => {
        seen.epochs.add(document.querySelector('#progress').value);
        seen.curves.add(document.querySelector('#loss path.test')?.getAttribute('d'));
        seen.weights.add(document.querySelector('#filters').toDataURL());
        seen.layers.add(document.querySelectorAll('.layer output')[1]?.textContent);
      };
      new MutationObserver(look).observe(document.body, {subtree: true, childList: true});
    })()""")
    train(page, set_to("hidden", "64, 32") + set_to("epochs", "4"))
    counts = page.value("Object.values(seen).map((set) => set.size)")
    assert min(counts) >= 4, counts
    assert "epoch 5.0 of 5" in page.value(STATUS)
    words = r"/^trained, \d\d\.\d % right\. \d, \d+\.\d % sure$/"
    page.until(f"{words}.test(document.querySelector('#said').textContent)")
    assert page.value("document.querySelectorAll('#loss path.before').length") == 1


def test_settings_are_switched_and_the_layers_follow(page):
    page.drag("#pad", SEVEN)
    script = "document.forms.settings.batch_norm.checked = true;" + set_to("dropout", "5")
    train(page, script + set_to("hidden", "48") + set_to("optimizer", "rmsprop")
          + set_to("initializer", "he_normal") + set_to("activation", "gelu")
          + set_to("epochs", "0"))  # fmt: skip
    names = "[...document.querySelectorAll('.layer p')].map((row) => row.firstChild.textContent)"
    page.until(f"{names}.length === 6")
    expected = ["dense, 48", "batch norm, 48", "gelu, 48", "dropout, 48", "dense, 10"]
    assert page.value(names)[1:] == expected
    assert page.value("document.querySelector('[name=dropout]').ariaValueText") == "0.5"


def test_a_training_outlives_its_page_and_is_stopped_from_another(page):
    page.value(set_to("batch_size", "1") + set_to("epochs", "9"))
    page.click("#settings .main")
    page.until(f"{STATUS}.startsWith('training')")
    page.open(page.value("location.href"))  # anew, in mid-training: the form is that training's
    page.until(f"{STATUS}.startsWith('training')")
    assert page.value("document.querySelector('[name=batch_size]').ariaValueText") == "2"
    page.click("#stop")
    page.until(f"{STATUS}.startsWith('stopped')")
    assert page.value("document.querySelector('#stop').disabled")
    train(page, set_to("batch_size", "10") + set_to("epochs", "0"))


def test_what_the_server_refuses_stands_beside_the_form(page):
    complaint = "document.querySelector('#complaint').textContent"
    for hidden, expected in [
        ("16 5000", "hidden must be a number in [1, 1024], got 5000"),
        ("wide", "settings: hidden: item 0 of tuple is not an instance of int"),
    ]:
        page.value(set_to("hidden", hidden))
        page.click("#settings .main")
        page.until(f"{complaint} === {expected!r}")
    page.complaints.clear()  # the browser notes that a request was refused
    train(page, set_to("hidden", "16") + set_to("epochs", "0"))
    assert page.value(complaint) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut_off(page, width, scheme):
    page.drag("#pad", THREE)
    page.until(f"{ANSWER} !== '?'")
    page.show_as(width, 900, scheme)
    beyond = (
        "[...document.querySelectorAll('main *')].filter((one) =>"
        " one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML)"
    )
    scrolled = (
        "[...document.querySelectorAll('main *:not(svg *, input, select)')].filter((one) =>"
        " one.clientWidth && one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML)"
    )
    assert page.value(beyond) == []
    assert page.value(scrolled) == []
    background = page.value("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]


def test_everything_that_is_used_has_a_name_and_is_large_enough_to_be_touched(page):
    page.show_as(400, 800, touch=True)
    controls = page.value(
        "[...document.querySelectorAll('button, input, select, canvas[tabindex]')].map((one) =>"
        " [one.labels?.[0]?.textContent || one.ariaLabel || one.textContent,"
        " (one.closest('label') ?? one).getBoundingClientRect().height])"
    )
    assert len(controls) == 13
    for name, height in controls:
        assert name.strip()
        assert height >= 32, name
