"""French words for this room's codes."""

from flask_babel import lazy_gettext as _l

from bank.web.words import Vocabularies, word

WORDS: Vocabularies = {
    "proof_kind": {
        "rsa_certificate": _l("Attestation de droits au revenu de solidarité active (RSA)"),
        "fsl_decision": _l("Décision du fonds de solidarité pour le logement (FSL)"),
        "structure_attestation": _l("Attestation de la structure qui accompagne la personne"),
    },
    # Several of them, after a figure.
    "categories": {
        "laptop": _l("ordinateurs portables"),
        "desktop": _l("unités centrales"),
        "all_in_one": _l("ordinateurs tout-en-un"),
        "screen": _l("écrans"),
        "teaching_screen": _l("écrans interactifs"),
        "tablet": _l("tablettes"),
        "smartphone": _l("smartphones"),
        "basic_phone": _l("téléphones simples"),
        "printer": _l("imprimantes"),
        "multifunction": _l("imprimantes multifonctions"),
        "scanner": _l("scanners"),
        "router": _l("routeurs"),
        "projector": _l("vidéoprojecteurs"),
        "accessory": _l("accessoires"),
    },
    "in_force": {
        "now": _l("en vigueur"),
        "later": _l("à venir"),
        "over": _l("terminé"),
    },
    "need": {
        "large_print": _l("de gros caractères"),
        "screen_reader": _l("un lecteur d’écran"),
        "mouse": _l("une souris"),
        "big_keyboard": _l("un clavier à grosses touches"),
        "simple_phone": _l("un téléphone simple"),
    },
    "request_state": {
        "open": _l("en attente"),
        "allocated": _l("matériel réservé"),
        "handed_over": _l("matériel remis"),
        "cancelled": _l("annulée"),
    },
    "allocation_state": {
        "live": _l("réservé"),
        "handed_over": _l("remis"),
        "released": _l("libéré"),
        "returned": _l("revenu"),
    },
    "payment": {
        "cash": _l("Espèces"),
        "cheque": _l("Chèque"),
        "card": _l("Carte"),
        "transfer": _l("Virement"),
        "none": _l("Rien à payer"),
    },
    "signature": {
        "on_screen": _l("La personne signe sur l’écran"),
        "code": _l("La personne dit le code de son bon"),
        "on_paper": _l("La personne signe la feuille"),
        "witness": _l("La personne ne peut pas signer : un témoin signe"),
    },
    "signature_of": {
        "on_screen": _l("la personne, sur l’écran"),
        "code": _l("la personne, par le code de son bon"),
        "on_paper": _l("la personne"),
        "witness": _l("un témoin, pour la personne"),
    },
    "collector": {
        "recipient": _l("la personne elle-même"),
        "mandated": _l("une personne mandatée"),
        "representative": _l("un représentant de la structure"),
    },
    "id_paper": {
        "identity_card": _l("carte d’identité"),
        "passport": _l("passeport"),
        "residence_permit": _l("titre de séjour"),
        "driving_licence": _l("permis de conduire"),
        "other": _l("autre papier"),
        "none": _l("aucun papier"),
    },
    "come_back": {
        "faulty": _l("Il est en panne"),
        "unsuited": _l("Il ne convient pas"),
        "no_longer_needed": _l("La personne n’en a plus besoin"),
        "loan_over": _l("Le prêt est fini"),
    },
    "ticked": {
        "ticked": _l("%(code)s : c’est bien lui."),
        "already": _l("%(code)s : déjà scanné."),
        "not-ours": _l(
            "%(code)s : ce matériel n’est pas pour cette demande. Mettez-le de côté et scannez l’autre."
        ),
        "unreadable": _l("Ce n’est pas un code de la banque. Scannez de nouveau, ou tapez les dix signes."),
        "glued": _l("Deux codes se sont collés. Scannez un seul code."),
    },
    "cancel_reason": {
        "no_longer_needed": _l("plus besoin"),
        "mistake": _l("demande faite par erreur"),
        "no_show": _l("personne n’est venu"),
        "not_possible": _l("impossible à satisfaire"),
    },
    "eligibility": {
        "programme-not-in-force": _l("Ce dispositif n’est pas en vigueur aujourd’hui."),
        "wrong-recipient": _l("Ce dispositif ne s’adresse pas à ce type de bénéficiaire."),
        "not-a-prescriber": _l("Seul un prescripteur peut demander pour une personne."),
        "not-a-structure": _l("Seule une structure peut demander pour elle-même."),
        "capacity-missing": _l(
            "Ce dispositif est réservé aux organisations accréditées pour la grande précarité."
        ),
        "proof-missing": _l("Choisissez le justificatif que vous avez vu."),
        "proof-not-accepted": _l("Ce dispositif n’accepte pas ce justificatif."),
        "proof-day-missing": _l("Indiquez la date du justificatif."),
        "proof-in-future": _l("La date du justificatif est dans le futur. Vérifiez-la."),
        "proof-too-old": _l(
            "Ce justificatif est trop ancien pour ce dispositif. Demandez-en un plus récent."
        ),
        "proof-not-seen": _l(
            "Cochez la case si vous avez vu le justificatif. Sinon, la demande doit attendre."
        ),
    },
    "price_reason": {
        "tariff-general": _l("prix du dispositif"),
        "tariff-of-seller": _l("prix du dispositif pour ce vendeur"),
        "free-of-charge": _l("gratuit"),
        "private-gift": _l("don privé, sans plafond légal"),
        "public-gift": _l("don d’un organisme public"),
        "origin-unknown": _l("origine non établie : don gratuit seulement"),
        "within-cap": _l("sous le plafond légal"),
    },
    "price_obstacle": {
        "no-tariff": _l("La grille ne donne pas de prix pour ce cas aujourd’hui."),
        "ambiguous-tariff": _l("La grille donne deux prix pour ce cas. Il faut d’abord la corriger."),
        "no-seller": _l(
            "Personne n’a le titre de propriété de ce matériel : il ne peut être ni vendu ni donné."
        ),
        "recipient-excluded": _l(
            "La loi exclut ce bénéficiaire pour ce don d’un organisme public (%(article)s)."
        ),
        "sale-forbidden": _l("La loi interdit de vendre ce matériel (%(article)s)."),
        "seller-not-entitled": _l(
            "Le vendeur n’a pas la capacité de vendre un don public : "
            "il faut l’utilité publique ou l’intérêt général (%(article)s)."
        ),
        "no-cap": _l(
            "Aucun plafond légal n’existe pour cette catégorie : la vente est refusée (%(article)s)."
        ),
        "price-above-cap": _l("Le prix dépasse le plafond légal (%(article)s)."),
        "donor-forbids-sale": _l("Le donateur a interdit la revente."),
    },
    "request_problem": {
        "nir": _l("Ceci ressemble à un numéro de sécurité sociale. La banque n’a pas le droit de le garder."),
        "unknown": _l("Ce dispositif n’existe pas."),
        "missing": _l("Indiquez le nom de la personne."),
        "price-range": _l("Un prix de 0 à 10 000 euros."),
        "unknown-seller": _l("Ce vendeur n’existe pas."),
        "code-form": _l("Des lettres sans accent, des chiffres, des tirets : 30 signes au plus."),
        "in-the-past": _l("Le passé ne se change pas. Choisissez aujourd’hui ou un jour à venir."),
        "source-missing": _l("Dites d’où vient cette règle : une délibération, un décret, une convention."),
        "already-planned": _l(
            "Une ligne commence déjà ce jour-là ou plus tard. Choisissez un jour plus éloigné."
        ),
        "nothing-asked": _l("Choisissez au moins un matériel."),
        "birth-date": _l("Cette date de naissance n’est pas possible. Vérifiez-la."),
        "category-twice": _l("La même catégorie est demandée deux fois. Gardez une seule ligne."),
        "one-of-each": _l("Pour une personne, un seul matériel de chaque catégorie."),
        "other-category": _l("Ce matériel n’est pas de la catégorie demandée."),
        "not-allocated": _l("Cette demande n’a pas encore tout son matériel."),
        "device-missing": _l("Il manque un matériel de cette demande. Scannez-le aussi."),
        "device-unexpected": _l("Un matériel scanné n’est pas de cette demande. Retirez-le."),
        "other-collector": _l("Cette réponse ne va pas avec cette demande."),
        "signer-missing": _l("Écrivez le nom de qui vient chercher le matériel."),
        "title-missing": _l("Écrivez sa fonction dans la structure."),
        "witness-missing": _l("Écrivez le nom du témoin."),
        "drawing-missing": _l("Personne n’a signé dans le cadre. Signez, ou choisissez une autre façon."),
        "no-slip": _l("Cette demande n’a pas de bon. Choisissez une autre façon de signer."),
        "wrong-pin": _l("Ce n’est pas le code inscrit sur le bon. Vérifiez les six chiffres."),
        "too-many-tries": _l("Trop d’essais avec ce code. Choisissez une autre façon de signer."),
        "not-at-desk": _l("Choisissez le guichet où se trouve tout le matériel."),
        "past-day": _l("Ce jour est passé. Choisissez-en un autre."),
        "far-day": _l("Ce jour est dans plus d’un an. Vérifiez l’année."),
    },
}


def obstacle(value: str, article: str | None) -> str:
    """The sentence for an obstacle of price or law, with its article, in the caller's language."""
    return word(value, "price_obstacle") % {"article": article or ""}
