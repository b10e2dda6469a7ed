"""Labels: text in, bytes out.

Give a code, an address and up to four lines of text; get a sheet of labels that a printer can print and
a scanner can read. Nothing here knows what is being labelled: no database, no web, no clock, no network.

    label      what goes on a label, and why one is refused
    codes      QR and Code 128 as black and white modules
    lettering  text as Helvetica can print it: signs, widths, fitting a line
    sheets     the label sheets on sale, in millimetres
    layout     where each thing goes on one label, whatever the output format
    pdf        a run of labels as a PDF to print

Each of them looks only at those above it.
"""
