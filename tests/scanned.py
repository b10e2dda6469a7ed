"""Reading printed sheets back, as a scanner does."""

import pypdfium2
import zxingcpp

DPI = 203


def scanned(pdf: bytes) -> set[str]:
    """The text of every symbol on every page, at the resolution of a label printer."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pictures = [page.render(scale=DPI / 72, grayscale=True).to_pil() for page in document]
    finally:
        document.close()
    return {found.text for picture in pictures for found in zxingcpp.read_barcodes(picture)}
