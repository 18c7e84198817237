"""The pages of the site that are made from code: gallery, lecture, twins, reference.

MkDocs calls `on_files` and `on_page_markdown` (`hooks` in mkdocs.yml); docs/ stays as it is.
"""

import ast
import json
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.prose import with_blocks  # noqa: E402
from tools.side_by_side import side_by_side  # noqa: E402

LECTURE = json.loads((ROOT / "docs" / "data" / "lecture.json").read_text("utf-8"))
"""The lecture's parts: what each states, and where it is in the code."""

INTERNAL = {"checks", "cli", "elementary", "files", "pieces", "placement", "play", "prefetch"}
INTERNAL |= {"pytrees", "sealed", "storage"}
"""What jaxnn is built of and does not offer: not in the reference."""

REPOSITORY_LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+((?:examples|jaxnn|torch_port)[^)]*)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made from code."""
    pages = {**gallery(), **twins(), **reference(), "lecture.md": lecture()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    for section in config.nav or []:
        name, entries = next(iter(section.items()))
        folder = name.lower()
        if f"{folder}/index.md" in pages:
            entries += [page for page in pages if re.match(f"{folder}/(?!index)", page)]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Equations are drawn; a link to a file of the repository leads to the page that shows it."""

    def replaced(link: re.Match) -> str:
        path = Path(link[2])
        name = "-".join(path.with_suffix("").parts[1:]) or "index"
        target = f"{'gallery' if path.parts[0] == 'examples' else 'twins'}/{name}.md"
        depth = "../" * page.file.src_uri.count("/")
        return f"[{link[1]}]({depth}{target})" if files.get_file_from_path(target) else link[1]

    return REPOSITORY_LINK.sub(replaced, with_blocks(markdown))


def title(docstring: str) -> str:
    """The first line, which is a sentence."""
    return docstring.partition("\n")[0].rstrip(".")


def examples() -> list[Path]:
    """The numbered examples in jaxnn, in the lecture's order."""
    numbered = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
    return [path for path in numbered if not path.stem.endswith("_torch")]


def pictures(example: Path) -> list[str]:
    """The names of an example's pictures, that of its own name first."""
    return sorted(path.name for path in (ROOT / "docs" / "gallery").glob(f"{example.stem}*.png"))


def gallery() -> dict[str, str]:
    """A page for each example, and one with all of their pictures."""
    cards, pages = [], {}
    for example in examples():
        docstring = ast.get_docstring(ast.parse(example.read_text("utf-8"))) or ""
        pages[f"gallery/{example.stem}.md"] = example_page(example, docstring)
        number, picture = example.stem[:2], next(iter(pictures(example)), None)
        image = f"![]({picture}){{ loading=lazy }}" if picture else ""
        cards.append(
            f"-   [{image}]({example.stem}.md)\n\n"
            f"    **{int(number)}.** [{title(docstring)}]({example.stem}.md)\n"
        )
    head = (
        "# Gallery\n\nEvery part of [the lecture](../lecture.md) as a program of a page, in jaxnn"
        " and in PyTorch, with what it found. `python -m examples` runs them all and makes the"
        " pictures.\n\n"
    )
    grid = '<div class="grid cards gallery" markdown>\n\n' + "\n".join(cards) + "\n</div>\n"
    return {**pages, "gallery/index.md": head + grid}


def example_page(example: Path, docstring: str) -> str:
    """Its head comment, its pictures, what it prints, its source beside the twin's."""
    heading, _, text = docstring.partition("\n")
    body = re.sub(r"^(Shows|Look for|Found):", r"**\1:**", text.strip(), flags=re.M)
    images = "\n\n".join(f"![{title(heading)}]({name})" for name in pictures(example))
    printed = (ROOT / "docs" / "gallery" / f"{example.stem}.txt").read_text("utf-8")
    twin = example.with_stem(f"{example.stem}_torch")
    source = example.read_text("utf-8")
    if twin.exists():
        code = side_by_side(source, twin.read_text("utf-8"), (example.name, twin.name))
    else:
        code = f"```python\n{source}\n```"
    return (
        f"---\nhide: [toc]\n---\n\n# {int(example.stem[:2])}. {heading.rstrip('.')}\n\n{body}\n\n"
        f"{images}\n\n## What it prints\n\n```\n$ python examples/{example.name}\n{printed}```\n\n"
        f"## The program and its twin\n\n{code}\n"
    )


def lecture() -> str:
    """The lecture's parts as one table: what is stated, the example, the code."""
    by_number = {int(path.stem[:2]): path for path in examples()}
    rows = []
    for part in LECTURE["parts"]:
        example = by_number.get(part["number"])
        shown = "not yet"
        if example:
            docstring = ast.get_docstring(ast.parse(example.read_text("utf-8"))) or ""
            shown = f"[{title(docstring)}](gallery/{example.stem}.md)"
        code = ", ".join(f"[{name}]({link})" for name, link in part["code"].items())
        rows.append(f"| {part['number']} | {part['title']} | {part['states']} | {shown} | {code} |")
    return (
        "---\nhide: [toc]\n---\n\n# The lecture, part by part\n\n" + LECTURE["about"] + "\n\n"
        "| | part | what it states | run, drawn and measured | code |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def twin_files() -> list[Path]:
    """The files that stand at the same place in both packages, relative to them."""
    found = sorted((ROOT / "torch_port").rglob("*.py"))
    relative = [path.relative_to(ROOT / "torch_port") for path in found]
    shown = [path for path in relative if path.parts[0] != "cli" and path.name[0] != "_"]
    return [path for path in shown if (ROOT / "jaxnn" / path).exists()]


def twins() -> dict[str, str]:
    """A page for each pair of files, and one that lists them."""
    pages, rows = {}, []
    for path in twin_files():
        ours, theirs = ((ROOT / name / path).read_text("utf-8") for name in ("jaxnn", "torch_port"))
        name = "-".join(path.with_suffix("").parts)
        code = side_by_side(ours, theirs, (f"jaxnn/{path}", f"torch_port/{path}"))
        pages[f"twins/{name}.md"] = f"---\nhide: [toc]\n---\n\n# {path}\n\n{code}\n"
        said = title(ast.get_docstring(ast.parse(ours)) or "")
        rows.append(f"| [`{path}`]({name}.md) | {said} |")
    head = (
        "# Twins\n\n`torch_port` is `jaxnn` a second time. Each page shows one file on both sides;"
        " what differs is marked.\n\n| file | what it holds |\n|---|---|\n"
    )
    return {**pages, "twins/index.md": head + "\n".join(rows) + "\n"}


def public_modules() -> dict[str, list[str]]:
    """By page of the reference, the modules that it documents."""
    pages: dict[str, list[str]] = {}
    for path in sorted((ROOT / "jaxnn").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] in INTERNAL or any(part.startswith("_") for part in parts):
            continue
        pages.setdefault(parts[1], []).append(".".join(parts))
    return pages


def reference() -> dict[str, str]:
    """A page for each module of jaxnn, from its docstrings."""
    pages, rows = {}, []
    for name, modules in public_modules().items():
        pages[f"reference/{name}.md"] = f"# jaxnn.{name}\n\n" + "\n".join(
            f"::: {module}\n" for module in modules
        )
        file = ROOT / Path(*modules[0].split(".")).with_suffix(".py")
        init = file.parent / "__init__.py"
        source = init if len(modules) > 1 else file
        said = title(ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "")
        rows.append(f"| [`jaxnn.{name}`]({name}.md) | {said} |")
    head = "# Reference\n\n| module | what it holds |\n|---|---|\n"
    return {**pages, "reference/index.md": head + "\n".join(rows) + "\n"}
