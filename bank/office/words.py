"""French words for this room's codes."""

from flask_babel import lazy_gettext as _l

from bank.web.words import Vocabularies

WORDS: Vocabularies = {
    "reprint_reason": {
        "lost": _l("perdue"),
        "unreadable": _l("illisible"),
        "misprinted": _l("mal imprimée"),
        "changed": _l("son texte a changé"),
    },
    # What a run of labels is for.
    "run_kind": {
        "devices": _l("matériels"),
        "places": _l("emplacements"),
        "blanks": _l("étiquettes vierges"),
    },
    "print_fault": {
        "unknown-sheet": _l("Choisissez une planche ou un rouleau de la liste."),
        "start-outside-sheet": _l("Cette place n’existe pas sur cette planche."),
        "copies-out-of-range": _l("De 1 à 20 exemplaires."),
        "no-label": _l("Il n’y a aucune étiquette à imprimer."),
        "too-many-labels": _l("10 000 étiquettes au plus en une fois. Imprimez en plusieurs fois."),
        "nothing-chosen": _l("Choisissez ce qu’il faut imprimer, une seule sorte de choses à la fois."),
        "already-printed": _l(
            "Certaines de ces étiquettes sont déjà imprimées. Dites pourquoi vous recommencez."
        ),
        "unknown-device": _l("Un de ces codes n’est celui d’aucun matériel de votre organisation."),
        "unknown-place": _l("Cet emplacement n’existe pas, ou n’est pas à votre organisation."),
        "unknown-printer": _l("Cette imprimante n’existe pas, ou n’est pas à votre organisation."),
        "unknown-position": _l("Cette impression n’a pas d’étiquette à ce rang."),
        "label-does-not-fit": _l("L’étiquette ne tient pas sur ce format. Choisissez-en un plus grand."),
        "name-missing": _l("Donnez un nom à cette imprimante."),
        "name-taken": _l("Une imprimante de votre organisation porte déjà ce nom."),
        "too-far-off": _l(
            "Aucune imprimante n’est aussi décalée. Vérifiez vos mesures ; imprimez la page à 100 %, sans ajuster."
        ),
        "not-a-measure": _l("Écrivez une mesure en millimètres, par exemple 20,5."),
    },
}
