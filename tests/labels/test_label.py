"""What may stand on a label."""

import pytest

from labels.label import Label, LabelRefused

CODE = "7K3F9RTC2H"
URL = f"https://banque.example/d/{CODE}"


@pytest.mark.parametrize(
    ("code", "spoken"),
    [("7K3F9RTC2H", "7K3F 9RTC 2H"), ("7K3F9RTC", "7K3F 9RTC"), ("7K3", "7K3")],
)
def test_code_is_spoken_in_groups_of_four(code: str, spoken: str) -> None:
    assert Label(code, URL).spoken == spoken


@pytest.mark.parametrize(
    ("code", "url", "lines", "refusal"),
    [
        (CODE, URL, ("ligne\ncoupée",), "control-character"),
        (CODE, URL, ("tabulation\t",), "control-character"),
        (CODE, URL, ("bon", "\x00"), "control-character"),
        (CODE, URL, ("\x7f",), "control-character"),
        (CODE, URL, ("\x85",), "control-character"),
        (CODE, URL, ("ligne\u2028coupée",), "control-character"),
        (CODE + "\r", URL, (), "control-character"),
        (CODE, URL + "\n", (), "control-character"),
        ("", URL, (), "code-not-printable"),
        ("7K3F 9RTC", URL, (), "code-not-printable"),
        ("7K3É", URL, (), "code-not-printable"),
        (CODE, "", (), "url-not-printable"),
        (CODE, "https://numérique.example/", (), "url-not-printable"),
        (CODE, URL, ("1", "2", "3", "4", "5"), "too-many-lines"),
    ],
)
def test_label_is_refused(code: str, url: str, lines: tuple[str, ...], refusal: str) -> None:
    with pytest.raises(LabelRefused) as caught:
        Label(code, url, lines)
    assert caught.value.code == refusal


def test_refusal_is_a_value_error_that_says_where() -> None:
    with pytest.raises(ValueError, match="control-character") as caught:
        Label(CODE, URL, ("cloche\a",))
    assert isinstance(caught.value, LabelRefused)
    assert caught.value.facts == {"text": "cloche\a", "sign": "U+0007"}
