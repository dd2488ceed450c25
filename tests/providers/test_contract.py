"""What every provider promises, whoever wrote it. Settings are made up from the schema."""

import json
import subprocess
import sys
import traceback
from contextlib import suppress

import pytest
from pydantic import ValidationError

from providers.core.base import Capability, Provider
from providers.core.errors import ProviderError
from providers.core.registry import registered
from providers.core.schema import secret_names, settings_fields, validate
from providers.core.settings import NetworkSettings, ProviderSettings
from tests.upstreams import ROOT, Upstream

from .samples import (
    NETWORK,
    PROVIDERS,
    SERVICES,
    SHIPPED,
    WITH_KEY,
    WITH_MODELS,
    WRONG_KEY,
    checked,
    protocol,
    sample,
    sample_settings,
)

SECRET = "sk-made-up-8841"
KNOWN = {one: provider for one, provider in WITH_MODELS.items() if protocol(provider)}

every = pytest.mark.parametrize(
    "provider", [*PROVIDERS.values(), *SHIPPED.values()], ids=[*PROVIDERS, *SHIPPED]
)
every_module = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
every_network = pytest.mark.parametrize("provider", NETWORK.values(), ids=NETWORK)
every_with_models = pytest.mark.parametrize("provider", WITH_MODELS.values(), ids=WITH_MODELS)
every_known = pytest.mark.parametrize("provider", KNOWN.values(), ids=KNOWN)
every_service = pytest.mark.parametrize("provider", SERVICES.values(), ids=SERVICES)
every_with_key = pytest.mark.parametrize("provider", WITH_KEY.values(), ids=WITH_KEY)


@every
def test_it_says_who_it_is(provider: type[Provider]):
    assert (
        provider.name
        and provider.description.endswith(".")
        and provider.category
        and provider.section
    )
    assert issubclass(provider.Settings, ProviderSettings)


@every
def test_what_it_can_do_has_examples(provider: type[Provider]):
    assert set(provider.capabilities) <= set(Capability)
    assert bool(provider.capabilities) == bool(provider.model_examples)


@every
def test_a_card_of_model_providers_leads_to_models(provider: type[Provider]):
    assert provider.capabilities or provider.category not in ("Model providers", "Built in")


@every
def test_it_has_documentation_unless_it_is_built_in(provider: type[Provider]):
    assert provider.docs_url.startswith("https://") or provider.category == "Built in"


@every_module
def test_what_has_patience_with_a_network_has_an_address_to_be_tested_at(provider: type[Provider]):
    assert provider.id in NETWORK or not issubclass(provider.Settings, NetworkSettings)


@every_with_models
def test_what_answers_over_a_network_has_a_patience(provider: type[Provider]):
    assert issubclass(provider.Settings, NetworkSettings) and {"timeout", "max_retries"} <= set(
        settings_fields(provider)
    )


@every
def test_every_setting_is_labelled_and_explained(provider: type[Provider]):
    for field in settings_fields(provider).values():
        assert field.label and field.help.endswith("."), field.name
        assert field.label not in [
            other.label for other in settings_fields(provider).values() if other is not field
        ]


@every
def test_a_choice_has_words_of_its_own_for_each_value(provider: type[Provider]):
    for field in settings_fields(provider).values():
        labels = [label for _, label in field.choices]
        assert all(labels) and len(labels) == len(set(labels)), field.name


@every
def test_a_setting_is_shown_by_a_choice_that_is_declared_before_it(provider: type[Provider]):
    names = list(provider.Settings.model_fields)
    for field in settings_fields(provider).values():
        if field.shown_when:
            choice = settings_fields(provider)[field.shown_when[0]]
            assert choice.kind in ("choice", "boolean") and names.index(choice.name) < names.index(
                field.name
            )
            assert choice.kind == "boolean" or set(field.shown_when[1]) <= set(dict(choice.choices))


@every
def test_what_sounds_like_a_secret_is_one(provider: type[Provider]):
    words = {"key", "secret", "token", "password", "headers"}
    names = {name for name in settings_fields(provider) if name.split("_")[-1] in words}
    assert names <= secret_names(provider)


@every_module
def test_a_secret_is_in_no_repr_and_no_dump(provider: type[Provider]):
    made = sample(provider, key=SECRET)
    seen = (
        f"{made!r} {made.settings!r} {made.settings} {made.settings.model_dump()} "
        f"{made.settings.model_dump_json()}"
    )
    assert SECRET not in seen and "header-secret" not in seen


@every
def test_a_refused_value_is_in_no_error(provider: type[Provider]):
    values = dict.fromkeys(settings_fields(provider), f"{SECRET}\n{SECRET}")
    errors = validate(provider, {**values, "no_such_setting": SECRET})[1]
    with pytest.raises(ValidationError) as caught:
        provider.Settings.model_validate(values)
    assert errors and SECRET not in f"{errors} {caught.value}"


@every
def test_every_error_names_its_field_and_its_cure(provider: type[Provider]):
    _, errors = validate(provider, {"no_such_setting": 1})
    assert {"no_such_setting"} <= {one.field for one in errors}
    assert all(one.field and one.code and one.message.endswith(".") for one in errors)


@every_network
def test_a_link_local_address_is_refused_in_the_form(provider: type[Provider]):
    _, errors = validate(provider, sample_settings(provider, "http://169.254.169.254"))
    addresses = {
        field.name
        for field in settings_fields(provider).values()
        if field.address and not field.shown_when
    }
    assert {one.field for one in errors if one.code == "blocked_address"} == addresses


@every_known
def test_a_good_key_lists_models(provider: type[Provider]):
    with Upstream(keys={"good-key"} if provider.id in WITH_KEY else None) as upstream:
        models = sample(provider, upstream.url).list_models()
        assert models and all(model.id and model.name for model in models)
        assert {one for model in models for one in model.capabilities} <= set(provider.capabilities)


@every_service
def test_a_service_without_models_is_checked_by_one_question(
    provider: type[Provider], upstream: Upstream
):
    made = sample(provider, upstream.url)
    result = checked(made)
    assert (len(upstream.requests), made.list_models()) == (1, [])
    assert made.asks.startswith(f"GET {upstream.url}/") and "good-key" not in made.asks
    if result:
        assert result.model_count is None and result.asked == made.asks and result.seconds > 0


@every_known
def test_a_check_counts_the_models_and_says_what_it_asked(provider: type[Provider]):
    with Upstream(keys={"good-key"} if provider.id in WITH_KEY else None) as upstream:
        made = sample(provider, upstream.url)
        result = made.check()
    assert (
        result.model_count
        == len({request.path for request in upstream.requests}) * result.model_count
        > 0
    )
    assert result.asked == made.asks and result.seconds > 0


@every_network
def test_a_check_makes_no_completion(provider: type[Provider], upstream: Upstream):
    checked(sample(provider, upstream.url))
    assert {request.method for request in upstream.requests} == {"GET"}


@every_with_key
def test_a_wrong_key_is_told_and_kept_to_itself(provider: type[Provider], upstream: Upstream):
    with pytest.raises(ProviderError) as caught:
        sample(provider, upstream.url, key=WRONG_KEY).check()
    assert (caught.value.code, caught.value.permanent) == ("unauthorized", True)
    assert WRONG_KEY not in "".join(traceback.format_exception(caught.value))


@every_network
def test_no_secret_is_logged_however_much_is(
    provider: type[Provider], upstream: Upstream, caplog: pytest.LogCaptureFixture
):
    for name in (
        "",
        "httpx2",
        "httpcore2",
        "openai",
        "anthropic",
        "google_genai",
        "botocore",
        "azure",
        "providers",
    ):
        caplog.set_level("DEBUG", name or None)
    checked(sample(provider, upstream.url))
    with suppress(ProviderError):
        sample(provider, upstream.url, key=WRONG_KEY).check()
    said = f"{caplog.text} {[vars(record) for record in caplog.records]}"
    assert not [one for one in ("good-key", WRONG_KEY, "header-secret") if one in said]


def test_a_provider_says_which_package_to_install_when_its_sdk_is_missing():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SDKS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    with_sdk = {one for one in KNOWN if PROVIDERS[one].packages}
    missing = {one: said for one, (code, said) in found.items() if code == "not_installed"}
    assert found.keys() == PROVIDERS.keys() and missing.keys() >= with_sdk
    for one, said in missing.items():
        assert any(package in said for package in PROVIDERS[one].packages), one


def test_importing_the_providers_imports_no_sdk():
    code = (
        "import sys, providers.core.registry as r; r.all_providers(); "
        "print([m for m in sys.modules if m.startswith(%s)])"
    )
    packages = {package for provider in PROVIDERS.values() for package in provider.packages}
    sdks = (*(package.replace("-", ".") for package in packages), "boto", "azure", "msal", "django")
    done = subprocess.run(
        [sys.executable, "-c", code % (sdks,)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_provider_of_a_stranger_is_tested_like_ours(
    foreign_provider: type[Provider], upstream: Upstream, caplog: pytest.LogCaptureFixture
):
    with registered(foreign_provider):
        test_every_setting_is_labelled_and_explained(foreign_provider)
        test_a_secret_is_in_no_repr_and_no_dump(foreign_provider)
        test_a_link_local_address_is_refused_in_the_form(foreign_provider)
        test_a_wrong_key_is_told_and_kept_to_itself(foreign_provider, upstream)
        test_a_check_counts_the_models_and_says_what_it_asked(foreign_provider)
        test_a_check_makes_no_completion(foreign_provider, upstream)
        test_no_secret_is_logged_however_much_is(foreign_provider, upstream, caplog)


WITHOUT_SDKS = """
import json, sys
from tests.providers.samples import PROVIDERS, sample
packages = {package for provider in PROVIDERS.values() for package in provider.packages}
SDKS = {package.replace("-", ".") for package in packages}
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in SDKS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
from providers.core.errors import ProviderError
found = {}
for one, provider in PROVIDERS.items():
    try:
        found[one] = ["ok", sample(provider, "http://127.0.0.1:1").check().asked]
    except ProviderError as error:
        found[one] = [error.code, error.message]
print(json.dumps(found))
"""
