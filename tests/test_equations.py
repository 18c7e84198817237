"""The equations of docstrings are found among words, and drawn: nothing is lost, nothing moved."""

import doctest
import re
from unicodedata import decomposition, normalize
from xml.etree import ElementTree

import griffe
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mkdocs.exceptions import PluginError

from tools import prose
from tools.docstrings import Docstrings, texts
from tools.equations import DRAWN, SCRIPT, NotAnEquation, Reader

TYPED = {drawn: typed for typed, drawn in DRAWN.items()}


def load(package: str, folder=".") -> griffe.Module:
    """A package as the site's reference sees it."""
    extensions = griffe.load_extensions(Docstrings)
    options = {"docstring_parser": "google", "docstring_options": {"warnings": False}}
    return griffe.load(package, search_paths=[folder], extensions=extensions, **options)


def said(member: griffe.Object):
    """What the reference says of a member and of those within."""
    if member.docstring:
        yield from (getattr(part, name) for part, name in texts(member.docstring))
    for inner in member.members.values():
        if not inner.is_alias:
            yield from said(inner)


def flat(text: str) -> str:
    """An equation without its spaces, small characters on the line, after _ or ^."""

    def on_the_line(script: re.Match) -> str:
        below = decomposition(script[0][0]).startswith("<sub>")
        return ("_" if below else "^") + normalize("NFKC", script[0])

    return re.sub(r"\s", "", re.sub(SCRIPT, on_the_line, text))


def read(node: ElementTree.Element) -> str:
    """MathML as one would type it."""
    children = [read(child) for child in node]
    match node.tag:
        case "mi" | "mn" | "mo" | "mtext":
            return TYPED.get(node.text, node.text)
        case "msub" | "munder":
            return "_".join(children)
        case "msup":
            return "^".join(children)
        case "msubsup":
            return "{}_{}^{}".format(*children)
        case "mfrac":
            above, below = children
            above = f"({above})" if operators(node[0]) & {*"+−±"} else above
            return above + "/" + (f"({below})" if operators(node[1]) & {*"+−±·×/"} else below)
        case "msqrt":
            [[*inside]] = node
            is_one = len(inside) == 1 and inside[0].tag not in ("mrow", "mfrac")
            return "√" + (children[0] if is_one else f"({children[0]})")
        case _:
            return "".join(children)


def operators(node: ElementTree.Element) -> set[str]:
    """The operators of a node that no brackets hold together."""
    if node.tag == "mrow" and len(node) and node[0].text in {*"([{⌈|‖"}:
        return set()
    if node.tag == "mrow":
        return set().union(*map(operators, node))
    return {"/"} if node.tag == "mfrac" else {node.text} if node.tag == "mo" else set()


def assert_nothing_is_lost(drawn: str):
    for math in ElementTree.fromstring(drawn).iter("math"):
        assert flat(read(math)) == flat(math.get("alttext"))


def test_every_equation_of_the_reference_is_drawn_and_nothing_of_it_lost():
    written = "\n".join(said(load("jaxnn")))
    inline = re.findall(r"`#!math ([^`]*)`", written)
    blocks = re.findall(r"```math\n(.*?)\n```", written, re.S)
    assert "u = −η·m̂/(√(v̂+ε_root)+ε)" in inline
    assert "running ← (1 − momentum) · running + momentum · new" in blocks
    assert len(inline) > 250
    assert len(blocks) == 13
    for equation in inline:
        assert_nothing_is_lost(prose.inline(equation))
    for block in blocks:
        assert_nothing_is_lost(prose.display(block))


symbols = st.sampled_from(["x", "2", "0.5", "π", "m̂", "g²", "β₁ᵗ⁺¹", "δ_ij", "e^−x", "std", "|r|"])


def products(terms):
    sums = st.builds("{} {} {}".format, terms, st.sampled_from("+−"), terms)
    around = st.sampled_from(["({})", "√({})", "log({})", "max({}, 0)", "({})²", "Σ_c ({})"])
    factors = symbols | st.builds(str.format, around, sums)
    return st.builds(
        "{}{}{}".format, factors, st.sampled_from([" · ", "·", " / ", "/", " "]), factors
    )


@given(st.recursive(symbols, products, max_leaves=12))
def test_nothing_is_lost_of_any_equation(equation):
    assert_nothing_is_lost(prose.inline(equation))


@pytest.mark.parametrize(
    ("typed", "drawn"),
    [
        ("e^x_i", "<msup><mi>e</mi><msub><mi>x</mi><mi>i</mi></msub></msup>"),
        ("βᵗ⁺¹", "<msup><mi>β</mi><mi>t</mi><mo>+</mo><mn>1</mn></msup>"),
        ("a·b/c", "<mfrac><mi>a</mi><mo>·</mo><mi>b</mi><mi>c</mi></mfrac>"),
        ("1/(1 − x)", "<mfrac><mn>1</mn><mn>1</mn><mo>−</mo><mi>x</mi></mfrac>"),
        ("√v̂", '<msqrt><mover accent="true"><mi>v</mi><mo>ˆ</mo></mover></msqrt>'),
        ("√σ²+ε", "<msqrt><msup><mi>σ</mi><mn>2</mn></msup></msqrt><mo>+</mo><mi>ε</mi>"),
        ("Σ_c", "<munder><mo>∑</mo><mi>c</mi></munder>"),
        ("δ_ij", "<msub><mi>δ</mi><mi>i</mi><mi>j</mi></msub>"),
        ("v_max", "<msub><mi>v</mi><mi>max</mi></msub>"),
    ],
)
def test_what_is_drawn(typed, drawn):
    assert re.sub("</?mrow>", "", Reader(typed).whole()) == drawn


@pytest.mark.parametrize(
    ("sentence", "equations"),
    [
        ("A layer: y = x · kernel + bias, as in PyTorch.", ["y = x · kernel + bias"]),
        ("Values of at least −α for a positive α.", ["−α", "α"]),
        ("L2 penalty: Σ w² over the parameters.", ["Σ w²"]),
        ("v̂ = v or v/(1−βᵗ), and v is a mean.", ["v̂ = v", "v/(1−βᵗ)", "v"]),
        ("Row = label, as the gradients' s and/or e.g. (batch, n) of 60 000 (2013).", []),
        ("A rate in [0, 1), `x = θ`, and [θ](page.md).", ["[0, 1)"]),
    ],
)
def test_equations_are_found_among_words(sentence, equations):
    marked = prose.with_equations(sentence, prose.letters(sentence))
    assert re.findall(r"`#!math ([^`]*)`", marked) == equations
    assert re.sub(r"`#!math ([^`]*)`", r"\1", marked) == sentence


def test_an_indented_block_is_drawn_if_it_begins_with_an_equation():
    text = "Text.\n\n    {}\n\nText.\n"
    assert "```math\nσ'(x) = σ(x) σ(−x)\n```" in prose.with_blocks(
        text.format("σ'(x) = σ(x) σ(−x)")
    )
    for other in ("init(params) -> opt_state", "**7.** Steps of one length, until ε counts"):
        assert prose.with_blocks(text.format(other)) == text.format(other)
    fence = "```python\n\n    y = −x\n```\n"
    assert prose.with_blocks(fence) == fence


@pytest.mark.parametrize(
    "docstring", ["Sum: Σ_ w.", "Text.\n\n        θ) ← g\n    ", "A √.", "u = m̂/(√v̂ + ε."]
)
def test_what_cannot_be_read_stops_the_build_and_is_named(tmp_path, docstring):
    (tmp_path / "package.py").write_text(f'def function():\n    """{docstring}"""\n', "utf-8")
    with pytest.raises(PluginError, match=r"package\.function: tools/equations\.py cannot read"):
        load("package", tmp_path)


def test_the_examples_hold():
    assert doctest.testmod(prose).failed == 0


@pytest.mark.parametrize("typed", ["", "x +", "(x", "|x", "x]", "x = = y", "one two", "L2"])
def test_what_is_no_equation_is_refused(typed):
    with pytest.raises(NotAnEquation):
        Reader(typed).whole()
