"""HTML forms: shapes and labels. What holds together is asked of `rules.py`."""

from datetime import date
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    FieldList,
    FormField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from bank.actor import Actor, Permission
from bank.identity import rules
from bank.identity.actions import Invitation, StationDraft, TokenWish
from bank.identity.models import CapacityKind, LegalNature, OrganisationRole, PersonRole, WorkshopKind
from bank.identity.queries import OrganisationSheet, StationLine
from bank.identity.rules import CapacityDraft, Fault, OrganisationDraft
from bank.identity.words import WORDS
from bank.web.forms import Form, Number, PageForm, Part, Unchosen

Choices = list[Any]

ASKED = _l("Remplissez ce champ.")
CHOOSE = _l("Choisissez une réponse.")
VERSION_MAX = 2**31 - 1


def line(longest: int) -> list[Any]:
    """A text of one line."""
    return [
        Length(max=longest, message=_l("%(max)d signes au plus.")),
        Regexp(f"^{rules.ONE_LINE}$", message=_l("Ce champ contient un signe qui ne s’imprime pas.")),
    ]


def choices(vocabulary: str, values: Any) -> Choices:
    """Codes with their words."""
    words = WORDS[vocabulary]
    return [SelectChoice(value.value, LazyString(_with_capital, words[value])) for value in values]


def _with_capital(words: Any) -> str:
    text = str(words)
    return text[:1].upper() + text[1:]


class Boxes(SelectMultipleField):
    """Several boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class AddressField(EmailField):
    """A mail address, in the form in which it is kept."""

    def pre_validate(self, form: Any) -> None:
        address = rules.email_or_none(self.data or "")
        if address is None:
            raise ValidationError(str(WORDS["identity_fault"][Fault.EMAIL_WRONG]))
        self.data = address


class SignInForm(PageForm):
    """The address keeps whatever shape it was given: a wrong one is refused as an unknown one is."""

    email = StringField(_l("Adresse électronique"), [InputRequired(ASKED), Length(max=rules.EMAIL_MAX)])
    password = PasswordField(_l("Mot de passe"), [InputRequired(ASKED), Length(max=rules.PASSWORD_MAX)])


class ForgotForm(PageForm):
    """Whom to mail a link to."""

    email = AddressField(_l("Adresse électronique"), [InputRequired(ASKED)])


class NewPasswordForm(PageForm):
    """A password, chosen after following a link."""

    password = PasswordField(_l("Nouveau mot de passe"), [InputRequired(ASKED)])


class ChangePasswordForm(NewPasswordForm):
    """A password, chosen by someone who knows the one before."""

    current = PasswordField(_l("Mot de passe actuel"), [InputRequired(ASKED), Length(max=rules.PASSWORD_MAX)])


class CapacityForm(Part):
    """One legal capacity; without a kind the row counts for nothing."""

    kind = SelectField(
        _l("Qualité"),
        [Unchosen()],
        choices=[SelectChoice("", _l("Aucune")), *choices("capacity", CapacityKind)],
    )
    reference = StringField(_l("Référence"), line(120))
    valid_from = DateField(_l("Depuis le"), [Optional()])
    valid_until = DateField(_l("Jusqu’au"), [Optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        """A kind asks for its reference and its first day."""
        sound = super().validate(extra_validators)
        if self.kind.data:
            for asked in (self.reference, self.valid_from):
                if not asked.data:
                    asked.errors = [*asked.errors, ASKED]
                    sound = False
        return sound

    def to_draft(self) -> CapacityDraft:
        """The row as the rules read it, once validated."""
        return CapacityDraft(
            kind=CapacityKind(self.kind.data),
            reference=(self.reference.data or "").strip(),
            valid_from=self.valid_from.data or date.min,
            valid_until=self.valid_until.data,
        )


class OrganisationForm(Form):
    """An organisation, its roles and its legal capacities."""

    version = Number(validators=[NumberRange(0, VERSION_MAX)], widget=HiddenInput(), default=0)
    name = StringField(_l("Nom"), [InputRequired(ASKED), *line(120)])
    legal_nature = SelectField(
        _l("Nature juridique"),
        [InputRequired(CHOOSE)],
        choices=[SelectChoice("", _l("Choisir")), *choices("legal_nature", LegalNature)],
    )
    siret = StringField(_l("SIRET"), [Optional(), Length(max=20)])
    roles = Boxes(
        _l("Ce qu’elle fait ici"),
        [InputRequired(_l("Cochez au moins un rôle."))],
        choices=choices("organisation_role", OrganisationRole),
    )
    workshop_kind = SelectField(
        _l("Type d’atelier"),
        choices=[SelectChoice("", _l("Pas un atelier")), *choices("workshop_kind", WorkshopKind)],
    )
    address = StringField(_l("Adresse postale"), line(rules.ADDRESS_MAX))
    phone = StringField(_l("Téléphone"), line(rules.PHONE_MAX))
    first_lesson = StringField(_l("Première leçon"), line(rules.LESSON_MAX))
    capacities = FieldList(FormField(CapacityForm), _l("Qualités juridiques"))

    def show(self, sheet: OrganisationSheet) -> None:
        """Fill in what is known."""
        self.version.data = sheet.version
        self.name.data, self.siret.data = sheet.name, sheet.siret
        self.legal_nature.data = sheet.legal_nature.value
        self.workshop_kind.data = sheet.workshop_kind.value if sheet.workshop_kind else ""
        self.roles.data = [role.value for role in sheet.roles]
        self.address.data, self.phone.data = sheet.address, sheet.phone
        self.first_lesson.data = sheet.first_lesson
        for held in sheet.capacities:
            self.capacities.append_entry(held)

    def make_room(self) -> None:
        """Leave a row for one more capacity, and ask for what the others must have."""
        if all(row.form.kind.data for row in self.capacities):
            self.capacities.append_entry()
        for row in self.capacities:
            if row.form.kind.data:
                for asked in (row.form.kind, row.form.reference, row.form.valid_from):
                    asked.flags.required = True

    def to_draft(self) -> OrganisationDraft:
        """What was typed, as the rules read it."""
        return OrganisationDraft(
            name=(self.name.data or "").strip(),
            legal_nature=LegalNature(self.legal_nature.data),
            roles=frozenset(OrganisationRole(role) for role in self.roles.data or ()),
            workshop_kind=WorkshopKind(self.workshop_kind.data) if self.workshop_kind.data else None,
            siret=self.siret.data or None,
            address=(self.address.data or "").strip(),
            phone=(self.phone.data or "").strip(),
            first_lesson=(self.first_lesson.data or "").strip(),
            capacities=tuple(row.form.to_draft() for row in self.capacities if row.form.kind.data),
        )


class InvitationForm(Form):
    """Someone to invite."""

    name = StringField(_l("Prénom et nom"), [InputRequired(ASKED), *line(120)])
    email = AddressField(_l("Adresse électronique"), [InputRequired(ASKED)])
    roles = Boxes(_l("Ce que cette personne fera"), [InputRequired(_l("Cochez au moins un rôle."))])

    def offer(self, roles: list[PersonRole]) -> None:
        """Only the roles that this organisation gives ground for."""
        self.roles.choices = choices("role", roles)

    def to_invitation(self) -> Invitation:
        """What was typed, as the action takes it."""
        return Invitation(
            name=(self.name.data or "").strip(),
            email=self.email.data or "",
            roles=frozenset(PersonRole(role) for role in self.roles.data or ()),
        )


class TokenForm(Form):
    """A token to make."""

    name = StringField(_l("Nom du jeton"), [InputRequired(ASKED), *line(60)])
    days = Number(
        _l("Durée, en jours"),
        [
            InputRequired(ASKED),
            NumberRange(1, rules.TOKEN_DAYS_MAX, WORDS["identity_fault"][Fault.DAYS_OUT_OF_RANGE]),
        ],
        default=90,
    )
    scopes = Boxes(_l("Ce qu’il pourra faire"), [InputRequired(_l("Cochez au moins un droit."))])

    def offer(self, actor: Actor) -> None:
        """At most what its maker may do."""
        self.scopes.choices = choices("permission", [each for each in Permission if actor.can(each)])

    def to_wish(self) -> TokenWish:
        """What was typed, as the action takes it."""
        return TokenWish(
            name=(self.name.data or "").strip(),
            days=self.days.data or 0,
            scopes=frozenset(Permission(scope) for scope in self.scopes.data or ()),
        )


class StationForm(Form):
    """A station: how it is called, and what opens it."""

    version = Number(validators=[NumberRange(0, VERSION_MAX)], widget=HiddenInput(), default=0)
    name = StringField(
        _l("Nom du poste"),
        [InputRequired(ASKED), *line(60)],
        description=_l("Là où il se trouve. Par exemple : Effacement, table 2."),
    )
    opens = RadioField(
        _l("Ce qui ouvre ce poste"),
        [InputRequired(CHOOSE)],
        choices=[
            SelectChoice("closed", _l("Le badge et un code à 4 chiffres ou plus")),
            SelectChoice("open", _l("Le badge seul")),
        ],
        default="closed",
    )
    idle_minutes = Number(
        _l("Se verrouille après, en minutes sans rien faire"),
        [InputRequired(ASKED), NumberRange(*rules.IDLE_MINUTES, message=_l("De 1 à 60 minutes."))],
        default=5,
    )

    def show(self, station: StationLine) -> None:
        """Fill in what is known."""
        self.version.data, self.name.data = station.version, station.name
        self.opens.data = "open" if station.open else "closed"
        self.idle_minutes.data = station.idle_minutes

    def to_draft(self) -> StationDraft:
        """What was typed, as the action takes it."""
        return StationDraft(
            name=(self.name.data or "").strip(),
            open=self.opens.data == "open",
            idle_minutes=self.idle_minutes.data or 0,
        )


def _sound_pin(_form: Any, field: Any) -> None:
    fault = rules.pin_fault(field.data)
    if fault is not None:
        raise ValidationError(str(WORDS["identity_fault"][fault]))


class BadgeForm(Form):
    """A badge to make; a PIN now, or later."""

    pin = PasswordField(_l("Code du badge"), [Optional(), _sound_pin])


class NewPinForm(PageForm):
    """A PIN for a badge that exists."""

    pin = PasswordField(_l("Nouveau code du badge"), [InputRequired(ASKED), _sound_pin])


class ScanBadgeForm(PageForm):
    """What a scanner types at a station's door."""

    badge = StringField(
        _l("Scannez votre badge"), [InputRequired(_l("Scannez votre badge.")), Length(max=200)]
    )


class PinForm(PageForm):
    """The PIN of the badge that was scanned."""

    pin = PasswordField(_l("Votre code"), [InputRequired(_l("Tapez votre code.")), Length(max=20)])


class ResendForm(Form):
    """A button that sends a mail: a double click sends one."""


class DisableForm(PageForm):
    """A consequence to tick, so that a slip shuts nobody out."""

    sure = BooleanField(
        _l("Oui, fermer cet accès tout de suite"), [InputRequired(_l("Cochez pour confirmer."))]
    )
