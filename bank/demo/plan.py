"""What happened in the demo's six months, as tables: what was given, what became of it, who asked for what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bank.allocation.counter import ComeBack
from bank.allocation.models import ProofKind
from bank.inventory.models import Category, LegalBasis, StepKind
from bank.workshops.models import Problem

C, S, P = Category, StepKind, Problem


class How(StrEnum):
    """The way that a batch came."""

    # Written by the coordinator, after a decision of the donor's.
    ENTERED = "entered"
    # Written and sent by the donor, decided by the coordinator.
    ANNOUNCED = "announced"
    # Counted in at the dock.
    UNANNOUNCED = "unannounced"


class End(StrEnum):
    """How far a device gets, or what happens to it on its way."""

    READY = "ready"
    # It is on the shelf of what came in, and nobody has begun.
    WAITS = "waits"
    STAYS = "stays"
    BLOCKED = "blocked"
    MENDED = "mended"
    SWAPPED = "swapped"
    ERASED_TWICE = "erased_twice"
    SENT_BACK = "sent_back"
    HARVESTED = "harvested"
    RECYCLED = "recycled"
    STRIPPED = "stripped"
    RETURNED = "returned"
    LOST = "lost"
    FOUND = "found"


@dataclass(frozen=True)
class Fate:
    """What becomes of one device: at the first of these steps that it comes to, for this reason."""

    end: End
    at: tuple[StepKind, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True)
class Lot:
    """One batch. Its first devices have the fates that are told; the others are drawn, or ready where `steady`."""

    day: float
    how: How
    donor: str | None
    workshop: str
    counts: Mapping[Category, int]
    basis: LegalBasis = LegalBasis.PRIVATE_GIFT
    fates: Mapping[Category, tuple[Fate, ...]] = field(default_factory=dict)
    # Of the things announced, those that were not on the lorry, and those that were sent back at the dock.
    absent: Mapping[Category, int] = field(default_factory=dict)
    refused: Mapping[Category, int] = field(default_factory=dict)
    purge_asked: bool = False
    steady: bool = False
    # Nobody but the structures of the story's end gets these.
    kept: bool = False
    without_drives: bool = False
    # Days between two steps, at most.
    pace: float = 1.2


READY = Fate(End.READY)
WAITS = Fate(End.WAITS)
# What becomes of devices of which nothing is told; of a hundred.
DRAWN: tuple[tuple[Fate, int], ...] = (
    (READY, 72),
    (Fate(End.MENDED, (S.REPAIR, S.FUNCTIONAL), P.PART_MISSING), 5),
    (Fate(End.MENDED, (S.LOCKS, S.MARKS), P.OTHER), 2),
    (Fate(End.SWAPPED, (S.REPAIR,)), 2),
    (Fate(End.ERASED_TWICE, (S.ERASURE,)), 3),
    (Fate(End.SENT_BACK, (S.CONTROL,), P.DIRTY), 4),
    (Fate(End.HARVESTED, (S.REPAIR, S.FUNCTIONAL)), 4),
    (Fate(End.RECYCLED, (S.REPAIR, S.FUNCTIONAL)), 6),
    (Fate(End.STRIPPED, (S.REPAIR, S.FUNCTIONAL)), 2),
)

AT_EACH_STEP = tuple(Fate(End.STAYS, (step,)) for step in StepKind for _ in range(2))
BLOCKED = (
    Fate(End.BLOCKED, (S.POWER_ON,), P.NO_CHARGER),
    Fate(End.BLOCKED, (S.LOCKS,), P.BIOS_PASSWORD),
    Fate(End.BLOCKED, (S.LOCKS,), P.MANAGED),
    Fate(End.BLOCKED, (S.ERASURE,), P.DRIVE_DEAD),
    Fate(End.BLOCKED, (S.REPAIR,), P.PART_MISSING),
    Fate(End.BLOCKED, (S.INSTALL,), P.INSTALL_FAILED),
    Fate(End.BLOCKED, (S.FUNCTIONAL,), P.KEYBOARD_BROKEN),
    Fate(End.BLOCKED, (S.GRADING,), P.BATTERY_DEAD),
    Fate(End.BLOCKED, (S.CLEANING,), P.BATTERY_SWOLLEN),
)

BNP, POSTE, DEPARTMENT, GENDARMERIE = "donateur", "laposte", "departement", "gendarmerie"
PUBLIC = frozenset({DEPARTMENT, GENDARMERIE})
# What the law lets be sold when a public body gave it.
CAPPED = frozenset({C.LAPTOP, C.DESKTOP, C.TABLET, C.SMARTPHONE, C.SCREEN, C.PRINTER, C.MULTIFUNCTION})
AGOIE, LOXY, ESAT = "agoie", "loxy", "esat"
PICKUPS = {
    BNP: "Entrepôt BNP Paribas, quai 3, 12 rue de la Patelle, 95310 Saint-Ouen-l’Aumône",
    POSTE: "Plateforme La Poste, porte B, 95500 Gonesse",
    DEPARTMENT: "Hôtel du Département, sous-sol du bâtiment G, 95032 Cergy-Pontoise",
    GENDARMERIE: "Caserne Bossut, magasin général, 95300 Pontoise",
}

LOTS = (
    Lot(
        day=1.1,
        how=How.ENTERED,
        donor=BNP,
        workshop=AGOIE,
        counts={C.LAPTOP: 18, C.DESKTOP: 12, C.SCREEN: 20},
    ),
    # What stood in the cellar when the bank opened: nobody knows whose it was.
    Lot(
        day=3.2,
        how=How.UNANNOUNCED,
        donor=None,
        workshop=AGOIE,
        counts={C.SCREEN: 16, C.PRINTER: 6, C.ACCESSORY: 30, C.SCANNER: 4, C.LAPTOP: 6},
        fates={C.PRINTER: (Fate(End.RECYCLED, (S.FUNCTIONAL,)),) * 2},
        pace=2.5,
    ),
    Lot(
        day=12.3,
        how=How.ENTERED,
        donor=DEPARTMENT,
        workshop=AGOIE,
        basis=LegalBasis.L3212_3,
        counts={C.DESKTOP: 18, C.SCREEN: 18, C.LAPTOP: 14},
        fates={
            C.LAPTOP: (
                Fate(End.LOST, (S.POWER_ON,)),
                Fate(End.RETURNED, (S.LOCKS,), P.MANAGED),
                Fate(End.RETURNED, (S.LOCKS,), P.MANAGED),
            )
        },
    ),
    # Refurbished before they came, with certificates: what is left to do is done in a day.
    Lot(
        day=22.2,
        how=How.ANNOUNCED,
        donor=POSTE,
        workshop=LOXY,
        counts={C.LAPTOP: 14},
        steady=True,
        pace=0.08,
    ),
    Lot(
        day=34.5,
        how=How.ENTERED,
        donor=GENDARMERIE,
        workshop=ESAT,
        basis=LegalBasis.L3212_2_3,
        counts={C.DESKTOP: 22, C.ALL_IN_ONE: 4},
        without_drives=True,
        pace=3,
    ),
    Lot(
        day=46.1,
        how=How.ANNOUNCED,
        donor=BNP,
        workshop=AGOIE,
        counts={C.LAPTOP: 26, C.DESKTOP: 16, C.SCREEN: 26, C.ACCESSORY: 12},
        absent={C.LAPTOP: 2},
        refused={C.SCREEN: 3},
        purge_asked=True,
        fates={C.SCREEN: (Fate(End.LOST, (S.CLEANING,)),), C.LAPTOP: (Fate(End.FOUND, (S.LOCKS,)),)},
    ),
    Lot(
        day=60.4,
        how=How.ENTERED,
        donor=DEPARTMENT,
        workshop=AGOIE,
        basis=LegalBasis.L3212_3,
        counts={C.TABLET: 32, C.TEACHING_SCREEN: 6, C.PROJECTOR: 4},
    ),
    Lot(
        day=76.6,
        how=How.UNANNOUNCED,
        donor=POSTE,
        workshop=LOXY,
        counts={C.SMARTPHONE: 14, C.BASIC_PHONE: 14},
        fates={C.SMARTPHONE: (Fate(End.RETURNED, (S.LOCKS,), P.ACCOUNT_LOCK),) * 2},
    ),
    Lot(
        day=90.3,
        how=How.ANNOUNCED,
        donor=BNP,
        workshop=LOXY,
        counts={C.SMARTPHONE: 20, C.ROUTER: 16, C.MULTIFUNCTION: 6, C.PRINTER: 5, C.PROJECTOR: 3},
    ),
    Lot(
        day=108.2,
        how=How.ANNOUNCED,
        donor=BNP,
        workshop=AGOIE,
        counts={C.DESKTOP: 16, C.SCREEN: 16},
        steady=True,
        kept=True,
    ),
    Lot(
        day=118.4,
        how=How.ENTERED,
        donor=BNP,
        workshop=AGOIE,
        counts={C.LAPTOP: 32, C.ALL_IN_ONE: 6, C.TABLET: 6, C.ACCESSORY: 14},
    ),
    Lot(
        day=128.5,
        how=How.ENTERED,
        donor=DEPARTMENT,
        workshop=AGOIE,
        basis=LegalBasis.L3212_3,
        counts={C.DESKTOP: 8, C.SCREEN: 8},
        steady=True,
        kept=True,
    ),
    Lot(
        day=145.1,
        how=How.ANNOUNCED,
        donor=POSTE,
        workshop=LOXY,
        counts={C.LAPTOP: 8},
        steady=True,
        pace=0.08,
    ),
    Lot(
        day=160.2,
        how=How.ANNOUNCED,
        donor=BNP,
        workshop=AGOIE,
        counts={C.LAPTOP: 34, C.SCREEN: 8},
        fates={
            C.LAPTOP: (*BLOCKED, *AT_EACH_STEP),
            C.SCREEN: (Fate(End.BLOCKED, (S.FUNCTIONAL,), P.BROKEN_GLASS), Fate(End.STAYS, (S.MARKS,))),
        },
        pace=0.8,
    ),
    Lot(
        day=168.3,
        how=How.ENTERED,
        donor=GENDARMERIE,
        workshop=ESAT,
        basis=LegalBasis.L3212_2_3,
        counts={C.LAPTOP: 14},
        fates={C.LAPTOP: (*AT_EACH_STEP[:8], WAITS, WAITS, WAITS)},
        without_drives=True,
        pace=1,
    ),
    Lot(
        day=176.4,
        how=How.ANNOUNCED,
        donor=BNP,
        workshop=AGOIE,
        counts={C.LAPTOP: 16, C.DESKTOP: 4},
        fates={C.LAPTOP: (WAITS,) * 16, C.DESKTOP: (WAITS,) * 4},
    ),
)


class Stage(StrEnum):
    """Where a batch that has not come yet stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class Announced:
    """A batch that has not come, or never will."""

    day: float
    donor: str
    stage: Stage
    counts: Mapping[Category, int]
    note: str = ""


ANNOUNCED = (
    Announced(
        day=70.2,
        donor=BNP,
        stage=Stage.REFUSED,
        counts={C.SCREEN: 60},
        note="Écrans à tube de 2004 : aucun atelier ne peut les remettre en état. Une filière de recyclage "
        "les prend.",
    ),
    Announced(day=100.5, donor=GENDARMERIE, stage=Stage.WITHDRAWN, counts={C.PRINTER: 8}),
    Announced(day=174.2, donor=BNP, stage=Stage.ACCEPTED, counts={C.LAPTOP: 40, C.ACCESSORY: 20}),
    Announced(day=178.3, donor=POSTE, stage=Stage.SUBMITTED, counts={C.LAPTOP: 25}),
    Announced(day=180.4, donor=DEPARTMENT, stage=Stage.SUBMITTED, counts={C.TABLET: 30, C.PROJECTOR: 2}),
    Announced(day=180.6, donor=BNP, stage=Stage.DRAFT, counts={C.LAPTOP: 12, C.SCREEN: 4}),
    Announced(day=179.5, donor=DEPARTMENT, stage=Stage.DRAFT, counts={C.DESKTOP: 15}),
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asks for. `kept`: only from the batches that are kept for the story's end."""

    asker: str
    programme: str
    lines: tuple[tuple[Category, int], ...]
    proof: ProofKind | None = None
    come_back: ComeBack | None = None
    cancelled: bool = False
    # The coordinator leaves it to whoever tries the demo.
    left_open: bool = False


def _person(asker: str, programme: str, proof: ProofKind, *categories: Category) -> Wish:
    lines = tuple((category, 1) for category in categories)
    return Wish(asker=asker, programme=programme, lines=lines, proof=proof)


K = ProofKind
# What the prescribers ask for, turn by turn.
OF_PEOPLE = (
    _person("prescripteur", "RSA", K.RSA_CERTIFICATE, C.LAPTOP),
    _person("francetravail", "RSA", K.RSA_CERTIFICATE, C.LAPTOP),
    _person("ccas", "FSL", K.FSL_DECISION, C.LAPTOP),
    _person("prescripteur", "GRANDE-PRECARITE", K.STRUCTURE_ATTESTATION, C.SMARTPHONE),
    _person("departement", "RSA", K.RSA_CERTIFICATE, C.LAPTOP),
    _person("francetravail", "RSA", K.RSA_CERTIFICATE, C.DESKTOP, C.SCREEN),
    _person("prescripteur", "GRANDE-PRECARITE", K.STRUCTURE_ATTESTATION, C.LAPTOP),
    _person("ccas", "RSA", K.RSA_CERTIFICATE, C.DESKTOP, C.SCREEN),
    _person("departement", "FSL", K.FSL_DECISION, C.LAPTOP),
    _person("prescripteur", "RSA", K.RSA_CERTIFICATE, C.TABLET),
    _person("francetravail", "RSA", K.RSA_CERTIFICATE, C.LAPTOP),
    _person("prescripteur", "GRANDE-PRECARITE", K.STRUCTURE_ATTESTATION, C.BASIC_PHONE),
    _person("ccas", "FSL", K.FSL_DECISION, C.LAPTOP),
    _person("departement", "RSA", K.RSA_CERTIFICATE, C.ROUTER),
)
# From which day on a prescriber asks, and every how many days.
ASKED_FROM, ASKED_EVERY = 16.0, 1.05
BACK = {7: ComeBack.FAULTY, 23: ComeBack.UNSUITED, 41: ComeBack.NO_LONGER_NEEDED, 58: ComeBack.FAULTY}
BACK |= {118: ComeBack.FAULTY, 126: ComeBack.UNSUITED, 128: ComeBack.FAULTY}
CANCELLED = (19, 66, 104)

OF_STRUCTURES = (
    (88.2, Wish(asker="persan", programme="TABLETTES", lines=((C.TABLET, 4),), come_back=ComeBack.LOAN_OVER)),
    (125.3, Wish(asker="persan", programme="TABLETTES", lines=((C.TABLET, 6),))),
    (
        95.4,
        Wish(asker="persan", programme="ESPACE-ASSOCIATION", lines=((C.DESKTOP, 3), (C.SCREEN, 3))),
    ),
    (130.2, Wish(asker="ccas", programme="ESPACE-COMMUNE", lines=((C.ALL_IN_ONE, 2),))),
    (
        176.3,
        Wish(
            asker="ccas",
            programme="ESPACE-COMMUNE",
            lines=((C.DESKTOP, 10), (C.SCREEN, 10)),
            left_open=True,
        ),
    ),
    # More than the stock holds: it is served in part, and waits.
    (150.4, Wish(asker="persan", programme="ESPACE-ASSOCIATION", lines=((C.LAPTOP, 3), (C.PROJECTOR, 9)))),
)

FIRST_NAMES = (
    "Aïcha",
    "Bernard",
    "Camille",
    "Driss",
    "Élodie",
    "Fatou",
    "Gérard",
    "Hélène",
    "Idriss",
    "Jeanne",
    "Kevin",
    "Leïla",
    "Mamadou",
    "Nathalie",
    "Oumar",
    "Patricia",
    "Quentin",
    "Rachida",
    "Sylvie",
    "Thierry",
    "Ursula",
    "Vincent",
    "Wassila",
    "Xavier",
    "Yasmina",
    "Zoé",
)
LAST_NAMES = (
    "Aubert",
    "Bakari",
    "Chevalier",
    "Da-Silva",
    "Etienne",
    "Fofana",
    "Garnier",
    "Hamidi",
    "Imbert",
    "Joly",
    "Keita",
    "Lambert",
    "Moulin",
    "N’Diaye",
    "Olivier",
    "Perrin",
    "Quillet",
    "Robin",
    "Sanchez",
    "Traoré",
    "Urbain",
    "Vasseur",
    "Weber",
    "Yildiz",
    "Zerrouki",
)
