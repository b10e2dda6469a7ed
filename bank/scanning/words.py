"""French words for this room's codes."""

from flask_babel import lazy_gettext as _l

from bank.web.words import Vocabularies

WORDS: Vocabularies = {
    "scan_outcome": {
        "entered": _l("commencé"),
        "passed": _l("fait"),
        "finished": _l("disponible"),
        "kept": _l("à refaire"),
        "blocked": _l("bloqué"),
        "sent_back": _l("renvoyé"),
        "help_called": _l("aide demandée"),
        "put": _l("rangé"),
        "undone": _l("annulé"),
        "nothing": _l("rien à faire"),
    },
    # A thing in hand, as the start of a sentence.
    "this": {
        "laptop": _l("Cet ordinateur portable"),
        "desktop": _l("Cette unité centrale"),
        "all_in_one": _l("Cet ordinateur tout-en-un"),
        "screen": _l("Cet écran"),
        "teaching_screen": _l("Cet écran interactif"),
        "tablet": _l("Cette tablette"),
        "smartphone": _l("Ce smartphone"),
        "basic_phone": _l("Ce téléphone"),
        "printer": _l("Cette imprimante"),
        "multifunction": _l("Cette imprimante multifonction"),
        "scanner": _l("Ce scanner"),
        "router": _l("Ce routeur"),
        "projector": _l("Ce vidéoprojecteur"),
        "accessory": _l("Cet accessoire"),
    },
    "text_size": {
        "normal": _l("Normale"),
        "large": _l("Grande"),
        "largest": _l("Très grande"),
    },
    # What a scanner alone can say, and what to scan after it.
    "command": {
        "done": _l("C’est fait"),
        "help": _l("J’ai besoin d’aide"),
        "undo": _l("Annuler mon dernier scan"),
        "cancel": _l("Laisser tomber"),
        "place": _l("Emplacement"),
        "badge": _l("Badge suivant"),
    },
    "command_next": {
        "done": _l("L’étape du matériel scanné est faite."),
        "help": _l("Quelqu’un vient. Restez là."),
        "undo": _l("Ce que le scan a fait est défait."),
        "cancel": _l("Ce qui est commencé est oublié."),
        "place": _l("Scannez ensuite l’étiquette de l’emplacement."),
        "badge": _l("Scannez ensuite un badge."),
    },
    # What a device is that no step awaits, and what to do with it.
    "at_rest": {
        "announced": _l("Ce matériel est annoncé. Il n’est pas encore réceptionné."),
        "received": _l(
            "Ce matériel est réceptionné. Aucun parcours n’est en vigueur : prévenez l’encadrant."
        ),
        "in_work": _l("Ce matériel est en atelier."),
        "ready": _l("Ce matériel est disponible. Rangez-le au stock."),
        "reserved": _l("Ce matériel est réservé. Portez-le au guichet de remise."),
        "handed_over": _l("Ce matériel est remis à quelqu’un. Appelez l’encadrant."),
        "on_loan": _l("Ce matériel est prêté. Appelez l’encadrant."),
        "missing": _l("Ce matériel était introuvable. Gardez-le et appelez l’encadrant."),
        "harvested": _l("Ce matériel est pour pièces."),
        "recycled": _l("Ce matériel est parti au recyclage. Appelez l’encadrant."),
        "returned_to_donor": _l("Ce matériel est rendu à son donateur. Appelez l’encadrant."),
    },
    # The proof is there but not whole: what is wrong with it.
    "evidence_fault": {
        "drives-or-no-drive": _l("Décrivez chaque disque, ou cochez qu’il n’y en a pas."),
        "drive-incomplete": _l("Dites ce qu’est devenu chaque disque."),
        "drive-twice": _l("Deux disques portent le même numéro de série. Vérifiez les numéros."),
        "repairs-missing": _l("Cochez ce que vous avez réparé, ou « Rien à réparer »."),
        "repairs-and-none": _l(
            "Vous avez coché « Rien à réparer » et une réparation. Gardez l’un ou l’autre."
        ),
        "os-missing": _l("Choisissez ce que vous avez installé."),
        "os-unsupported": _l("Ce système n’est plus tenu à jour. Installez-en un autre."),
        "checks-missing": _l("Dites pour chaque fonction si elle marche."),
        "checks-of-another-kind": _l("Cet appareil n’a pas toutes ces fonctions. Scannez-le de nouveau."),
        "grade-missing": _l("Dites comment est l’appareil."),
        "battery-missing": _l("Écrivez ce qui reste de la batterie, de 0 à 100."),
        "battery-without": _l("Cet appareil n’a pas de batterie. Laissez vide."),
    },
}
