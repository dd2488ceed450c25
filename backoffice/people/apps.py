"""The app of people, for sign-in and the administration of users and groups."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_noop


class PeopleConfig(AppConfig):
    """Sign-in, permissions, users and groups."""

    name = "backoffice.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allauth.account.signals import user_logged_in as signed_in
        from allauth.mfa.models import Authenticator
        from django.contrib.auth.signals import user_logged_in, user_logged_out
        from django.db.models.signals import post_delete, post_save

        from connections.jobs import Job, declare
        from connections.services import declare_encrypted

        from .access import watch_people
        from .models import ProviderSession, SecondFactorSecret
        from .oidc.adapters import note_visit
        from .oidc.staying import RUN_EVERY, ask_due
        from .role_versions import declare_versions
        from .signin.factors import forget_secret, note_change
        from .signin.limits import prune as prune_limits
        from .signin.sessions import note_sign_in, note_sign_out
        from .signin.sessions import prune as prune_sessions

        watch_people()
        declare_versions()
        user_logged_in.connect(note_sign_in, dispatch_uid="people-signed-in")
        post_delete.connect(forget_secret, Authenticator, dispatch_uid="people-factor")
        user_logged_out.connect(note_sign_out, dispatch_uid="people-signed-out")
        for signal in (post_save, post_delete):
            signal.connect(note_change, Authenticator, dispatch_uid="people-factor-event")
        signed_in.connect(note_visit, dispatch_uid="people-came-by-provider")
        declare_encrypted(SecondFactorSecret)
        declare_encrypted(ProviderSession)
        every = timedelta(days=1)
        what = gettext_noop("Deletion of old failed sign-ins")
        declare(Job("prune-sign-ins", what, every, prune_limits))
        what = gettext_noop("Deletion of ended sessions")
        declare(Job("prune-sessions", what, every, prune_sessions))
        what, every = gettext_noop("Questions to identity providers who may stay"), RUN_EVERY
        declare(Job("ask-providers", what, every, ask_due, is_quick=True))
