"""Say in plain words what is wrong with a file that is not YAML."""

from typing import Final

import yaml

from scc_task.errors import FileProblem

_TAB: Final = "YAML does not allow tabs for indentation; use spaces (two for each level)"

_REMEDIES: Final[tuple[tuple[str, str, str], ...]] = (
    # (part of the parser's message, what is wrong, what to do)
    ("a tab character", "a tab stands in the indentation", _TAB),
    (
        "mapping values are not allowed",
        "a colon does not fit here",
        "put each 'name: value' on its own line, line its names up, and put quotes round a text "
        "that has a colon in it",
    ),
    (
        "found unexpected end of stream",
        "a quotation mark is opened here and never closed",
        "close the quotation mark",
    ),
    (
        "found unknown escape character",
        "a backslash in double quotes has a special meaning",
        "use single quotes, or write the backslash twice",
    ),
    (
        "did not find expected ',' or '}'",
        "a '{' is not closed, or a comma is missing",
        "write {name: value, name: value} with a comma between and a '}' at the end",
    ),
    (
        "did not find expected ',' or ']'",
        "a '[' is not closed, or a comma is missing",
        "write [one, two] with a comma between and a ']' at the end",
    ),
    (
        "expected '-' indicator",
        "this line stands where the next '- ' of a list is expected",
        "begin the line with '- ', or indent it like the list's own lines",
    ),
    (
        "did not find expected key",
        "this line does not line up with the lines above it",
        "indent it by exactly as many spaces as the lines it belongs with",
    ),
    (
        "could not find expected ':'",
        "a name without a colon",
        "write 'name: value', or indent the line if it belongs to the text above",
    ),
    (
        "expected comment or line break",
        "something follows the '|' that begins a text of several lines",
        "end the line after '|' and write the text below it, indented",
    ),
    ("unknown directive", "a line begins with '%'", "put a text that begins with '%' in quotes"),
    (
        "document start",
        "something is left over after the end",
        "remove it, or close the bracket before",
    ),
    ("did not find expected node content", "a value is missing here", "write a value"),
)


def explain_syntax(error: yaml.YAMLError, *, file: str, lines: list[str]) -> FileProblem:
    """Return a YAML syntax error as a problem with its place and a remedy."""
    mark = getattr(error, "problem_mark", None)
    message = str(getattr(error, "problem", None) or "")
    context = getattr(error, "context_mark", None)
    opened = ("unexpected end of stream", "expected ',' or")
    if context is not None and any(part in message for part in opened):
        mark = context  # where the quotation mark or bracket is opened says more than where it ends
    line = min(mark.line, max(len(lines) - 1, 0)) if mark is not None else 0
    column = mark.column if mark is not None and line == mark.line else 0
    text = lines[line] if lines else ""
    indent = text[: len(text) - len(text.lstrip(" \t-"))]
    if "\t" in indent:
        what, do, column = "a tab stands in the indentation", _TAB, indent.index("\t")
    else:
        what, do = _plain_words(message, text[column : column + 1])
    shown = text.strip()
    quoted = f": '{shown if len(shown) <= 60 else shown[:57] + '...'}'" if shown else ""
    return FileProblem(f"{what}{quoted}", file=file, line=line + 1, column=column + 1, do=do)


def _plain_words(message: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in message:
        return (
            f"a value cannot begin with {character!r}",
            "put the value in quotes",
        )
    for part, what, do in _REMEDIES:
        if part in message:
            return what, do
    return (
        "this is not YAML as we can read it",
        "compare indentation, quotes and brackets with protocols/scc.yaml",
    )
