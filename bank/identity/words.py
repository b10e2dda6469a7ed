"""French words for this room's codes."""

from flask_babel import lazy_gettext as _l

from bank.actor import Permission
from bank.identity.models import CapacityKind, LegalNature, OrganisationRole, PersonRole, WorkshopKind
from bank.web.words import Vocabularies

WORDS: Vocabularies = {
    "role": {
        PersonRole.COORDINATOR: _l("coordination de la banque"),
        PersonRole.ADMINISTRATOR: _l("gestion des comptes"),
        PersonRole.DONOR: _l("suivi des dons"),
        PersonRole.OPERATOR: _l("travail à l’atelier"),
        PersonRole.SUPERVISOR: _l("encadrement de l’atelier"),
        PersonRole.PRESCRIBER: _l("prescription"),
        PersonRole.STRUCTURE: _l("demandes pour la structure"),
        PersonRole.DESK: _l("remise au guichet"),
    },
    # Who does it, where the sign-in page of a demo offers to be them.
    "demo_role": {
        PersonRole.COORDINATOR: _l("Coordination de la banque"),
        PersonRole.ADMINISTRATOR: _l("Gestion des comptes"),
        PersonRole.DONOR: _l("Donateur"),
        PersonRole.OPERATOR: _l("Opérateur d’atelier"),
        PersonRole.SUPERVISOR: _l("Encadrant d’atelier"),
        PersonRole.PRESCRIBER: _l("Prescripteur"),
        PersonRole.STRUCTURE: _l("Structure à équiper"),
        PersonRole.DESK: _l("Guichet de remise"),
    },
    "organisation_role": {
        OrganisationRole.BANK: _l("coordonne la banque"),
        OrganisationRole.DONOR: _l("donateur"),
        OrganisationRole.WORKSHOP: _l("atelier"),
        OrganisationRole.PRESCRIBER: _l("prescripteur"),
        OrganisationRole.STRUCTURE: _l("structure équipée"),
        OrganisationRole.DESK: _l("guichet de remise"),
        OrganisationRole.FUNDER: _l("financeur"),
    },
    "legal_nature": {
        LegalNature.PUBLIC_BODY: _l("personne publique"),
        LegalNature.COMPANY: _l("entreprise"),
        LegalNature.ASSOCIATION: _l("association"),
        LegalNature.PERSON: _l("particulier"),
    },
    "workshop_kind": {
        WorkshopKind.EA: _l("entreprise adaptée (EA)"),
        WorkshopKind.ESAT: _l("établissement ou service d’accompagnement par le travail (ESAT)"),
        WorkshopKind.ACI: _l("atelier et chantier d’insertion (ACI)"),
        WorkshopKind.OTHER: _l("autre atelier"),
    },
    "capacity": {
        CapacityKind.RUP: _l("reconnue d’utilité publique"),
        CapacityKind.GENERAL_INTEREST: _l("intérêt général, avec l’objet d’équiper, former et accompagner"),
        CapacityKind.ESUS: _l("entreprise solidaire d’utilité sociale (ESUS)"),
        CapacityKind.RECEIPTS: _l("peut émettre des reçus fiscaux"),
        CapacityKind.VAT_LIABLE: _l("soumise à la TVA"),
        CapacityKind.VAT_EXEMPT: _l("exonérée de TVA"),
        CapacityKind.HARDSHIP: _l("accréditée pour la grande précarité"),
    },
    "permission": {
        Permission.ORGANISATION_SEE: _l("voir les organisations"),
        Permission.ORGANISATION_EDIT: _l("modifier les organisations"),
        Permission.PERSON_INVITE: _l("inviter et désactiver des personnes"),
        Permission.TOKEN_MANAGE: _l("créer des jetons d’accès"),
        Permission.BATCH_SEE: _l("voir les lots"),
        Permission.BATCH_ANNOUNCE: _l("annoncer des lots"),
        Permission.BATCH_ENTER: _l("saisir les lots"),
        Permission.BATCH_RECEIVE: _l("réceptionner les lots"),
        Permission.BATCH_TAKE_IN: _l("réceptionner sans annonce"),
        Permission.DEVICE_SEE: _l("voir les matériels"),
        Permission.DEVICE_SCAN: _l("scanner les matériels"),
        Permission.WORKSHOP_RUN: _l("encadrer l’atelier"),
        Permission.INCIDENT_SETTLE: _l("suivre les incidents"),
        Permission.STATION_MANAGE: _l("gérer les postes et les badges"),
        Permission.LABEL_PRINT: _l("imprimer les étiquettes"),
        Permission.PLACE_EDIT: _l("créer et renommer les emplacements"),
        Permission.SHIPMENT_RECEIVE: _l("réceptionner les transferts"),
        Permission.REQUEST_SEE: _l("voir les demandes"),
        Permission.REQUEST_MAKE: _l("faire des demandes"),
        Permission.REQUEST_ALLOCATE: _l("attribuer les matériels"),
        Permission.PRICE_EDIT: _l("fixer les dispositifs et les prix"),
        Permission.LOOK_SEE: _l("voir qui a consulté les dossiers"),
        Permission.APPOINTMENT_SET: _l("donner des rendez-vous"),
        Permission.HANDOVER_MAKE: _l("remettre les matériels"),
        Permission.WHOLE_BANK: _l("voir toutes les organisations de la banque"),
    },
    "link_purpose": {
        "reset": _l("Choisir un nouveau mot de passe"),
        "invitation": _l("Bienvenue : choisissez votre mot de passe"),
    },
    "person_state": {
        "invited": _l("invitation envoyée"),
        "active": _l("compte ouvert"),
        "disabled": _l("compte désactivé"),
    },
    "token_state": {
        "valid": _l("en service"),
        "expired": _l("expiré"),
        "revoked": _l("révoqué"),
    },
    "identity_said": {
        "signed-out": _l("Vous êtes déconnecté."),
        "too-long-to-keep": _l(
            "Votre session a expiré, et ce que vous aviez saisi est trop long pour être gardé ici. "
            "Revenez en arrière avec votre navigateur pour le retrouver."
        ),
        "typed-by-another": _l(
            "Ce qui avait été saisi ici n’est pas à vous, ou votre compte ne peut pas l’envoyer. "
            "Rien n’a été envoyé, rien n’a été montré."
        ),
        "reset-asked": _l(
            "Si un compte existe à cette adresse, un message y part maintenant. "
            "Il contient un lien, valable une heure."
        ),
        "password-set": _l("Mot de passe enregistré. Les autres sessions sont fermées."),
        "token-shown": _l("Ce jeton est déjà créé. Il n’est montré qu’une fois."),
        "token-revoked": _l("Jeton révoqué : il n’ouvre plus rien."),
        "organisation-created": _l("Organisation enregistrée."),
        "organisation-edited": _l("Changements enregistrés."),
        "invited": _l("Invitation envoyée. Le lien est valable 7 jours."),
        "station-enrolled": _l("Ce navigateur est maintenant un poste. Les badges l’ouvrent."),
        "station-edited": _l("Poste enregistré."),
        "station-left": _l("Poste verrouillé."),
        "station-revoked": _l("Poste retiré : plus aucun badge ne l’ouvre."),
        "badge-shown": _l("Ce badge est déjà fait. Sa carte ne se montre qu’une fois : faites-en un autre."),
        "badge-voided": _l("Badge annulé : il n’ouvre plus rien."),
        "badge-unlocked": _l("Badge débloqué."),
        "pin-set": _l("Code enregistré."),
        "card-expired": _l("Cette carte ne se montre plus. Faites un nouveau badge."),
        "disabled": _l("Compte désactivé : cette personne n’a plus accès."),
    },
    "badge_state": {
        "none": _l("pas de badge"),
        "without-pin": _l("sans code"),
        "in-service": _l("en service"),
        "locked": _l("bloqué"),
    },
    "badge_refusal": {
        "unknown": _l("Ce badge n’est pas connu ici. Scannez-le de nouveau, ou appelez l’encadrant."),
        "locked": _l("Ce badge est bloqué. Appelez l’encadrant : il peut le débloquer."),
        "no-pin": _l("Ce badge n’a pas encore de code. Appelez l’encadrant : il en choisit un avec vous."),
        "wrong-pin": _l("Ce n’est pas le bon code. Essayez de nouveau."),
        "too-late": _l("Trop de temps a passé. Scannez votre badge de nouveau."),
        "not-a-station": _l("Ce navigateur n’est pas un poste. Appelez l’encadrant."),
    },
    "account_refusal": {
        "own-account": _l("Vous ne pouvez pas désactiver votre propre compte. Demandez à un collègue."),
        "last-coordinator": _l(
            "C’est le dernier compte de coordination ouvert. Invitez d’abord une autre personne à coordonner."
        ),
        "not-waiting": _l("Cette personne n’attend pas d’invitation."),
    },
    "identity_fault": {
        "siret-wrong": _l("Ce n’est pas un SIRET. Recopiez ses 14 chiffres."),
        "siret-of-a-person": _l("Un particulier n’a pas de SIRET. Videz ce champ."),
        "phone-wrong": _l("Ce n’est pas un numéro de téléphone. Exemple : 01 99 00 12 34."),
        "kind-missing": _l("Choisissez le type d’atelier."),
        "kind-without-workshop": _l("Cette organisation n’est pas un atelier. Videz ce choix."),
        "days-reversed": _l("Une qualité se termine avant d’avoir commencé. Vérifiez ses dates."),
        "capacity-twice": _l("La même qualité est inscrite deux fois pour les mêmes jours."),
        "vat-contradiction": _l("Soumise à la TVA et exonérée les mêmes jours : gardez l’une des deux."),
        "role-in-use": _l(
            "Des personnes de cette organisation travaillent encore avec un rôle que vous retirez. "
            "Désactivez d’abord leurs comptes."
        ),
        "role-misplaced": _l("Un de ces rôles ne va pas avec ce que fait l’organisation."),
        "role-beyond": _l("Seule la coordination de la banque peut donner ce rôle."),
        "email-wrong": _l("Cette adresse n’a pas la bonne forme. Exemple : prenom.nom@exemple.fr."),
        "password-wrong": _l("Ce n’est pas votre mot de passe actuel."),
        "password-short": _l("Trop court : il faut 12 signes ou plus. Une phrase convient très bien."),
        "password-long": _l("Trop long : 200 signes au plus."),
        "password-commonplace": _l("Trop courant : d’autres l’essaieraient. Choisissez autre chose."),
        "password-is-email": _l("C’est votre adresse. Choisissez autre chose."),
        "scope-beyond": _l("Un jeton ne peut pas faire plus que vous."),
        "days-out-of-range": _l("De 1 à 365 jours."),
        "pin-wrong": _l("Un code a de 4 à 6 chiffres, et rien d’autre."),
        "pin-easy": _l("Trop facile à deviner. Évitez les suites, les chiffres répétés et les années."),
    },
}
