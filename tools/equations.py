"""Equations as docstrings have them, in Unicode, drawn in MathML, which browsers show unaided.

    statement = sum {relation sum}                     u = −η·g
    sum       = [sign] product {sign product}
    product   = factors {("·" | "/") factors}          a / is drawn as a fraction
    factors   = factor {factor}                        w_c q_c log p_c
    factor    = atom ["'"] [subscript] [superscript]   β₁ᵗ⁺¹, e^−x, σ', tanh²
    atom      = number | letter | word | "Σ" | "Π" | "√" factor | bracket
    bracket   = open statement {"," statement} close | "|" statement "|"

Nothing marks an equation in a sentence. A word is part of one where it stands beside an operator,
before a bracket or within it.
"""

import html
import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar
from unicodedata import normalize

T = TypeVar("T")

DRAWN = {"Σ": "∑", "Π": "∏", "~": "∼", "'": "′", "\u0302": "ˆ"}
"""By a sign as it is typed, the one that is drawn."""

RELATIONS, SIGNS, TIMES = "=←≤≥<>≈≠∈~", "+−±", "·×"
KINDS = {
    "space": r"[ \n]+",
    "number": r"\d+(?:\.\d+)?|[½∞…]|\.\.\.",
    "big": "[ΣΠ]",
    "letter": "[Α-Ωα-ω∂]\u0302?|[A-Za-z]\u0302|(?![Aa] \\w)[A-Za-z](?![A-Za-z])",
    "word": "[A-Za-z]{2,}(?:_[A-Za-z]{2,})*",
    "prime": "'(?![A-Za-z])",
    "superscript": "[⁰¹²³⁴-⁹⁺⁻ᵏᵖᵗˣᵀ]+",
    "subscript": "[₀-₉ᵢⱼₜ]+",
    "relation": f"[{RELATIONS}]",
    "sign": f"[{SIGNS}]",
    "times": f"[{TIMES}]",
    "stroke": "/",
    "open": r"[(\[{⌈]",
    "close": r"[)\]}⌉]",
    "comma": ",",
    "bar": "[|‖]",
    "root": "√",
    "power": r"\^",
    "index": "_",
}
SCRIPT = f"{KINDS['superscript']}|{KINDS['subscript']}"
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))

BEFORE_A_WORD = re.compile(rf"[{RELATIONS}{SIGNS}{TIMES}/√(\[{{⌈,]\s*$")
AFTER_A_WORD = re.compile(rf"[(_']|{SCRIPT}|\s*[{RELATIONS}{TIMES}/]|\s+[{SIGNS}]\s|[{SIGNS}]")
APPLIED = {"cos", "ln", "log", "std", "tanh"}
"""Words that stand beside another factor without a sign."""


class NotAnEquation(ValueError):
    """Text that the grammar does not hold."""


class Drawn(NamedTuple):
    """MathML; of a bracket also what is within, for where a bar or a root groups it."""

    markup: str
    within: str = ""

    @property
    def grouped(self) -> str:
        return f"<mrow>{self.within or self.markup}</mrow>"


def element(tag: str, sign: str, attributes: str = "") -> str:
    return f"<{tag}{attributes}>{html.escape(DRAWN.get(sign, sign))}</{tag}>"


class Reader:
    """Reads a statement that begins at a place of a text, and draws it."""

    def __init__(self, text: str, start: int = 0):
        self.text, self.start, self.at = text, start, start

    def take(self, *kinds: str) -> str:
        """The next token, if it is of one of these kinds."""
        token = TOKEN.match(self.text, self.at)
        if token is None or token.lastgroup not in kinds:
            return ""
        self.at = token.end()
        return token[0]

    def need(self, *kinds: str) -> str:
        if not (token := self.take(*kinds)):
            raise NotAnEquation(f"no {' or '.join(kinds)} before {self.text[self.at :]!r}")
        return token

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What is read, or None where it is not there."""
        at = self.at
        try:
            return read()
        except NotAnEquation:
            self.at = at
            return None

    def infix(self, *kinds: str) -> str:
        """An operator between two things; a sign with a space before it alone is the second's."""
        before, sign, after = self.take("space"), self.need(*kinds), self.take("space")
        if sign in SIGNS and bool(before) != bool(after):
            raise NotAnEquation(f"{sign} begins something")
        return sign

    def chain(self, operand: Callable[[], str], kind: str) -> str:
        drawn = operand()
        while more := self.attempt(lambda: element("mo", self.infix(kind)) + operand()):
            drawn += more
        return drawn

    def whole(self) -> str:
        """A statement that goes to the end of the text."""
        drawn = self.statement()
        if self.at < len(self.text):
            raise NotAnEquation(f"what is {self.text[self.at :]!r}?")
        return drawn

    def statement(self) -> str:
        return self.chain(self.sum, "relation")

    def sum(self) -> str:
        sign = self.take("sign")
        return f"<mrow>{sign and element('mo', sign)}{self.chain(self.product, 'sign')}</mrow>"

    def product(self) -> str:
        left = self.factors()
        while step := self.attempt(lambda: (self.infix("times", "stroke"), self.factors())):
            sign, right = step
            if sign == "/":
                left = Drawn(f"<mfrac>{left.grouped}{right.grouped}</mfrac>")
            else:
                left = Drawn(left.markup + element("mo", sign) + right.markup)
        return left.markup

    def factors(self) -> Drawn:
        drawn = self.factor()
        while more := self.attempt(self.next_factor):
            drawn = Drawn(drawn.markup + more)
        return drawn

    def next_factor(self) -> str:
        space = self.take("space")
        if not space and (number := self.take("number")):
            raise NotAnEquation(f"{number} ends a name, as in L2")
        return (space and '<mspace width="0.17em"></mspace>') + self.factor().markup

    def factor(self) -> Drawn:
        drawn = self.atom()
        under = "munder" if drawn.markup.startswith("<mo>") else "msub"  # Σ has its index below
        if prime := self.take("prime"):
            drawn = Drawn(f"<mrow>{drawn.markup}{element('mo', prime)}</mrow>")
        below, above = self.subscript(), self.superscript()
        if not below + above:
            return drawn
        tag = "msubsup" if below and above else under if below else "msup"
        return Drawn(f"<{tag}>{drawn.markup}{below}{above}</{tag}>")

    def subscript(self) -> str:
        if signs := self.take("subscript"):
            name = normalize("NFKC", signs)
        elif self.take("index"):
            name = self.need("letter", "word", "number")
        else:
            return ""
        parts = [name] if len(name) > 2 else name  # δ_ij has two indices, v_max has one
        drawn = [element("mn" if part.isdigit() else "mi", part) for part in parts]
        return f"<mrow>{''.join(drawn)}</mrow>"

    def superscript(self) -> str:
        if signs := self.take("superscript"):
            return Reader(normalize("NFKC", signs)).whole()
        if self.take("power"):
            sign = self.take("sign")
            return f"<mrow>{sign and element('mo', sign)}{self.factor().markup}</mrow>"
        return ""

    def atom(self) -> Drawn:
        if number := self.take("number"):
            return Drawn(element("mn", number))
        if letter := self.take("letter"):
            drawn, hat = element("mi", letter[0]), letter[1:]
            hatted = f'<mover accent="true">{drawn}{element("mo", hat)}</mover>'
            return Drawn(hatted if hat else drawn)
        if sign := self.take("big"):
            return Drawn(element("mo", sign))
        if self.take("root"):
            return Drawn(f"<msqrt>{self.factor().grouped}</msqrt>")
        return self.attempt(self.word) or self.bracket()

    def word(self) -> Drawn:
        before = self.text[self.start : self.at]
        word = self.need("word")
        is_operand = BEFORE_A_WORD.search(before) or AFTER_A_WORD.match(self.text, self.at)
        if not (is_operand or word in APPLIED):
            raise NotAnEquation(f"{word} is a word like others")
        return Drawn(element("mi", word))

    def bracket(self) -> Drawn:
        left = self.need("open", "bar")
        if left in "|‖":
            text, right, _ = self.text[self.at :].partition(left)
            self.at += len(text)
            inner = Reader(text).whole()
            self.need("bar")
        else:
            self.take("space")
            inner = self.statement()
            while self.take("comma"):
                self.take("space")
                inner += element("mo", ",") + self.statement()
            self.take("space")
            right = self.need("close")
        # Brackets grow with what is higher than a line, and only then.
        grows = "" if re.search("<(mfrac|munder|msqrt)", inner) else ' stretchy="false"'
        sides = element("mo", left, grows), element("mo", right, grows)
        return Drawn(f"<mrow>{sides[0]}{inner}{sides[1]}</mrow>", inner if left == "(" else "")
