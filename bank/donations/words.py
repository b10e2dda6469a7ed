"""French words for this room's codes."""

from flask_babel import lazy_gettext as _l

from bank.web.words import Vocabularies

WORDS: Vocabularies = {
    "batch_state": {
        "draft": _l("brouillon"),
        "submitted": _l("envoyé"),
        "accepted": _l("attendu"),
        "refused": _l("refusé"),
        "withdrawn": _l("retiré"),
        "received": _l("réceptionné"),
    },
    "gap_reason": {
        "not_on_the_lorry": _l("pas dans le camion"),
        "more_than_announced": _l("plus que prévu"),
        "other_category": _l("arrivé sous une autre catégorie"),
        "damaged_refused": _l("abîmé, refusé au quai"),
        "unannounced": _l("arrivé sans annonce"),
    },
    "refusal_reason": {
        "too_old": _l("trop ancien"),
        "not_our_kind": _l("pas le matériel que nous prenons"),
        "no_capacity": _l("les ateliers sont pleins"),
        "too_far": _l("trop loin pour nous"),
        "incomplete": _l("annonce incomplète"),
        "other": _l("autre raison"),
    },
    "batch_fault": {
        "no-line": _l("Indiquez au moins un matériel."),
        "category-twice": _l("Une catégorie ne se donne qu’une fois."),
        "count-out-of-range": _l("Écrivez un nombre de 1 à 2 000."),
        "too-many-devices": _l("Un lot compte 2 000 matériels au plus. Faites plusieurs lots."),
        "not-a-donor": _l("Choisissez une organisation donatrice."),
        "not-a-workshop": _l("Choisissez un atelier."),
        "basis-not-for-donor": _l("Cette base légale ne convient pas à ce donateur."),
        "in-the-future": _l("Le jour de l’accord ne peut pas être dans le futur."),
    },
}
