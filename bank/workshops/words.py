"""French words for this room's codes: one instruction per step, for someone who may read little."""

from flask_babel import lazy_gettext as _l

from bank.web.words import Vocabularies

WORDS: Vocabularies = {
    "step_order": {
        "erasure": _l("Effacez le disque. Attendez la fin. Puis dites ce que vous avez vu."),
        "control": _l("Allumez l’appareil. Vérifiez qu’il marche."),
    },
    "step_done": {
        "erasure": _l("Effacement fait."),
        "control": _l("Contrôle fait."),
    },
    "step_next": {
        "erasure": _l("Étape suivante : effacement."),
        "control": _l("Étape suivante : contrôle."),
    },
}
