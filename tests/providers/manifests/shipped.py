"""Made-up settings for the connection types that come with the application."""

from typing import Any

from providers.core.schema import settings_fields
from providers.manifests import ManifestProvider
from tests.httpserver import authority
from tests.keys import pem, rsa_key, service_account

KEY = "made-up-secret-5512"

# Type -> the settings of each of its variants; of a type without variants, the only ones.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "zendesk": [
        {"variant": "api_token", "subdomain": "acme", "email": "jo@example.com", "api_token": KEY},
        {"variant": "oauth", "subdomain": "acme", "access_token": KEY},
    ],
    "jira": [{"site": "acme", "email": "jo@example.com", "api_token": KEY}],
    "salesforce": [
        {
            "variant": "client_credentials",
            "domain": "acme.my.salesforce.com",
            "consumer_key": "ck",
            "consumer_secret": KEY,
        },
        {
            "variant": "refresh_token",
            "domain": "acme--dev.sandbox.my.salesforce.com",
            "consumer_key": "ck",
        }
        | {"consumer_secret": KEY, "refresh_token": "rt"},
    ],
    "slack-webhook": [{"webhook_url": f"https://hooks.slack.com/services/T0/B0/{KEY}"}],
    "twilio": [
        {"variant": "auth_token", "account_sid": f"AC{'0' * 32}", "auth_token": KEY},
        {
            "variant": "api_key",
            "account_sid": f"AC{'0' * 32}",
            "api_key_sid": f"SK{'1' * 32}",
            "api_key_secret": KEY,
        }
        | {"region": "ie1", "edge": "dublin"},
    ],
    "elasticsearch": [
        {"variant": "cloud", "endpoint": "a1.es.us-east-1.aws.elastic.cloud:9243", "password": KEY},
        {
            "variant": "basic",
            "node": "https://node.example.com:9200",
            "username": "jo",
            "password": KEY,
        },
        {"variant": "api_key", "node": "https://node.example.com:9200", "api_key": KEY},
    ],
    "github": [
        {"variant": "cloud", "token": "ghp_madeup5512"},
        {"variant": "server", "server": "https://github.example.com", "token": "ghp_madeup5512"},
    ],
    "gitlab": [
        {"variant": "cloud", "token": "glpat-madeup5512"},
        {"variant": "server", "server": "https://gitlab.example.com", "token": "glpat-madeup5512"},
    ],
    "stripe": [
        {"secret_key": "sk_test_madeup5512"},
        {"secret_key": "rk_live_madeup5512", "connect": True, "account": "acct_123"},
    ],
    "servicenow": [
        {"variant": "basic", "instance": "dev1", "username": "jo", "password": KEY},
        {
            "variant": "oauth_password",
            "instance": "dev1",
            "username": "jo",
            "password": KEY,
            "client_id": "ci",
            "client_secret": "cs",
        },
    ],
    "google-maps": [{"api_key": KEY}],
    "weights-and-biases": [{"api_key": KEY}],
    "hugging-face": [{"token": "hf_madeup5512"}, {"token": "hf_madeup5512", "bill_to": "acme"}],
    "notion": [{"token": KEY}],
    "hubspot": [
        {"variant": "private_app", "access_token": KEY},
        {"variant": "oauth", "client_id": "ci", "client_secret": KEY, "refresh_token": "rt"},
    ],
    "shopify": [
        {"variant": "client_credentials", "shop": "acme", "client_id": "ci", "client_secret": KEY},
        {"variant": "access_token", "shop": "acme", "access_token": "shpat_madeup5512"},
    ],
    "confluence": [
        {"variant": "cloud", "site": "acme", "email": "jo@example.com", "api_token": KEY},
        {"variant": "scoped", "cloud_id": "1-2", "email": "jo@example.com", "api_token": KEY},
        {"variant": "data_center", "url": "https://wiki.example.com/c", "personal_token": KEY},
    ],
    "datadog": [
        {"api_key": KEY},
        {"site": "us3.datadoghq.com", "api_key": KEY, "app_key": "app-key-1"},
    ],
    "pagerduty": [
        {"variant": "api_key", "api_key": KEY, "region": "api.eu.pagerduty.com"},
        {"variant": "app", "subdomain": "acme", "client_id": "ci", "client_secret": KEY},
    ],
    "snowflake": [
        {
            "variant": "key_pair",
            "account": "myorg-account1",
            "username": "jo",
            "private_key": pem(rsa_key()),
        },
        {"variant": "access_token", "account": "myorg-account1", "access_token": KEY},
    ],
    "bigquery": [{"project": "acme-analytics", "service_account": service_account()}],
    "sendgrid": [
        {"api_key": "SG.madeup5512"},
        {"region": "api.eu.sendgrid.com", "api_key": "SG.madeup5512", "on_behalf_of": "sub-1"},
    ],
    "pinecone": [
        {"api_key": KEY},
        {"api_key": KEY, "index_host": "docs-1a2b.svc.us-east-1-aws.pinecone.io"},
    ],
    "azure-devops": [
        {"variant": "personal_token", "organization": "acme", "personal_token": KEY},
        {
            "variant": "service_principal",
            "organization": "acme",
            "tenant": "0f0f-1",
            "client_id": "ci",
            "client_secret": KEY,
        },
    ],
    "telegram": [{"token": f"123456789:{KEY}-{KEY}"}],
}

BY_KIND: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True}
OTHERS = {
    "jira": {"project": "OPS"},
    "stripe": {"webhook_secret": "whsec_x"},
    "pagerduty": {"from_email": "jo@example.com"},
    "sendgrid": {"from_email": "jo@example.com"},
    "google-maps": {"service_account": '{"type": "service_account"}'},
}


# how a service is reached, which no manifest says
REACHED = {"ca_certificate": authority()[0], "proxy": "http://proxy.example.com:3128"}


def every_setting(provider: type[ManifestProvider]) -> dict[str, Any]:
    """A good value for every setting of a type, those of all its variants together."""
    made = {
        name: value for row in reversed(SETTINGS[provider.id]) for name, value in row.items()
    } | OTHERS.get(provider.id, {})
    fields = settings_fields(provider)
    missing = {
        name: one.default or REACHED.get(name) or BY_KIND.get(one.kind, KEY)
        for name, one in fields.items()
        if name not in made
    }
    return {name: (missing | made)[name] for name in fields}
