"""Settings of passwords, and of django-allauth. Its limits are counted in the cache, so ours are
used, which are in the database.
"""

from typing import Any

AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]

ALLAUTH_APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
ACCOUNT_ADAPTER = "backoffice.people.signin.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "backoffice.people.signin.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_FORMS = {
    "authenticate": "backoffice.people.signin.forms.CodeForm",
    "reauthenticate": "backoffice.people.signin.forms.ConfirmCodeForm",
    "activate_totp": "backoffice.people.signin.forms.AppForm",
    "login_webauthn": "backoffice.people.signin.forms.PasskeySignInForm",
    "authenticate_webauthn": "backoffice.people.signin.forms.PasskeyForm",
    "reauthenticate_webauthn": "backoffice.people.signin.forms.ConfirmPasskeyForm",
    "add_webauthn": "backoffice.people.signin.forms.AddPasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Switchboard"
MFA_TOTP_TOLERANCE = 1  # clocks may differ by half a minute
SOCIALACCOUNT_ADAPTER = "backoffice.people.oidc.adapters.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"provider_class": "backoffice.people.oidc.adapters.OurProvider"}
}
SOCIALACCOUNT_STORE_TOKENS = False  # they are kept encrypted, in a table of ours
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # nobody takes over an account by an address
