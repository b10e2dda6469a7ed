"""What goes on one label, and the one family of refusals of this package."""

import unicodedata
from dataclasses import dataclass

MAX_LINES = 4
GROUP = 4

# A control sign in a line is a fault of whoever built it; the two separators break a line as surely as "\n".
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})


class LabelRefused(ValueError):
    """Labels that cannot be printed: `code` says why, `facts` say where."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts = facts
        details = ", ".join(f"{name}={value!r}" for name, value in facts.items())
        super().__init__(f"{code} ({details})" if details else code)


@dataclass(frozen=True, slots=True)
class Label:
    """A code to read by eye and by bar code, the address that its QR opens, and up to four lines of text."""

    code: str
    url: str
    lines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no sheet, roll or picture could show."""
        for text in (self.code, self.url, *self.lines):
            _refuse_controls(text)
        if not _is_visible_ascii(self.code):
            raise LabelRefused("code-not-printable", label=self.code)
        if not _is_visible_ascii(self.url):
            raise LabelRefused("url-not-printable", label=self.code, url=self.url)
        if len(self.lines) > MAX_LINES:
            raise LabelRefused("too-many-lines", label=self.code, lines=len(self.lines), most=MAX_LINES)

    @property
    def spoken(self) -> str:
        """The code in groups of four, as one reads it aloud or copies it by hand."""
        return " ".join(self.code[start : start + GROUP] for start in range(0, len(self.code), GROUP))


def _refuse_controls(text: str) -> None:
    if text.isprintable():
        return
    for sign in text:
        if unicodedata.category(sign) in _CONTROLS:
            raise LabelRefused("control-character", text=text, sign=f"U+{ord(sign):04X}")


def _is_visible_ascii(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
