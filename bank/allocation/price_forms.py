"""HTML forms of the grid: a price, a programme, each from a day."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from bank.allocation.desk_forms import cents
from bank.allocation.forms import ASKED, CHOOSE, NAME_LENGTH, PRINTABLE, Boxes
from bank.allocation.models import ProofKind
from bank.allocation.price_list import NewProgramme, NewTariff
from bank.allocation.words import WORDS
from bank.identity.models import CapacityKind, LegalNature
from bank.identity.words import WORDS as IDENTITY_WORDS
from bank.inventory.models import Category
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.web.forms import Form, Number, Unchosen

NONE = SelectChoice("", _l("Aucune"))
CHOICE = SelectChoice("", _l("Choisir"))


def _source() -> StringField:
    return StringField(
        _l("Source"),
        [InputRequired(ASKED), Length(max=200), PRINTABLE],
        description=_l("Délibération, décret, convention : ce qui permet de le vérifier."),
    )


class TariffForm(Form):
    """A price from a day."""

    programme = SelectField(_l("Dispositif"), [InputRequired(CHOOSE)])
    category = SelectField(
        _l("Matériel"),
        [InputRequired(CHOOSE)],
        choices=[CHOICE, *(SelectChoice(each.value, INVENTORY_WORDS["category"][each]) for each in Category)],
    )
    seller = SelectField(
        _l("Vendeur"),
        [Unchosen()],
        description=_l("Un prix propre à un vendeur l’emporte sur le prix général."),
    )
    price = StringField(
        _l("Prix, en euros"), [InputRequired(ASKED), Length(max=20)], description=_l("0 pour gratuit.")
    )
    valid_from = DateField(_l("À partir du"), [InputRequired(ASKED)])
    source = _source()

    def offer(self, programmes: Sequence[tuple[str, str]], sellers: Sequence[tuple[int, str]]) -> None:
        """Give the choices that the database knows."""
        self.programme.choices = [CHOICE, *(SelectChoice(code, name) for code, name in programmes)]
        self.seller.choices = [
            SelectChoice("", _l("Tous les vendeurs")),
            *(SelectChoice(str(key), name) for key, name in sellers),
        ]

    def validate_price(self, field: StringField) -> None:
        """An amount of money."""
        if cents(field.data or "") is None:
            raise ValidationError(_l("Écrivez un montant, par exemple 20,00."))

    def made(self) -> NewTariff:
        """As the action takes it; call it on a form that validates."""
        valid_from: Any = self.valid_from.data
        return NewTariff(
            programme=self.programme.data,
            category=Category(self.category.data),
            price_cents=cents(self.price.data or "") or 0,
            valid_from=valid_from,
            source=(self.source.data or "").strip(),
            seller_id=int(self.seller.data) if self.seller.data else None,
        )


class ProgrammeForm(Form):
    """A programme from a day, or the new terms of one."""

    code = StringField(
        _l("Code"),
        [InputRequired(ASKED), Length(max=30)],
        description=_l(
            "Court et stable, par exemple RSA. Le code d’un dispositif connu en change les règles."
        ),
    )
    name = StringField(_l("Nom"), [InputRequired(ASKED), NAME_LENGTH, PRINTABLE])
    recipient_nature = SelectField(
        _l("Pour qui ?"),
        [InputRequired(CHOOSE)],
        choices=[
            CHOICE,
            *(SelectChoice(each.value, IDENTITY_WORDS["legal_nature"][each]) for each in LegalNature),
        ],
    )
    hardship = BooleanField(
        _l("Pour des personnes en difficulté, ou pour une association qui les aide"),
        description=_l("La loi réserve à ce public les dons des organismes publics."),
    )
    proofs = Boxes(
        _l("Justificatifs acceptés"),
        [Unchosen()],
        choices=[SelectChoice(each.value, WORDS["proof_kind"][each]) for each in ProofKind],
    )
    proof_days = Number(
        _l("Ancienneté du justificatif, en jours au plus"),
        [Optional(), NumberRange(1, 3_660, _l("Un nombre de 1 à 3 660."))],
    )
    capacity_asked = SelectField(
        _l("Accréditation exigée de l’organisation qui demande"),
        [Unchosen()],
        choices=[
            NONE,
            *(SelectChoice(each.value, IDENTITY_WORDS["capacity"][each]) for each in CapacityKind),
        ],
    )
    loan_days = Number(
        _l("Durée du prêt, en jours"),
        [Optional(), NumberRange(1, 3_660, _l("Un nombre de 1 à 3 660."))],
        description=_l("Laissez vide si le matériel est remis pour de bon."),
    )
    valid_from = DateField(_l("À partir du"), [InputRequired(ASKED)])
    source = _source()

    def made(self) -> NewProgramme:
        """As the action takes it; call it on a form that validates."""
        valid_from: Any = self.valid_from.data
        return NewProgramme(
            code=(self.code.data or "").strip(),
            name=(self.name.data or "").strip(),
            recipient_nature=LegalNature(self.recipient_nature.data),
            hardship=self.hardship.data,
            proofs=frozenset(ProofKind(value) for value in self.proofs.data or ()),
            proof_days=self.proof_days.data,
            capacity_asked=CapacityKind(self.capacity_asked.data) if self.capacity_asked.data else None,
            loan_days=self.loan_days.data,
            valid_from=valid_from,
            source=(self.source.data or "").strip(),
        )
