"""Labels: text in, bytes out.

Give a code, an address and up to four lines of text; get a sheet of labels that a printer can print and
a scanner can read. Nothing here knows what is being labelled: no database, no web, no clock, no network.

    label        what goes on a label, and why one is refused
    codes        QR and Code 128 as black and white modules
    typeface     a TrueType file: widths and outlines
    lettering    text as the fonts can print it: signs, widths, fitting a line
    sheets       the label sheets and rolls on sale, in millimetres
    correction   what makes labels land in their places on a printer that is off
    layout       where each thing goes on one label, whatever the output format
    pdf          a run of labels as a PDF to print
    raster       one label in black dots
    picture      one label as PNG or SVG, a sheet as a picture
    zpl          labels for thermal printers
    calibration  a page that shows how far a printer is off

Each of them looks only at those above it.
"""
