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
        "shipped": _l("expédié"),
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
    # What a stock-take made of a thing.
    "sight": {
        "found": _l("trouvé"),
        "missing": _l("pas vu"),
        "unexpected": _l("pas attendu ici"),
        "unknown": _l("code inconnu"),
    },
    "unexpected_because": {
        "other_place": _l("Noté ailleurs."),
        "no_place": _l("Aucun emplacement n’est noté."),
        "missing": _l("Il était introuvable."),
        "gone": _l("Il ne devrait plus être ici. Appelez l’encadrant."),
        "elsewhere": _l("Il est à une autre organisation. Appelez l’encadrant."),
        "unknown": _l("Ce code n’est à aucun matériel de la banque. Mettez l’objet de côté."),
    },
    # What to do about one line of a stock-take, and what was done.
    "settlement_unexpected": {
        "put": _l("Le ranger ici"),
        "left": _l("Ne rien changer"),
    },
    "settlement_missing": {
        "left": _l("Ne rien changer"),
        "lost": _l("Le déclarer introuvable"),
    },
    "settled_as": {
        "put": _l("rangé ici"),
        "lost": _l("déclaré introuvable"),
        "left": _l("rien de changé"),
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
    # What the desk's page says by itself, without asking the server.
    "desk": {
        "pending": _l("En attente"),
        "done": _l("Fait"),
        "seen": _l("Vu"),
        "already": _l("Déjà fait"),
        "understood": _l("Compris"),
        "in_hand": _l("Ce matériel est déjà ouvert."),
        "empty": _l("Scannez une étiquette, ou tapez son code."),
        "count_one": _l("{n} scan"),
        "count_many": _l("{n} scans"),
        "count_done_one": _l("{n} fait"),
        "count_done_many": _l("{n} faits"),
        "count_already_one": _l("{n} déjà fait"),
        "count_already_many": _l("{n} déjà faits"),
        "count_undone_one": _l("{n} annulé"),
        "count_undone_many": _l("{n} annulés"),
        "count_refused_one": _l("{n} refusé"),
        "count_refused_many": _l("{n} refusés"),
        "count_pending_one": _l("{n} en attente"),
        "count_pending_many": _l("{n} en attente"),
        "camera_starting": _l("L’appareil photo s’allume…"),
        "camera_ready": _l("Montrez l’étiquette à l’appareil photo."),
        "camera_insecure": _l(
            "L’appareil photo ne marche qu’à une adresse en https. Prévenez l’encadrant, ou tapez le code."
        ),
        "camera_refused": _l(
            "L’appareil photo est refusé. Autorisez-le dans les réglages du navigateur, ou tapez le code."
        ),
        "camera_absent": _l("Il n’y a pas d’appareil photo ici. Tapez le code, ou prenez une douchette."),
        "camera_busy": _l("Un autre programme utilise l’appareil photo. Fermez-le, puis recommencez."),
        "camera_broken": _l("L’appareil photo ne répond pas. Fermez, puis recommencez."),
    },
    # What it refuses by itself, and what to do about it.
    "desk_refusal": {
        "not-a-badge": _l("Ce n’est pas un badge"),
        "half-done": _l("Des réponses ne sont pas envoyées"),
        "nothing-in-hand": _l("Aucun matériel en main"),
        "no-step": _l("Aucune étape à faire"),
        "nothing-to-undo": _l("Rien à annuler"),
        "scan-again": _l("À scanner de nouveau"),
    },
    "desk_refusal_do": {
        "not-a-badge": _l("Scannez un badge, ou une étiquette pour continuer."),
        "half-done": _l("Appuyez sur « C’est fait », ou scannez « Laisser tomber »."),
        "nothing-in-hand": _l("Scannez d’abord l’étiquette du matériel."),
        "no-step": _l("Ce matériel n’attend aucune étape. Scannez-en un autre."),
        "nothing-to-undo": _l("Aucun scan de ce poste ne peut être annulé."),
        "scan-again": _l("Le badge a été refusé : ce scan n’est à personne. Scannez de nouveau."),
    },
    # What the set-up page found out about a scanner.
    "scanner": {
        "fine": _l("Votre douchette est bien réglée."),
        "better": _l("Votre douchette marche. Elle peut marcher mieux."),
        "typed": _l("Vous avez tapé à la main. Scannez le carré avec la douchette."),
        "unknown": _l("Ce n’est pas le code d’essai."),
        "unknown_do": _l(
            "Scannez un des deux dessins de cette page. Vérifiez que la touche Verr. Maj est éteinte."
        ),
        "kept": _l("C’est retenu pour ce navigateur."),
        "layout_same": _l("Même clavier que l’ordinateur"),
        "layout_us_on_french": _l(
            "Clavier américain, ordinateur français : la banque remet les signes en place"
        ),
        "layout_french_on_us": _l(
            "Clavier français, ordinateur américain : la banque remet les signes en place"
        ),
        "layout_do": _l(
            "Pour lire aussi des numéros de série, choisissez « clavier français » dans la notice de la douchette."
        ),
        "end_enter": _l("Entrée"),
        "end_tab": _l("Tabulation"),
        "end_pause": _l("Rien : la page attend un court silence"),
        "end_button": _l("Rien : la page attend un court silence"),
        "end_do": _l("Pour aller plus vite, ajoutez « Entrée à la fin » avec la notice de la douchette."),
        "prefix_none": _l("Rien"),
        "prefix_kind": _l("La marque du dessin ({text}) : elle est comprise"),
        "prefix_own": _l("Des signes en plus ({text}) : la page les retire ici"),
        "prefix_do": _l(
            "Retirez ces signes avec la notice de la douchette : les autres pages ne les connaissent pas."
        ),
        "case_as_is": _l("Comme sur le dessin"),
        "case_upper": _l("Tout en majuscules"),
        "case_lower": _l("Tout en minuscules"),
        "case_swapped": _l("À l’envers : la touche Verr. Maj est allumée"),
        "case_do": _l("Éteignez la touche Verr. Maj du clavier."),
        "speed": _l("{n} millisecondes par signe"),
        "speed_slow": _l("{n} millisecondes par signe : c’est lent, la page s’y adapte"),
    },
    # What can be said of a whole tray: the choice, what it means, the button.
    "tray": {
        "put": _l("Ranger à un emplacement"),
        "pass": _l("Dire qu’une étape est faite"),
        "problem": _l("Dire un problème"),
        "ship": _l("Envoyer à une autre structure"),
        "labels": _l("Imprimer les étiquettes"),
        "hand_over": _l("Remettre au guichet"),
    },
    "tray_act": {
        "put": _l("Ranger tout"),
        "pass": _l("L’étape est faite pour tous"),
        "problem": _l("Tous ont ce problème"),
        "ship": _l("Tout envoyer"),
        "labels": _l("Choisir la planche"),
        "hand_over": _l("Aller au guichet"),
    },
    "tray_fault": {
        "needed": _l("Répondez à cette question."),
        "none-can": _l("Aucun de ces matériels ne convient. Entre 1 et 500 étiquettes par plateau."),
    },
    # Where a device is again once a scan was taken back.
    "step_again": {
        "power_on": _l("Ce matériel est de nouveau à l’étape mise en route."),
        "locks": _l("Ce matériel est de nouveau à l’étape verrous."),
        "erasure": _l("Ce matériel est de nouveau à l’étape effacement."),
        "marks": _l("Ce matériel est de nouveau à l’étape marques du donateur."),
        "repair": _l("Ce matériel est de nouveau à l’étape réparation."),
        "install": _l("Ce matériel est de nouveau à l’étape installation."),
        "functional": _l("Ce matériel est de nouveau à l’étape essai."),
        "cleaning": _l("Ce matériel est de nouveau à l’étape nettoyage."),
        "grading": _l("Ce matériel est de nouveau à l’étape état de l’objet."),
        "control": _l("Ce matériel est de nouveau à l’étape contrôle."),
    },
    "at_rest_again": {
        "received": _l("Ce matériel est de nouveau réceptionné. Son parcours n’est pas commencé."),
        "ready": _l("Ce matériel est disponible, à la place d’avant."),
        "reserved": _l("Ce matériel est réservé, à la place d’avant."),
        "harvested": _l("Ce matériel est pour pièces, à la place d’avant."),
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
