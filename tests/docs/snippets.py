"""What README.md and docs/ tell people to type, read out of the Markdown.

Blocks are fenced or indented by four spaces; what kind one is says its fence, or else its first
line. A block with two columns, ``before`` and ``after``, counts with its second column. Code
within a sentence counts where it begins with a program or a magic of ours. A column of a table that
is headed ``before`` or ``in a cell`` has what others have written, and does not count. Nor does a
cell of MyST (``{code-cell}``): it runs when the site is made.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parents[2]
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))
SHELLS = frozenset({"sh", "bash", "shell", "console"})
PYTHONS = frozenset({"python", "ipython", "ipython3", "py"})
# What a block of shell lines, or code within a sentence, may begin with.
PROGRAMS = frozenset(
    [
        "cd",
        "cp",
        "docker",
        "export",
        "git",
        "grep",
        "gunzip",
        "gzip",
        "jupyter",
        "ipython",
        "make",
        "mkdir",
        "mysql",
        "mysqldump",
        "papermill",
        "pip",
        "pip3",
        "pipx",
        "python",
        "python3",
        "sidecar-magics",
        "uv",
        "zcat",
    ]
)
OURS = ("%mysql_", "%%mysql_", "%datajoint_connect", "%load_ext")
FENCE = re.compile(r"^(`{3,}|~{3,})\s*\{?\.?(\w*)")
# Headings of columns with what others have written: what the converter takes, for example.
NOT_TO_TYPE = frozenset({"before", "in a cell"})
BAR = re.compile(r"(?<!\\)\|")
COLUMNS = re.compile(r"^before\s{2,}(?:after|now)\s*$")


class Snippet(NamedTuple):
    """Something to type.

    Parameters
    ----------
    place : str
        File and line.
    kind : str
        ``shell``, ``python`` (with magics) or ``text`` (an output, for example).
    text : str
        The lines, without indentation.
    is_inline : bool
        It stands within a sentence: an example, with names that mean nothing.
    """

    place: str
    kind: str
    text: str
    is_inline: bool = False


def snippets(markdown: str, name: str) -> list[Snippet]:
    """Return what a page has to type, in its order."""
    found, lines, index = [], markdown.splitlines(), 0
    left_out: set[int] = set()
    while index < len(lines):
        start = index
        if fence := FENCE.match(lines[index]):
            index += 1
            while index < len(lines) and not lines[index].startswith(fence[1]):
                index += 1
            block, language = lines[start + 1 : index], fence[2].lower()
            index += 1
        elif lines[index].startswith("    ") and not _is_list(lines, index):
            while index < len(lines) and (not lines[index].strip() or lines[index][:4] == "    "):
                index += 1
            block, language = [line[4:] for line in lines[start:index]], ""
        else:
            line = lines[index]
            if line.startswith("|"):
                cells = BAR.split(line)
                if not index or not lines[index - 1].startswith("|"):  # the headings
                    left_out = {i for i, cell in enumerate(cells) if cell.strip() in NOT_TO_TYPE}
                line = "|".join(cell for i, cell in enumerate(cells) if i not in left_out)
            found += _inline(line, f"{name}:{index + 1}")
            index += 1
            continue
        text = _second_column(block)
        kind = _kind(language, text)
        if text.startswith("%%bash\n"):
            kind, text = "shell", text.partition("\n")[2]
        if kind != "text" and not language:
            text = _without_output(text, is_code if kind == "python" else _is_shell)
        found.append(Snippet(f"{name}:{start + 1}", kind, text))
    return found


def _is_list(lines: list[str], index: int) -> bool:
    """Say whether an indented line continues with a paragraph or an item of a list."""
    return index > 0 and bool(lines[index - 1].strip())


def _second_column(block: list[str]) -> str:
    text = "\n".join(block).strip("\n")
    first = text.partition("\n")[0]
    if not COLUMNS.match(first):
        return text
    column = max(first.rfind("after"), first.rfind("now"))
    return "\n".join(line[column:] for line in text.splitlines()[1:]).strip("\n")


def _without_output(text: str, is_typed: Callable[[str], bool]) -> str:
    """Return the paragraphs of a block that are code: what follows them is what they show."""
    paragraphs = text.split("\n\n")
    while len(paragraphs) > 1 and not is_typed("\n\n".join(paragraphs)):
        paragraphs.pop()
    return "\n\n".join(paragraphs)


def _is_shell(text: str) -> bool:
    """Say whether the last paragraph of a text begins with a program."""
    return _program(text.rpartition("\n\n")[2]) in PROGRAMS


def _program(text: str) -> str:
    """Return the first word of a text, after a prompt."""
    return text.strip().removeprefix("$ ").split(maxsplit=1)[0] if text.strip() else ""


def is_code(text: str) -> bool:
    """Say whether a text is a cell of IPython, as far as its form goes."""
    try:
        compile(TransformerManager().transform_cell(text + "\n"), "cell", "exec")
    except SyntaxError:
        return False
    return True


def _kind(language: str, text: str) -> str:
    if language:
        return "shell" if language in SHELLS else "python" if language in PYTHONS else "text"
    first = text.lstrip().partition("\n")[0]
    if first.startswith(("%", "import ", "from ")):
        return "python"
    return "shell" if _program(first) in PROGRAMS else "text"


def _inline(line: str, place: str) -> list[Snippet]:
    found = []
    for code in re.findall(r"`([^`]+)`", line):
        words = code.replace("\\|", "|").split()
        if code.startswith(OURS) and not code.endswith("?"):
            found.append(Snippet(place, "python", code, is_inline=True))
        elif len(words) > 1 and words[0].lstrip("%!") in PROGRAMS:
            text = code.replace("\\|", "|").lstrip("%!")
            found.append(Snippet(place, "shell", text, is_inline=True))
    return found


def commands(shell: str) -> list[list[str]]:
    """Return the simple commands of shell lines, as words; ``$`` before a line is a prompt."""
    found: list[list[str]] = []
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        is_target = False
        for word in lexer:
            if set(word) <= set("|&;"):
                found.append(words)
                words = []
            elif set(word) <= set("<>"):
                is_target = True
            elif is_target:
                is_target = False
            else:
                words.append(word)
        found.append(words)
    return [words for words in found if words]
