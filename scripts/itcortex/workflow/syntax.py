"""The meaning of a syntax tree in words that all versions of Python share."""

import ast
from functools import cache

#: Fields of syntax trees without meaning, or that a node's place already says.
_SILENT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
#: Statements that define a name with a body of their own.
DEFINING = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def canonical(tree: ast.AST) -> str:
    """Text of a syntax tree: equal for equal meaning, whichever Python (3.11 or later) parsed it.

    Fields are written by name and only where they hold something, so that a field that a later version
    adds changes nothing. Neighbouring texts of an f-string are one, however the parser cut them.
    """
    out: list[str] = []
    _write(tree, out)
    return "".join(out)


def _write(value: object, out: list[str]) -> None:
    if isinstance(value, ast.JoinedStr):
        pieces = _pieces(value)
        if all(isinstance(piece, str) for piece in pieces):
            _write_constant("".join(pieces), out)
        else:
            _write_list("f", pieces, out)
    elif isinstance(value, ast.Constant):
        _write_constant(value.value, out)
    elif isinstance(value, list):
        _write_list("", value, out)
    elif not isinstance(value, ast.AST):
        _write_constant(value, out)
    else:
        out.append(f"({type(value).__name__}")
        for name in _fields(type(value)):
            inner = getattr(value, name, None)
            if name == "body" and isinstance(value, (ast.Module, *DEFINING)):
                inner = undocumented(value)
            if name == "format_spec" and inner is not None and not _pieces(inner):
                continue  # f"{x:}" is f"{x}"
            if inner is not None and inner != []:
                out.append(f" {name}=")
                _write(inner, out)
        out.append(")")


def _write_list(kind: str, items: list, out: list[str]) -> None:
    out.append(f"{kind}[")
    for item in items:
        _write(item, out)
        out.append(",")
    out.append("]")


def _write_constant(value: object, out: list[str]) -> None:
    """With its type, since 1, 1.0 and True are equal; in ASCII, whatever Unicode a Python knows."""
    is_int = type(value) is int  # whose decimal digits are limited to some thousands
    out.append(f"int {value:x}" if is_int else f"{type(value).__name__} {value!a}")


@cache
def _fields(kind: type) -> list[str]:
    return sorted(set(kind._fields) - _SILENT)


def _pieces(joined: ast.JoinedStr) -> list:
    """Texts and expressions of an f-string, no two texts side by side and none empty."""
    found: list = []
    for value in joined.values:
        for piece in _pieces(value) if isinstance(value, ast.JoinedStr) else [value]:
            text = piece.value if isinstance(piece, ast.Constant) else piece
            if isinstance(text, str) and found and isinstance(found[-1], str):
                found[-1] += text
            elif text != "":
                found.append(text)
    return found


def undocumented(node: ast.AST) -> list[ast.stmt]:
    """Statements of a module, class or function without docstrings and others that do nothing."""
    return [
        each
        for each in node.body
        if not isinstance(each, ast.Pass)
        and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
