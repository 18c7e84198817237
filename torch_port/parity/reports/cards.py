"""One mistake on the page: where, why, what mends it, and the script that shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from torch_port.parity.reports import words

if TYPE_CHECKING:
    from torch_port.parity.report import Cause, Fault


def card(number: int, faults: Sequence[Fault]) -> str:
    """A mistake, at all the places where it was made.

    Args:
      number: of the mistake, counted from 1.
      faults: of the same explanation.
    """
    fault = faults[0]
    parts = [
        f"<h3>{number}. {escape(words.place(fault.difference))}</h3>",
        f'<p class="quiet">{escape(words.figures(fault.difference.judgement))}</p>',
        _places(faults[1:]),
        *(_cause(cause) for cause in fault.causes),
    ]
    if not fault.causes:
        parts += [
            f"<h4>{words.UNEXPLAINED.capitalize()}</h4>",
            f"<p>{_prose(words.evidence(fault))}</p>",
        ]
    if fault.alternatives:
        parts.append(_alternatives(fault))
    return '<article class="fault">\n' + "\n".join(filter(None, parts)) + "\n</article>"


def _places(others: Sequence[Fault]) -> str:
    """Where else the same mistake was made."""
    if not others:
        return ""
    listed = "; ".join(words.place(fault.difference) for fault in others)
    return f'<p class="quiet">The same at {escape(listed)}.</p>'


def _cause(cause: Cause) -> str:
    facts = [
        *_facts("found", [words.constants(cause)]),
        *_facts("fix", words.fixes(cause), "fix"),
        *_facts("shown by", [cause.evidence]),
    ]
    return (
        f'<div class="cause"><div><h4>{_prose(_capital(cause.title))}</h4>\n'
        f"<p>{_prose(cause.explanation)}</p></div>\n"
        f'<dl class="facts">{"".join(facts)}</dl></div>\n{_script(cause)}'
    )


def _capital(title: str) -> str:
    """The title with a capital letter, except where it begins with a symbol: ε is not Ε."""
    return title[:1].upper() + title[1:] if title[:1].isascii() else title


def _facts(name: str, lines: Sequence[str], kind: str = "") -> list[str]:
    """A name with a line for each of what is said under it."""
    said = "<br>".join(_prose(line) for line in lines if line)
    return [f'<dt>{name}</dt><dd class="{kind}">{said}</dd>'] if said else []


def _script(cause: Cause) -> str:
    script = cause.reproduction()
    if script is None:
        return ""
    return (
        "<details><summary>A script that shows it with PyTorch and JAX alone</summary>"
        f'<pre tabindex="0"><code>{escape(script)}</code></pre></details>'
    )


def _alternatives(fault: Fault) -> str:
    said = [
        f"<li>{_prose(', and '.join(map(words.why, causes)))}</li>" for causes in fault.alternatives
    ]
    probe = f"<p>{_prose(fault.evidence)}</p>" if fault.evidence else ""
    return (
        '<div class="others"><p>The same inputs are explained as well by</p>'
        f'<ul class="plain">{"".join(said)}</ul>{probe}</div>'
    )


def _prose(text: str) -> str:
    """Words of others, escaped; what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
