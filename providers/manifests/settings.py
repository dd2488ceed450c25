"""A manifest's fields as a class of settings, like that of any other provider."""

from typing import Any, ClassVar, Literal, cast

from pydantic import BaseModel, ConfigDict, create_model

from ..core.schema import pascal
from ..core.settings import AddressedSettings, NetworkSettings, ProviderSettings, setting
from .document import VARIANT, Manifest, TypeField
from .field_types import kind_of
from .hosts import WHOLE
from .labels import label, sentence
from .template_uses import TemplateUses

# Names that mean something else wherever settings are: beside them in a file, in pydantic's
# classes, on the form.
RESERVED = frozenset(
    {
        "name",
        "alias",
        VARIANT,
        "timeout",
        "max_retries",
        *(one for one in dir(BaseModel) if not one.startswith("_")),
    }
)
HELP = {
    "secret": "Stored encrypted, and never shown again.",
    "secret_text": "Stored encrypted, and never shown again. It may have several lines.",
    "secret_url": "The whole address is a secret: it is stored encrypted, and never shown again.",
    "secret_json": "A JSON document. It is stored encrypted, and never shown again.",
    "url": "A web address, such as https://example.com.",
    "host": "A host's name without https://, such as example.com.",
    "slug": "Letters, digits and hyphens.",
    "email": "An email address.",
    "integer": "A whole number.",
    "number": "A number.",
    "boolean": "Yes or no.",
    "choice": "One of these.",
    "text": "It may have several lines.",
    "json": "A JSON document.",
}


class ManifestSettings(ProviderSettings):
    """Base of the settings of types that a manifest describes."""

    model_config = ConfigDict(protected_namespaces=())

    is_of_a_manifest: ClassVar[bool] = True


class AddressedManifestSettings(ManifestSettings, AddressedSettings):
    """Settings of a type with a whole address among its fields."""


def section_of(key: str) -> str:
    """The section of references to a type's keys: of `zendesk.api_token` it is ZendeskApiToken."""
    return pascal(key.replace(".", "-"))


def label_of(field: TypeField) -> str:
    """The name of the field for people."""
    return field.label or label(field.key)


def settings_of(manifest: Manifest) -> type[ProviderSettings]:
    """The pydantic class of a manifest that was judged."""
    uses = TemplateUses(manifest)
    definitions: dict[str, Any] = {}
    if manifest.variants:
        definitions[VARIANT] = _variant(manifest)
    for field in manifest.fields:
        definitions[field.key] = _definition(manifest, field, uses)
    if uses.is_asked:
        info = NetworkSettings.model_fields["timeout"]
        help_text = info.description or ""
        definitions["timeout"] = (
            float,
            setting(
                manifest.timeout,
                title="Timeout",
                description=help_text,
                group="Advanced",
                gt=0,
                le=3600,
            ),
        )
    base: Any = _base(manifest, uses)
    made = create_model(
        f"{section_of(manifest.key)}Settings",
        __base__=base,
        __module__=__name__,
        **definitions,
    )
    made.__doc__ = f"Settings of {manifest.label}."
    return cast("type[ProviderSettings]", made)


def _base(manifest: Manifest, uses: TemplateUses) -> type[ManifestSettings]:
    """A field of the manifest's own with the name of one of ours keeps ours away."""
    is_addressed = uses.is_asked and any(
        field.shape in WHOLE and uses.is_address(field) for field in manifest.fields
    )
    is_taken = any(field.key in AddressedSettings.model_fields for field in manifest.fields)
    return AddressedManifestSettings if is_addressed and not is_taken else ManifestSettings


def _variant(manifest: Manifest) -> tuple[Any, Any]:
    said = " ".join(sentence(one.help) for one in manifest.variants if one.help)
    labels = {one.key: one.label for one in manifest.variants}
    return Literal[tuple(labels)], setting(
        title="Variant", description=said or "How the service is reached.", labels=labels
    )


def _definition(manifest: Manifest, field: TypeField, uses: TemplateUses) -> tuple[Any, Any]:
    kind = kind_of(field, uses.places(field.key))
    default: Any = False if field.kind == "boolean" and field.default is None else field.default
    must_be_given = field.required and default is None
    if field.visible_when or not must_be_given:
        kind, default = (kind, default) if default is not None else (kind | None, None)
    else:
        default = ...
    return kind, setting(
        default,
        title=label_of(field),
        description=sentence(field.help) or HELP.get(field.shape, f"As {manifest.label} calls it."),
        group=field.group,
        address=uses.is_address(field),
        host_part=field.shape not in WHOLE,
        environment=field.environment,
        shown_when=next(
            ((name, tuple(values)) for name, values in field.visible_when.items()), None
        ),
        required_when_shown=bool(field.visible_when) and must_be_given,
        placeholder=field.placeholder
        or (f"${section_of(manifest.key)}:{pascal(field.key)}" if field.is_secret else ""),
        multiline=field.shape in ("text", "secret_text", "json", "secret_json"),
        labels={one.value: one.label or label(one.value) for one in field.choices} or None,
    )
