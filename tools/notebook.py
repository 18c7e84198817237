"""Makes examples/01_one_neuron.ipynb of the example of that name, and runs it from top to bottom.

    python -m tools.notebook

The head comment becomes text; each function a cell, and each paragraph of `main` too. Where the
example saves its picture and its findings, the notebook shows the picture.
"""

import ast
import re
import textwrap
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLE = Path(__file__).parents[1] / "examples" / "01_one_neuron.py"
NOTEBOOK = EXAMPLE.with_suffix(".ipynb")

CHANGES = {
    r"^from pathlib import Path\n": "",
    r"^import tyro\n": "",
    r"^(from gallery import print_table).*": r"\1",
    r"\S+ if small else (\S+)": r"\1",
    r"save_figure\(__file__, out, (.*)\)\n *return save_findings\(.*\)": r"\1",
}
"""What a program needs and a notebook does not: the command line, the small size, the files."""


def notebook(example: Path) -> nbformat.NotebookNode:
    """An example as a notebook that has not run."""
    made = nbformat.v4.new_notebook(cells=cells(example.read_text("utf-8")))
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
    return made


def cells(text: str) -> list[nbformat.NotebookNode]:
    """The cells of a program, in an order in which they run."""
    for pattern, replacement in CHANGES.items():
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    module = ast.parse(text)
    heading, _, said = (ast.get_docstring(module) or "").partition("\n")
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    source = {node.name: ast.get_source_segment(text, node) for node in functions}
    main = textwrap.dedent(source.pop("main").rpartition('"""\n')[2])
    before = text[text.index('"""\n') + len('"""\n') : text.index("def main")].strip()
    code = [f"%matplotlib inline\n{before}", *source.values(), *main.split("\n\n")]
    return [
        nbformat.v4.new_markdown_cell(f"# {heading.rstrip('.')}\n{said}"),
        *map(nbformat.v4.new_code_cell, code),
    ]


def executed(made: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook after a run from top to bottom in a new kernel that works in a folder."""
    options = {"kernel_name": "python3", "resources": {"metadata": {"path": str(folder)}}}
    return NotebookClient(made, **options).execute()


if __name__ == "__main__":
    nbformat.write(executed(notebook(EXAMPLE), EXAMPLE.parent), NOTEBOOK)
