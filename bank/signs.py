"""The signs of every code that is scanned or typed, and what wrong keyboards make of them."""

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
