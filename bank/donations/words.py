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
    # What became of a thing, for its donor: one, then several.
    "outcome": {
        "awaited": _l("attendu"),
        "in_work": _l("en atelier"),
        "available": _l("disponible"),
        "reused": _l("réutilisé"),
        "recycled": _l("recyclé"),
        "returned": _l("rendu au donateur"),
        "missing": _l("introuvable"),
        "not_found": _l("pas encore retrouvé"),
    },
    "outcomes": {
        "awaited": _l("attendus"),
        "in_work": _l("en atelier"),
        "available": _l("disponibles"),
        "reused": _l("réutilisés"),
        "recycled": _l("recyclés"),
        "returned": _l("rendus au donateur"),
        "missing": _l("introuvables"),
        "not_found": _l("pas encore retrouvés"),
    },
    "batch_fault": {
        "no-line": _l("Indiquez au moins un matériel."),
        "category-twice": _l("Une catégorie ne se donne qu’une fois."),
        "count-out-of-range": _l("Écrivez un nombre de 1 à 2 000."),
        "too-many-devices": _l("Un lot compte 2 000 matériels au plus. Faites plusieurs lots."),
        "less-than-listed": _l(
            "Votre tableau liste plus de matériels que ce nombre. Gardez au moins ceux-là."
        ),
        "sheet-being-read": _l(
            "Votre tableau est encore en cours de lecture. Attendez la fin, puis envoyez."
        ),
        "nothing-counted": _l("Comptez au moins un matériel."),
        "not-a-donor": _l("Choisissez une organisation donatrice."),
        "not-a-workshop": _l("Choisissez un atelier."),
        "not-a-receiver": _l("Choisissez une organisation qui peut devenir propriétaire."),
        "in-the-past": _l("Ce jour est déjà passé. Choisissez un jour à venir."),
        "pickup-missing": _l("Dites où le matériel est à prendre."),
        "contact-missing": _l("Dites qui appeler, et à quel numéro."),
        "note-missing": _l("Écrivez la raison en une phrase : le donateur la lira."),
        "basis-not-for-donor": _l("Cette base légale ne convient pas à ce donateur."),
        "in-the-future": _l("Le jour de l’accord ne peut pas être dans le futur."),
    },
    "sheet_field": {
        "category": _l("Type de matériel"),
        "maker": _l("Marque"),
        "model": _l("Modèle"),
        "serial": _l("Numéro de série"),
        "asset_tag": _l("Numéro d’inventaire"),
        "imei": _l("IMEI"),
        "quantity": _l("Quantité"),
    },
    "sheet_fault": {
        "not-a-spreadsheet": _l(
            "Ce fichier n’est pas un tableau. Enregistrez-le en xlsx, ods ou csv, puis envoyez-le de nouveau."
        ),
        "file-encrypted": _l(
            "Ce fichier est protégé par un mot de passe. Enregistrez-le sans, puis envoyez-le de nouveau."
        ),
        "sheet-too-large": _l("Ce tableau est trop grand : 100 000 lignes et 256 colonnes au plus."),
        "sheet-empty": _l("Ce fichier est vide."),
        "no-known-title": _l(
            "Aucun titre de colonne n’a été reconnu. Il en faut un au moins : Type, Modèle ou Numéro de série."
        ),
        "only-titles": _l("Ce tableau a des titres, mais aucun matériel en dessous."),
    },
    # %(row)s: the number of another row of the same file.
    "row_problem": {
        "scientific-notation": _l("Le tableur a abîmé ce numéro. Mettez la colonne au format texte."),
        "no-category": _l("Le type de matériel manque."),
        "unknown-category": _l("Ce type de matériel n’est pas connu ici."),
        "text-too-long": _l("Ce texte est trop long."),
        "strange-signs": _l("Ce texte contient des signes invisibles."),
        "bad-imei": _l("Ce n’est pas un IMEI : un chiffre est faux."),
        "twice-in-the-file": _l("Même numéro qu’à la ligne %(row)s."),
        "several-devices": _l("Une ligne par matériel : recopiez la ligne autant de fois qu’il le faut."),
        "a-total": _l("C’est un total, pas un matériel."),
        "already-sent": _l("Déjà annoncé dans un lot envoyé, avec d’autres détails : rien n’est changé."),
        "junk-serial": _l("Ce n’est pas un vrai numéro. Il sera relevé à la réception."),
        "looks-like-a-date": _l("Le tableur a peut-être fait une date de ce numéro."),
        "maybe-rounded": _l("Le tableur a peut-être arrondi ce numéro."),
        "not-an-imei": _l("Ce n’est pas un IMEI. Il sera relevé à la réception."),
        "asset-tag-twice": _l("Même numéro d’inventaire qu’à la ligne %(row)s."),
        "category-guessed": _l("Le type de matériel manque : il est déduit du modèle."),
        "no-model": _l("Le modèle manque. Il sera relevé à la réception."),
        "known-elsewhere": _l("Un autre donateur a annoncé ce numéro. Vérifiez-le."),
    },
}
