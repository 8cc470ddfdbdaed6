"""What an operation of a graph says as it refuses its input, in words for people."""

import re

_NODES = re.compile(r"\{\{function_node [^}]*\}\}\s*")
_PARTS = re.compile(r"\[(.*?)\](?= \[|\s*$)")
_STRING = re.compile(r"b(['\"])(.*)\1")
_EAGER, _IN_GRAPH = "Summarized data: ", "assertion failed: "


def in_words(message: str) -> str:
    """One line without the names of nodes.

    Args:
        message: of an assertion, eager or in a graph, or of another operation.
    """
    text = _NODES.sub("", message).strip()
    _, is_eager, data = text.partition(_EAGER)
    if is_eager:
        return " ".join(_plain(line) for line in data.splitlines())
    _, is_assertion, data = text.partition(_IN_GRAPH)
    if is_assertion:
        return " ".join(map(_plain, _PARTS.findall(data.partition("\n")[0])))
    return text.partition("\n")[0].rstrip()


def _plain(part: str) -> str:
    """A part of an assertion's message; a string without its quotes."""
    quoted = _STRING.fullmatch(part.strip())
    return (quoted[2] if quoted else part).replace("\\'", "'")
