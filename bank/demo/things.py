"""The equipment of the demo: which models there are, and what whoever works on one sees. Drawn with given dice."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from bank.inventory.actions import DriveSeen, Erasure, Evidence
from bank.inventory.models import (
    Category,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureResult,
    Grade,
    StepKind,
)
from bank.workshops.rules import FUNCTIONS, PORTABLE, Repair, Seen, System

C, K, M = Category, DriveKind, ErasureMethod
SERIAL_SIGNS = "0123456789BCDFGHJKLMNPRSTVWXYZ"
SYSTEM = System.LINUX_MINT_22

MODELS: Mapping[Category, tuple[tuple[str, str], ...]] = {
    C.LAPTOP: (
        ("Dell", "Latitude 5420"),
        ("Lenovo", "ThinkPad T14"),
        ("HP", "EliteBook 840 G7"),
        ("Dell", "Latitude 7400"),
    ),
    C.DESKTOP: (("Dell", "OptiPlex 3070"), ("HP", "ProDesk 400 G6"), ("Lenovo", "ThinkCentre M720s")),
    C.ALL_IN_ONE: (("HP", "EliteOne 800 G5"), ("Dell", "OptiPlex 7480")),
    C.SCREEN: (("Dell", "P2419H"), ("Iiyama", "ProLite XUB2492"), ("HP", "EliteDisplay E243")),
    C.TEACHING_SCREEN: (("SpeechiTouch", "UHD 65"), ("Promethean", "ActivPanel 9")),
    C.TABLET: (("Samsung", "Galaxy Tab A8"), ("Lenovo", "Tab M10")),
    C.SMARTPHONE: (("Samsung", "Galaxy A32"), ("Fairphone", "Fairphone 3")),
    C.BASIC_PHONE: (("Nokia", "105"),),
    C.PRINTER: (("HP", "LaserJet M404"), ("Brother", "HL-L2350DW")),
    C.MULTIFUNCTION: (("HP", "LaserJet MFP M428"), ("Epson", "WorkForce WF-2860")),
    C.SCANNER: (("Fujitsu", "fi-7160"),),
    C.ROUTER: (("Huawei", "B535"), ("TP-Link", "Archer MR600")),
    C.PROJECTOR: (("Epson", "EB-E20"),),
    C.ACCESSORY: (("Logitech", "K120"), ("Dell", "WD19")),
}
DRIVES: Mapping[Category, tuple[tuple[DriveKind, int, ErasureMethod], ...]] = {
    C.LAPTOP: ((K.NVME, 256, M.PURGE_NVME_SANITIZE), (K.SSD, 256, M.PURGE_ATA_SANITIZE)),
    C.DESKTOP: ((K.SSD, 256, M.PURGE_ATA_SANITIZE), (K.HDD, 500, M.PURGE_ATA_SANITIZE)),
    C.ALL_IN_ONE: ((K.SSD, 256, M.PURGE_ATA_SANITIZE),),
    C.TABLET: ((K.EMMC, 32, M.FACTORY_RESET), (K.EMMC, 64, M.FACTORY_RESET)),
    C.SMARTPHONE: ((K.PHONE, 64, M.FACTORY_RESET),),
    C.BASIC_PHONE: ((K.PHONE, 1, M.FACTORY_RESET),),
}
SOLDERED = ((K.EMMC, 8, M.FACTORY_RESET),)
TOOLS: Mapping[ErasureMethod, tuple[str, str]] = {
    M.PURGE_NVME_SANITIZE: ("nvme-cli", "2.8"),
    M.PURGE_ATA_SANITIZE: ("hdparm", "9.65"),
    M.FACTORY_RESET: ("réglages de l’appareil", "usine"),
}


def serial(dice: Random, signs: int = 10) -> str:
    """A serial number such as makers print."""
    return "".join(dice.choices(SERIAL_SIGNS, k=signs))


def seen_at(dice: Random, step: StepKind | None, category: Category) -> Seen:
    """What an operator takes down at a step where all is well."""
    look = SEES.get(step) if step else None
    return look(dice, category) if look else Seen()


def drive(dice: Random, category: Category) -> DriveSeen:
    """One drive of such a device, erased."""
    kind, size_gb, method = dice.choice(DRIVES.get(category, SOLDERED))
    tool, version = TOOLS[method]
    erasure = Erasure(method, tool, version, ErasureResult.PASSED)
    return DriveSeen(kind, serial(dice, 14), size_gb, DriveFate.PRESENT, erasure)


def failed(seen: DriveSeen) -> DriveSeen:
    """The same drive, on a day when its erasure did not work."""
    return replace(seen, erasure=seen.erasure and replace(seen.erasure, result=ErasureResult.FAILED))


def _plate(dice: Random, category: Category) -> Seen:
    maker, model = dice.choice(MODELS[category])
    return Seen(serial=serial(dice), maker=maker, model=model)


def _look(dice: Random, category: Category) -> Seen:
    battery = dice.randint(68, 97) if category in PORTABLE else None
    return Seen(grade=dice.choice((Grade.A, Grade.B, Grade.B, Grade.C)), battery=battery)


# Not a drive put in: whoever does that sends the device back to the erasure.
MENDED = (Repair.NONE, Repair.NONE, Repair.RAM, Repair.CLEANING_INSIDE)
SEES: Mapping[StepKind, Callable[[Random, Category], Seen]] = {
    StepKind.POWER_ON: _plate,
    StepKind.ERASURE: lambda dice, category: Seen(drives=Evidence((drive(dice, category),))),
    StepKind.REPAIR: lambda dice, _category: Seen(repairs=frozenset({dice.choice(MENDED)})),
    StepKind.INSTALL: lambda _dice, _category: Seen(os=SYSTEM),
    StepKind.FUNCTIONAL: lambda _dice, category: Seen(checks=dict.fromkeys(FUNCTIONS[category], True)),
    StepKind.GRADING: _look,
}
