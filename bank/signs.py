"""The signs of every code that is scanned or typed, and what wrong keyboards make of them."""

import re

# Each is the same key on AZERTY and QWERTY keyboards (no A Q Z W M) and looks like no other (no I O).
ALPHABET = "0123456789BCDEFGHJKLNPRSTUVXY"

# What arrives when the scanner and the computer disagree on the keyboard: typed sign -> meant sign.
LAYOUTS: tuple[dict[int, int], ...] = (
    {},
    # a scanner set to US, a computer set to French
    str.maketrans("&é\"'(-è_çà!:)", "1234567890/.-"),
    # the other way round
    str.maketrans("!@#$%^&*()>", "1234567890/"),
)
SEPARATORS = str.maketrans("", "", " \t\r\n.-\u00a0\u202f")
# What some scanners send first, to say which kind of symbol they read: `]C0`, `]Q3`; here as any keyboard gives it.
# Read by the browser too, which knows the same signs in the same sense.
KIND_MARK = r"[\]$=-][A-Za-z][0-9&\u00e9\"'(\-\u00e8_\u00e7\u00e0!@#$%^*)]"
_KIND_MARK = re.compile(KIND_MARK)


def bare(scanned: str) -> str:
    """What was scanned, without white space around it nor the mark of its kind of symbol."""
    text = scanned.strip()
    return text[3:] if _KIND_MARK.match(text) else text
