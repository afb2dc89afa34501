"""Names that fit: a model's name in lines, a long name without its middle."""

LINE = 17  # characters in one line of a column's name, unless told


def wrap(name: str, most: int = LINE) -> str:
    """A model's name in lines of at most `most` characters, broken after ' ', '_', '.' or '-'."""
    pieces, piece = [], ""
    for letter in name:
        piece += letter
        if letter in " _.-":
            pieces.append(piece)
            piece = ""
    lines = [""]
    for part in [*pieces, piece]:
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def shorten(name: str, most: int) -> str:
    """A name of at most `most` characters; a longer one loses its middle."""
    head = most // 2
    return name if len(name) <= most else f"{name[:head]}…{name[head + 1 - most :]}"


def shorten_file(name: str, most: int = 18) -> str:
    """A file's name without its suffix, of at most `most` characters."""
    return shorten(name.rsplit(".", 1)[0], most)
