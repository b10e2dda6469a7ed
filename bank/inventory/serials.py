"""What people and firmware write where a serial number, an asset tag or an IMEI should stand. Pure.

A spreadsheet turns a long number into 6.37E+15, firmware answers "To Be Filled By O.E.M.", somebody writes "none":
imported as they are, these make one device out of many.
"""

import re
import unicodedata

from stdnum import imei as imei_number


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Letters and digits only, lower case: how a value is compared with the table below.
PLACEHOLDERS = _words(
    """
    aucun aucune neant rien vide sans sansnumero pasdenumero nonrenseigne nonconnu nonlisible illisible inconnu
    inconnue absent manquant adefinir acompleter avoir idem nc nr nd ns ras so
    na none null nil no empty unknown unspecified undefined missing invalid eval test todo tbd tbc unavailable
    notspecified notavailable notapplicable notdefined nonumber noserial noserialnumber noasset noassettag
    tobefilledbyoem tobefilledbyoembymorestring tobefilled filledbyoem oem default defaultstring
    serial serialnumber serialno serialn sn numerodeserie ndeserie nserie numeroserie assettag assetnumber
    systemserialnumber chassisserialnumber baseboardserialnumber systemname systemproductname systemmanufacturer
    stemmanufacturer ssystemmanufacturer productname productid chassismanufacture chassismanufacturer
    0123456789abcdef mb1234567890 sys1234567890 sys12345678 oem00000 prod00000000 123456789000 123456890
    1234567890 0123456789 123456789 12345678 1234567 123456 12345 1234 123 987654321 0987654321 9876543210
    abcdef abcdefgh azerty azertyuiop qwerty qwertyuiop na60b7y0s3q vh8 vh
    acer apple asus benq brother canon dell epson fujitsu hewlettpackard hp huawei iiyama lenovo lg microsoft
    msi nec philips samsung sony toshiba xerox xiaomi
    """
)
SHORTEST = 3

# "6.37E+15", "6,37E+15", "6E+15". A plain "5E12" may be a real serial: no spreadsheet writes that.
SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+[eE][+-]?|[eE][+-])\d{1,3}")
# What fifteen significant digits leave of a longer number.
ROUNDED = re.compile(r"\d{13,}000")
MONTHS = "jan|janv|feb|fev|mar|mars|apr|avr|may|mai|jun|juin|jul|juil|aug|aou|aout|sep|sept|oct|nov|dec"
DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d.*)?"
    r"|\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})"
    rf"|\d{{1,4}}[-/. ](?:{MONTHS})\.?(?:[-/. ]\d{{2,4}})?"
    rf"|(?:{MONTHS})\.?[-/. ]\d{{1,4}}"
)
DIGITS = re.compile(r"\d{14,16}")


def tidy(text: str) -> str:
    """As codes are compared: upper case, without spaces."""
    return "".join(text.split()).upper()


def is_placeholder(text: str) -> bool:
    """Whether this stands where a serial should and is none: "None", "0000000", "To Be Filled By O.E.M."."""
    bare = _bare(text)
    return len(bare) < SHORTEST or len(set(bare)) == 1 or bare in PLACEHOLDERS or _blanked(bare)


def is_no_tag(text: str) -> bool:
    """The same of an asset tag, which may well be "12" or "1234"."""
    bare = _bare(text)
    if bare.isdecimal():
        return not bare.strip("0")
    return not bare.strip("x") or bare in PLACEHOLDERS


def is_scientific(text: str) -> bool:
    """Whether a spreadsheet made a power of ten of it: the digits are lost."""
    return SCIENTIFIC.fullmatch("".join(text.split())) is not None


def is_rounded(text: str) -> bool:
    """Whether it may be a long number that a spreadsheet rounded: sixteen digits and more that end in zeros."""
    return ROUNDED.fullmatch(tidy(text)) is not None


def looks_like_a_date(text: str) -> bool:
    """Whether a spreadsheet may have made a date of it: "05/03/2021", "mars-05"."""
    return DATE.fullmatch(_plain(text).strip()) is not None


def read_imei(text: str) -> str | None:
    """The IMEI in what was written, of two the first; None where there is none.

    Fourteen digits (without the check digit), fifteen, or sixteen (with the software version). Whether the check
    digit is right is another question: `is_imei`.
    """
    first = re.split(r"[/;,|\n]| et | and ", text.strip())[0]
    signs = re.sub(r"[\s.-]", "", first)
    return signs if DIGITS.fullmatch(signs) else None


def is_imei(digits: str) -> bool:
    """Whether the check digit is right, where there is one."""
    return len(digits) != 15 or bool(imei_number.is_valid(digits))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _bare(text: str) -> str:
    return "".join(sign for sign in _plain(text) if sign.isalnum())


def _blanked(bare: str) -> bool:
    """Crosses instead of signs: "Serial number xxxxxx"."""
    head = bare.rstrip("x")
    return len(bare) - len(head) >= SHORTEST and (not head or head in PLACEHOLDERS)
