"""French words for codes: one table per vocabulary, merged from the rooms by `create_app`.

French is the source language of the catalogue; `translations/en` holds the English.
"""

from collections.abc import Mapping

from flask import current_app
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from bank.errors import Code

Vocabularies = Mapping[str, Mapping[str, LazyString]]

# title, and what to do about it: a sentence that a tired person understands at once
PROBLEMS: Mapping[Code, tuple[LazyString, LazyString]] = {
    Code.NOT_SIGNED_IN: (_l("Connexion nécessaire"), _l("Connectez-vous, ou donnez un jeton valide.")),
    Code.NOT_ALLOWED: (
        _l("Vous n’avez pas ce droit"),
        _l("Votre rôle ne permet pas cette action. Demandez à la personne qui gère votre organisation."),
    ),
    Code.BAD_CREDENTIALS: (
        _l("Connexion refusée"),
        _l("L’adresse ou le mot de passe ne convient pas. Vérifiez les deux, puis réessayez."),
    ),
    Code.LINK_EXPIRED: (
        _l("Ce lien ne sert plus"),
        _l("Il a déjà servi, ou il est trop ancien. Demandez-en un nouveau."),
    ),
    Code.TOO_MANY_TRIES: (_l("Trop d’essais"), _l("Attendez quelques minutes, puis réessayez.")),
    Code.BADGE_REFUSED: (
        _l("Badge refusé"),
        _l("Ce badge n’ouvre pas ce poste. Essayez de nouveau, ou appelez l’encadrant."),
    ),
    Code.FORM_EXPIRED: (
        _l("Ce formulaire a expiré"),
        _l("Revenez en arrière, rechargez la page, puis envoyez de nouveau : rien n’a été enregistré."),
    ),
    Code.NOT_FOUND: (
        _l("Introuvable"),
        _l("Cette page ou cette fiche n’existe pas, ou elle n’est pas à votre organisation."),
    ),
    Code.BAD_REQUEST: (_l("Demande illisible"), _l("La demande n’a pas pu être lue. Vérifiez sa forme.")),
    Code.METHOD_NOT_ALLOWED: (_l("Méthode refusée"), _l("Cette adresse ne répond pas à cette méthode.")),
    Code.NOT_ACCEPTABLE: (_l("Format refusé"), _l("Ce format de réponse n’existe pas ici.")),
    Code.TOO_LARGE: (_l("Trop gros"), _l("Ce qui a été envoyé dépasse la taille permise.")),
    Code.UNSUPPORTED_TYPE: (
        _l("Type refusé"),
        _l("Envoyez du JSON, avec l’en-tête Content-Type qui convient."),
    ),
    Code.INVALID: (
        _l("Des champs sont à corriger"),
        _l("Corrigez les champs signalés, puis envoyez de nouveau."),
    ),
    Code.IDEMPOTENCY_KEY_MISSING: (
        _l("Clé d’envoi absente"),
        _l("Donnez un en-tête Idempotency-Key de 80 signes au plus : il évite les doublons."),
    ),
    Code.IDEMPOTENCY_KEY_REUSED: (
        _l("Clé d’envoi déjà employée"),
        _l("Cette clé a déjà servi pour un autre contenu. Prenez-en une nouvelle."),
    ),
    Code.EDITED_MEANWHILE: (
        _l("Modifié entre-temps"),
        _l(
            "Quelqu’un a modifié cette fiche pendant votre saisie. Rechargez-la, puis refaites votre changement."
        ),
    ),
    Code.ALREADY_EXISTS: (
        _l("Existe déjà"),
        _l("Un enregistrement identique existe déjà. Rien n’a été ajouté."),
    ),
    Code.BAD_CODE: (
        _l("Code illisible"),
        _l("Ce n’est pas un code de la banque. Scannez de nouveau, ou tapez les dix signes de l’étiquette."),
    ),
    Code.GLUED_CODES: (
        _l("Deux codes collés"),
        _l("Deux scans se sont suivis de trop près. Scannez un seul code."),
    ),
    Code.UNKNOWN_LABEL: (
        _l("Étiquette inconnue"),
        _l("Cette étiquette n’est pas dans le registre. Mettez le matériel de côté et appelez l’encadrant."),
    ),
    Code.VOID_LABEL: (
        _l("Étiquette annulée"),
        _l("Cette étiquette ne sert plus. Cherchez l’autre étiquette du matériel, ou appelez l’encadrant."),
    ),
    Code.BLANK_LABEL: (
        _l("Étiquette encore vierge"),
        _l("Cette étiquette n’est encore collée sur aucun matériel. Appelez l’encadrant."),
    ),
    Code.LABEL_TAKEN: (
        _l("Étiquette déjà utilisée"),
        _l("Cette étiquette sert déjà ailleurs, ou elle a été annulée. Prenez-en une autre."),
    ),
    Code.SEVERAL_MATCH: (
        _l("Plusieurs matériels portent ce numéro"),
        _l("Scannez l’étiquette de la banque collée sur le matériel, ou choisissez-le dans la liste."),
    ),
    Code.PLACE_LABEL: (
        _l("Étiquette d’un emplacement"),
        _l("Cette étiquette est celle d’un emplacement, pas d’un matériel. Scannez celle du matériel."),
    ),
    Code.NOT_DRAWN_YET: (
        _l("Les étiquettes ne sont pas encore prêtes"),
        _l("Le fichier est en préparation. Attendez la fin, puis ouvrez-le."),
    ),
    Code.ILLEGAL_MOVE: (
        _l("Impossible à ce stade"),
        _l(
            "Dans son état actuel, ce matériel ne peut pas faire cela. Ouvrez sa fiche pour voir où il en est."
        ),
    ),
    Code.OUT_OF_STEP: (
        _l("Pas à cette étape"),
        _l("Ce matériel attend une autre étape. Portez-le au poste indiqué sur sa fiche."),
    ),
    Code.OTHER_CUSTODIAN: (
        _l("Matériel d’un autre atelier"),
        _l(
            "Ce matériel est sous la garde d’une autre organisation. Mettez-le de côté et appelez l’encadrant."
        ),
    ),
    Code.DRIVES_OPEN: (
        _l("Données pas encore effacées"),
        _l("Un disque au moins n’a pas de preuve d’effacement valable. Portez ce matériel à l’effacement."),
    ),
    Code.ALREADY_TAKEN: (
        _l("Déjà réservé"),
        _l("Ce matériel vient d’être attribué à une autre demande. Choisissez-en un autre."),
    ),
    Code.MOVED_MEANWHILE: (
        _l("Déplacé entre-temps"),
        _l("Ce matériel a changé pendant votre action. Scannez-le de nouveau."),
    ),
    Code.EVIDENCE_MISSING: (
        _l("Il manque la preuve"),
        _l("Cette étape demande de dire ce qui a été fait, disque par disque."),
    ),
    Code.BLOCKED: (
        _l("Appareil bloqué"),
        _l("Un problème est signalé sur cet appareil. L’encadrant décide de la suite."),
    ),
    Code.NOT_BLOCKED: (
        _l("Plus rien ne bloque"),
        _l("Quelqu’un a déjà réglé ce problème. Rechargez la page pour voir où en est l’appareil."),
    ),
    Code.NO_DONOR: (
        _l("Donateur inconnu"),
        _l("Personne ne sait qui a donné ce matériel : il ne peut pas être rendu."),
    ),
    Code.ROW_TAKEN: (
        _l("Ligne déjà prise"),
        _l(
            "Ce numéro est celui d’une ligne du lot qui est déjà reliée à un autre matériel. "
            "Relisez le numéro. S’il est juste, appelez l’encadrant."
        ),
    ),
    Code.PASS_EXPIRED: (
        _l("Reconnectez-vous"),
        _l("Ces scans attendent que la personne qui les a faits se reconnecte ici. Rien n’est perdu."),
    ),
    Code.PASS_WITHDRAWN: (
        _l("Compte fermé"),
        _l("Le compte de la personne qui a fait ces scans est fermé. Prévenez l’encadrant."),
    ),
    Code.SAME_PERSON: (
        _l("Contrôle par une autre personne"),
        _l("Vous avez travaillé sur cet appareil. Donnez-le à une autre personne pour le contrôle."),
    ),
    Code.OTHER_REQUEST: (
        _l("Pour une autre demande"),
        _l("Ce matériel est pour une autre demande. Faites un plateau par demande."),
    ),
    Code.ON_ITS_WAY: (
        _l("Déjà sur un transfert"),
        _l("Ce matériel est parti vers une autre structure. Finissez d’abord ce transfert."),
    ),
    Code.NOT_ON_SHIPMENT: (
        _l("Pas sur ce transfert"),
        _l("Ce matériel n’est pas sur la liste. Gardez-le à part : l’expéditeur doit dire s’il l’a envoyé."),
    ),
    Code.SHIPMENT_CLOSED: (
        _l("Transfert terminé"),
        _l("Ce transfert est terminé. Rien ne peut plus y changer."),
    ),
    Code.TAKE_CLOSED: (
        _l("Inventaire terminé"),
        _l("Cet inventaire est terminé. Pour compter encore, commencez-en un autre."),
    ),
    Code.NOTHING_TO_UNDO: (
        _l("Rien à annuler"),
        _l("Ce scan n’a rien changé sur ce matériel. Continuez."),
    ),
    Code.NOT_UNDOABLE: (
        _l("Cela ne s’annule pas"),
        _l("Appelez l’encadrant : c’est lui qui décide de la suite."),
    ),
    Code.UNDONE_ALREADY: (
        _l("Déjà annulé"),
        _l("Ce scan est déjà annulé. Continuez."),
    ),
    Code.MOVED_SINCE: (
        _l("Autre chose a été fait depuis"),
        _l("Quelqu’un a continué avec ce matériel. Scannez-le de nouveau, ou appelez l’encadrant."),
    ),
    Code.NOT_YOURS: (
        _l("Scan d’une autre personne"),
        _l("Seule la personne qui a scanné peut annuler, ou l’encadrant. Appelez-le."),
    ),
    Code.TOO_LATE: (
        _l("Trop tard pour annuler"),
        _l("Ce scan a plus de douze heures. Appelez l’encadrant : il peut renvoyer le matériel à une étape."),
    ),
    Code.NO_ROUTE: (
        _l("Aucun parcours"),
        _l("Aucun parcours n’est en vigueur pour cette catégorie. Prévenez la coordination."),
    ),
    Code.BATCH_CLOSED: (
        _l("Lot déjà réceptionné"),
        _l("La réception de ce lot est faite : elle ne se refait pas."),
    ),
    Code.BATCH_SENT: (
        _l("Lot déjà envoyé"),
        _l("Ce lot n’est plus un brouillon : ce qu’il annonce ne change plus."),
    ),
    Code.BATCH_MOVED_ON: (
        _l("Ce lot n’en est plus là"),
        _l("Quelqu’un s’en est occupé entre-temps. Ouvrez de nouveau sa page pour voir où il en est."),
    ),
    Code.GAP_UNEXPLAINED: (
        _l("Écart à expliquer"),
        _l("Le compte n’est pas celui annoncé. Choisissez la raison de l’écart."),
    ),
    Code.NOT_ELIGIBLE: (_l("Demande non recevable"), _l("Les conditions du dispositif ne sont pas réunies.")),
    Code.NO_TARIFF: (
        _l("Aucun prix en vigueur"),
        _l("La grille ne donne pas de prix pour ce cas aujourd’hui. Prévenez la coordination."),
    ),
    Code.UNLAWFUL: (
        _l("La loi ne le permet pas"),
        _l("L’origine de ce matériel interdit cette attribution. L’article est indiqué avec la raison."),
    ),
    Code.REQUEST_CLOSED: (_l("Demande close"), _l("Cette demande n’attend plus rien.")),
    Code.LINE_FULL: (
        _l("Catégorie déjà complète"),
        _l("La demande a déjà tout ce qu’elle demandait dans cette catégorie."),
    ),
    Code.PAYMENT_MISMATCH: (
        _l("Montant inattendu"),
        _l(
            "Le montant encaissé n’est pas le prix fixé à l’attribution. Vérifiez, puis enregistrez de nouveau."
        ),
    ),
    Code.UNAVAILABLE: (
        _l("Service momentanément indisponible"),
        _l("La base de données ne répond pas. Réessayez dans quelques secondes : rien n’a été enregistré."),
    ),
    Code.BROKEN: (
        _l("Une panne de notre côté"),
        _l("Rien n’a été enregistré. Réessayez ; si cela recommence, donnez ce numéro à l’assistance."),
    ),
}


def problem(code: Code) -> tuple[str, str]:
    """The title and the sentence of a refusal, in the caller's language."""
    title, detail = PROBLEMS[code]
    return str(title), str(detail)


def word(value: str, vocabulary: str) -> str:
    """The word for a code, in the caller's language. Raises KeyError on a code without one."""
    vocabularies: Vocabularies = current_app.extensions["bank.words"]
    return str(vocabularies[vocabulary][str(value)])


def vocabulary(name: str) -> dict[str, str]:
    """Every word of a vocabulary by its code, in the caller's language. Raises KeyError on one that is none."""
    vocabularies: Vocabularies = current_app.extensions["bank.words"]
    return {code: str(text) for code, text in vocabularies[name].items()}


def merge(*parts: Vocabularies) -> dict[str, Mapping[str, LazyString]]:
    """One table out of the rooms'. Raises ValueError when two rooms name the same vocabulary."""
    merged: dict[str, Mapping[str, LazyString]] = {}
    for part in parts:
        twice = merged.keys() & part.keys()
        if twice:
            raise ValueError(f"vocabularies defined twice: {sorted(twice)}")
        merged |= part
    return merged
