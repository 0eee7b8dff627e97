"""What the team may type of a machine, in one sitting: its sheet, its photo, its main rules."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import (
    Field,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired
from wtforms.widgets import CheckboxInput

from fablab.forms import Form, TextField, TickField, UploadField
from fablab.machines import documents, files, photos
from fablab.machines.kinds import RiskClass
from fablab.machines.models import MachineDocument
from fablab.machines.sheets import RESERVED, Document, Sheet
from fablab.manage.forms import REASON, translated
from fablab.manage.policy_forms import (
    A_MINUTE,
    READ,
    SAFETY,
    LengthField,
    NumberField,
    ParagraphField,
    one_of,
    some_of,
)
from fablab.manage.policy_words import APPROVALS, LABELS, LEVELS
from fablab.manage.words import RISKS
from fablab.places.words import MODES
from fablab.words import N_, slug

LINE, LONG = 120, 4000  # letters
RULES = (
    "minimum",
    "maximum",
    "step",
    "notice",
    "horizon_days",
    "setup",
    "cleanup",
    "level",
    "approval",
    "modes",
)


class FactsField(ParagraphField):
    """Lines of `name: value`; each name once."""

    def pre_validate(self, form: Any) -> None:
        for line in lines_of(self.data):
            name, colon, fact = (part.strip() for part in line.partition(":"))
            if not (name and colon and fact):
                raise ValidationError(
                    gettext("Write each line as “Power: 80 W”, not “%(line)s”.", line=line[:40])
                )
        names = [line.partition(":")[0].strip() for line in lines_of(self.data)]
        if len(set(names)) < len(names):
            raise ValidationError(gettext("Two lines have the same name."))

    @property
    def facts(self) -> dict[str, str]:
        parts = (line.partition(":") for line in lines_of(self.data))
        return {name.strip(): fact.strip() for name, _colon, fact in parts}


def lines_of(text: str | None) -> list[str]:
    """A bar parts them too, as in a file to import."""
    return [line.strip() for line in re.split(r"[\n|]", text or "") if line.strip()]


def sheet_line(label: str, maximum: int = LINE) -> TextField:
    return TextField(lazy_gettext(label), maximum=maximum)


class MachineForm(Form):
    """A file that came with a form that is refused is kept under the name in its `_kept` field."""

    code = TextField(
        lazy_gettext("Code"), [DataRequired(lazy_gettext("Give it a code."))], maximum=20
    )
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=LINE
    )
    model = sheet_line(N_("Make and model"))
    location = sheet_line(N_("Where it stands"))
    category = SelectField(lazy_gettext("Category"))
    new_category = sheet_line(N_("Or a new category"), 80)
    pool = SelectField(lazy_gettext("Pool"))
    new_pool = sheet_line(N_("Or a new pool"), 80)
    risk_class = RadioField(
        lazy_gettext("Risk class"), choices=translated(RISKS), coerce=RiskClass, default=RiskClass.A
    )

    photo = UploadField(lazy_gettext("Photo"), maximum=photos.MAX_BYTES)
    photo_kept = HiddenField()
    photo_alt = sheet_line(N_("What the photo shows"), REASON)
    no_photo = TickField(lazy_gettext("Without a photo from now on"))

    notes = ParagraphField(lazy_gettext("What to know"), maximum=LONG)
    specs = FactsField(lazy_gettext("Specifications"), maximum=LONG)
    materials_allowed = ParagraphField(lazy_gettext("Materials allowed"), maximum=LONG)
    materials_forbidden = ParagraphField(lazy_gettext("Materials forbidden"), maximum=LONG)
    safety = ParagraphField(lazy_gettext("Safety text"), maximum=SAFETY)

    minimum = LengthField("minimum", least=A_MINUTE)
    maximum = LengthField("maximum", least=A_MINUTE)
    step = LengthField("step", least=A_MINUTE)
    notice = LengthField("notice")
    horizon_days = NumberField(LABELS["horizon_days"], most=730)
    setup = LengthField("setup")
    cleanup = LengthField("cleanup")
    level = one_of("level", LEVELS)
    approval = one_of("approval", APPROVALS)
    modes = some_of("modes", MODES)
    trainings = SelectMultipleField(
        lazy_gettext("Trainings that qualify for it"), option_widget=CheckboxInput()
    )

    document = UploadField(lazy_gettext("One more document (PDF)"), maximum=documents.MAX_BYTES)
    document_kept = HiddenField()
    document_title = sheet_line(N_("Its title"))
    documents = SelectMultipleField(
        lazy_gettext("Documents that stay"), option_widget=CheckboxInput()
    )

    asset_number = sheet_line(N_("Asset number"), 40)
    funder = sheet_line(N_("Funder"))
    owner = SelectField(lazy_gettext("Owner"))
    position = NumberField(N_("Order in its category"), most=9999)

    shown: str | None = None  # the photo it has
    there: Sequence[MachineDocument] = ()  # the documents it has

    def offer(
        self,
        *,
        categories: Iterable[Any],
        pools: Iterable[Any],
        owners: Iterable[Any],
        trainings: Iterable[Any],
        there: Sequence[MachineDocument] = (),
    ) -> None:
        self.category.choices = options(categories, lazy_gettext("A new one"))
        self.pool.choices = options(pools, lazy_gettext("No pool"))
        self.owner.choices = options(owners, lazy_gettext("The place"))
        self.trainings.choices = [SelectChoice(str(one.id), one.name) for one in trainings]
        self.documents.choices = [SelectChoice(str(one.id), one.title) for one in there]
        self.there = there

    def validate_code(self, field: Field) -> None:
        if field.data and (not slug(field.data) or slug(field.data) in RESERVED):
            raise ValidationError(gettext("No address can be made of this code: write it as M01."))

    def validate_category(self, field: Field) -> None:
        if not field.data and not self.new_category.data:
            raise ValidationError(gettext("Choose a category, or name a new one."))

    def validate_new_category(self, field: Field) -> None:
        if field.data and not slug(field.data):
            raise ValidationError(gettext("Write a name with letters."))

    validate_new_pool = validate_new_category

    def validate_maximum(self, field: Field) -> None:
        if field.data is not None and self.minimum.data and field.data < self.minimum.data:
            raise ValidationError(
                gettext("The longest booking would be shorter than the shortest one.")
            )

    # -- files

    def take_files(self) -> None:
        """Keep those that came as drafts, so that they are there whatever else is refused."""
        photo = self.photo.take(partial(photos.take, as_draft=True))
        document = self.document.take(partial(documents.take, as_draft=True))
        self.photo_kept.data = photo or self.photo_kept.data
        self.document_kept.data = document or self.document_kept.data
        if document and not self.document_title.data:
            name = self.document.filename.rpartition(".")[0]
            self.document_title.data = name[:LINE] or gettext("Document")

    def validate_photo(self, field: UploadField) -> None:
        self.drop_if_gone(self.photo_kept, field)

    def validate_photo_alt(self, field: Field) -> None:
        if self.photo_file and not field.data:
            raise ValidationError(gettext("Say what it shows, for those who do not see it."))

    def validate_document(self, field: UploadField) -> None:
        self.drop_if_gone(self.document_kept, field)

    def drop_if_gone(self, kept: Field, field: UploadField) -> None:
        if kept.data and not field.is_sent and not files.is_draft(kept.data):
            kept.data = ""
            raise ValidationError(gettext("This file is no longer kept: choose it again."))

    @property
    def photo_file(self) -> str | None:
        """The one that it shows from then on."""
        return self.photo_kept.data or (None if self.no_photo.data else self.shown) or None

    # -- what was typed

    def sheet(self) -> Sheet:
        chosen = set(self.documents.data or ())
        kept = [Document(one.title, one.file) for one in self.there if str(one.id) in chosen]
        if self.document_kept.data:
            kept.append(Document(self.document_title.data, self.document_kept.data))
        return Sheet(
            code=self.code.data,
            name=self["name"].data,
            model=self.model.data,
            location=self.location.data,
            category=self.new_category.data or int(self.category.data),
            pool=self.new_pool.data or (int(self.pool.data) if self.pool.data else None),
            risk_class=self.risk_class.data,
            specs=self.specs.facts,
            materials_allowed=tuple(lines_of(self.materials_allowed.data)),
            materials_forbidden=tuple(lines_of(self.materials_forbidden.data)),
            notes=self.notes.data,
            safety=self.safety.data,
            photo=self.photo_file,
            photo_alt=self.photo_alt.data if self.photo_file else "",
            asset_number=self.asset_number.data,
            funder=self.funder.data,
            owner_id=int(self.owner.data) if self.owner.data else None,
            position=self.position.data,
            documents=tuple(kept),
            policy={name: self.rule(name) for name in RULES},
        )

    def rule(self, name: str) -> Any:
        """A value of its policy; None says nothing."""
        said = self[name].data
        if name == "modes":
            return said or None
        if said == "":
            return None
        return READ[name](said) if name in READ else said

    @property
    def training_ids(self) -> frozenset[int]:
        return frozenset(map(int, self.trainings.data or ()))


def options(rows: Iterable[Any], nothing: Any) -> list[SelectChoice]:
    return [SelectChoice("", nothing), *(SelectChoice(str(row.id), row.name) for row in rows)]


class RetirementForm(Form):
    reason = TextField(
        lazy_gettext("Reason"), [DataRequired(lazy_gettext("Say why."))], maximum=REASON
    )
