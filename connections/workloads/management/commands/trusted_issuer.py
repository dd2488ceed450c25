"""`manage.py trusted_issuer`: issuers whose tokens are taken, and their rules."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections.models import SUFFIX, IssuerRule, ServiceAccount, TrustedIssuer
from connections.operator_command import OperatorCommand
from connections.services import Invalid, Scope
from connections.workloads import services

ALGORITHMS = services.ALGORITHMS
SCOPES = [str(one) for one in Scope]
ACTS = {"switch-on": "switch on", "switch-off": "switch off", "delete": "delete"}


class Command(OperatorCommand):
    """Adds, lists and deletes issuers and rules, switches them, and tries a token."""

    help = "Trusted issuers of workload identity: add, list, switch, delete, try a token."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="list all with their rules")
        add = actions.add_parser("add", help="trust an issuer")
        add.add_argument("name", help="such as github-actions")
        add.add_argument("issuer", help="the iss of its tokens")
        add.add_argument("--audience", action="append", required=True, dest="audiences")
        add.add_argument("--algorithm", action="append", dest="algorithms", choices=ALGORITHMS)
        add.add_argument("--jwks-url", default="", help="where its keys are")
        add.add_argument("--longest-age", type=int, default=1440, metavar="MINUTES")
        self._add_rule(actions.add_parser("add-rule", help="add a rule to an issuer"))
        for action, said in ACTS.items():
            one = actions.add_parser(action, help=f"{said} an issuer, or one of its rules")
            one.add_argument("name")
            one.add_argument("--rule", help="the rule, in the place of the issuer")
        keys = actions.add_parser("fetch-keys", help="fetch the keys of an issuer now")
        keys.add_argument("name")
        actions.add_parser("try", help="judge the token on standard input; it is not stored")

    @staticmethod
    def _add_rule(rule: CommandParser) -> None:
        rule.add_argument("issuer", help="the name of the issuer")
        rule.add_argument("name")
        rule.add_argument(
            "--where",
            action="append",
            required=True,
            metavar="CLAIM=TEXT",
            help="a condition; * stands for any characters; can be repeated",
        )
        rule.add_argument("--service-account", required=True, metavar="NAME")
        rule.add_argument("--scope", action="append", required=True, dest="scopes", choices=SCOPES)
        rule.add_argument("--profile", action="append", default=[], dest="profiles")
        rule.add_argument("--requests-per-minute", type=int)
        rule.add_argument("--tokens-per-day", type=int)

    def handle(self, *_args: Any, **options: Any) -> None:
        acts = {
            "list": self._list,
            "add": self._add,
            "add-rule": self._create_rule,
            "fetch-keys": self._fetch_keys,
            "try": self._try,
        }
        try:
            acts.get(options["action"], self._act)(options)
        except Invalid as refused:
            raise CommandError(" ".join(error.message for error in refused.errors)) from None

    def _list(self, _options: dict[str, Any]) -> None:
        for row in services.trusted_issuers():
            state = "on" if row.is_active else "off"
            self.stdout.write(f"{row.name}  {state}  {row.issuer}  {len(row.keys)} keys")
            for rule in services.rules_of(row):
                said = ", ".join(f"{claim}={text}" for claim, text in rule.conditions.items())
                state = "on" if rule.is_active else "off"
                self.stdout.write(f"  {rule.name}  {state}  {said}  as {rule.account.name}")

    def _add(self, options: dict[str, Any]) -> None:
        names = ("name", "issuer", "audiences", "jwks_url", "longest_age")
        values = {name: options[name] for name in names}
        values["algorithms"] = options["algorithms"] or list(ALGORITHMS)
        row = services.create_issuer(actor=None, **values)
        self.stdout.write(f"{row.name} is trusted.")
        self._tell_keys(row)

    def _fetch_keys(self, options: dict[str, Any]) -> None:
        self._tell_keys(_issuer(options["name"]))

    def _tell_keys(self, row: TrustedIssuer) -> None:
        row = services.fetch_keys(row, actor=None)
        if row.keys_error:
            self.stderr.write(f"Its keys could not be fetched: {row.keys_error}")
        else:
            self.stdout.write(f"Its keys are fetched: {len(row.keys)}.")

    def _create_rule(self, options: dict[str, Any]) -> None:
        conditions = {}
        for one in options["where"]:
            claim, sign, text = one.partition("=")
            if not sign:
                raise CommandError(f"Write a condition like this: --where claim=text, not {one!r}.")
            conditions[claim.strip()] = text.strip()
        names = ("name", "scopes", "profiles", "requests_per_minute", "tokens_per_day")
        values = {name: options[name] for name in names}
        account = _account(options["service_account"])
        issuer = _issuer(options["issuer"])
        row = services.create_rule(
            issuer, actor=None, conditions=conditions, account=account, **values
        )
        self.stdout.write(f"The rule {row.name} is added.")

    def _act(self, options: dict[str, Any]) -> None:
        issuer, action = _issuer(options["name"]), options["action"]
        rule = _rule(issuer, options["rule"]) if options["rule"] else None
        values = {"is_active": action == "switch-on"}
        if action == "delete" and rule:
            services.delete_rule(rule, actor=None)
        elif action == "delete":
            services.delete_issuer(issuer, actor=None)
        elif rule:
            services.change_rule(rule, values, actor=None)
        else:
            services.change_issuer(issuer, values, actor=None)
        self.stdout.write(f"{options['rule'] or options['name']}: {action} is done.")

    def _try(self, _options: dict[str, Any]) -> None:
        judged = services.try_token(sys.stdin.read().strip(), actor=None)
        for step in judged.steps:
            self.stdout.write(f"{'ok' if step.is_good else 'NO'}  {step.name}: {step.said}")
        for one in judged.rules:
            self.stdout.write(f"rule {one.rule.name}: {'fits' if one.fits else 'does not fit'}")
            if one.refusal:
                self.stdout.write(f"    {one.refusal}")
            for claim in one.conditions:
                found = "is not there" if claim.found is None else f"is {claim.found!r}"
                met = "ok" if claim.is_met else "NO"
                self.stdout.write(f"    {met}  {claim.claim} {found}, wanted {claim.wanted!r}")
        if judged.rule is None:
            raise CommandError("It is not taken.")


def _issuer(name: str) -> TrustedIssuer:
    row = services.trusted_issuers().filter(name=name).first()
    if row is None:
        raise CommandError(f"There is no trusted issuer {name!r}.")
    return row


def _rule(issuer: TrustedIssuer, name: str) -> IssuerRule:
    row = services.rules_of(issuer).filter(name=name).first()
    if row is None:
        raise CommandError(f"{issuer.name} has no rule {name!r}.")
    return row


def _account(name: str) -> ServiceAccount:
    row = ServiceAccount.objects.filter(user__username=f"{name}{SUFFIX}").first()
    if row is None:
        raise CommandError(f"There is no service account {name!r}.")
    return row
