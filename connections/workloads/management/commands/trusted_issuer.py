"""`manage.py trusted_issuer`: issuers whose tokens are taken, and their rules."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from connections.management.named import service_account_named
from connections.management.output import add_output, print_json
from connections.models import IssuerRule, TrustedIssuer
from connections.operator_command import OperatorCommand, not_there
from connections.services import Scope
from connections.texts import counted
from connections.workloads import services

ALGORITHMS = services.ALGORITHMS
SCOPES = [str(one) for one in Scope]
ACTS = {"switch-on": "switch on", "switch-off": "switch off", "delete": "delete"}


class Command(OperatorCommand):
    """Adds, lists and deletes issuers and rules, switches them, and tries a token."""

    help = "Trusted issuers of workload identity: add, list, switch, delete, try a token."

    examples = """
trusted_issuer list
trusted_issuer list --output json    # for programs
trusted_issuer add github https://token.actions.githubusercontent.com --audience switchboard
trusted_issuer add-rule github main --where repository=example/shop --service-account ci-deploy \
--scope gateway:use
trusted_issuer switch-off github --rule main
trusted_issuer switch-on github --rule main
trusted_issuer delete github --rule main
trusted_issuer delete github
trusted_issuer fetch-keys github
trusted_issuer try < token.txt
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add_output(actions.add_parser("list", help="list all with their rules"))
        add = actions.add_parser("add", help="trust an issuer")
        add.add_argument("name", help="such as github-actions")
        add.add_argument("issuer", help="the iss of its tokens")
        self._add_checks(add)
        add.add_argument("--jwks-url", default="", help="where its keys are")
        self._add_rule(actions.add_parser("add-rule", help="add a rule to an issuer"))
        for action, said in ACTS.items():
            one = actions.add_parser(action, help=f"{said} an issuer, or one of its rules")
            one.add_argument("name", help="the name of the issuer")
            one.add_argument("--rule", help="the rule, in the place of the issuer")
        keys = actions.add_parser("fetch-keys", help="fetch the keys of an issuer now")
        keys.add_argument("name", help="the name of the issuer")
        actions.add_parser("try", help="judge the token on standard input; it is not stored")

    @staticmethod
    def _add_checks(add: CommandParser) -> None:
        add.add_argument(
            "--audience",
            action="append",
            required=True,
            dest="audiences",
            metavar="AUDIENCE",
            help="an aud of its tokens; can be repeated",
        )
        add.add_argument(
            "--algorithm",
            action="append",
            dest="algorithms",
            choices=ALGORITHMS,
            help="how its tokens may be signed; can be repeated; all of these, if left out",
        )
        add.add_argument(
            "--longest-age",
            type=int,
            default=1440,
            metavar="MINUTES",
            help="how old a token may be (1440)",
        )

    @staticmethod
    def _add_rule(rule: CommandParser) -> None:
        rule.add_argument("issuer", help="the name of the issuer")
        rule.add_argument("name", help="what the rule is called")
        rule.add_argument(
            "--where",
            action="append",
            required=True,
            metavar="CLAIM=TEXT",
            help="a condition; * stands for any characters; can be repeated",
        )
        rule.add_argument(
            "--service-account", required=True, metavar="NAME", help="whose rights a token has"
        )
        rule.add_argument(
            "--scope",
            action="append",
            required=True,
            dest="scopes",
            choices=SCOPES,
            help="what a token may do; can be repeated",
        )
        rule.add_argument(
            "--profile",
            action="append",
            default=[],
            dest="profiles",
            metavar="PROFILE",
            help="id or alias of a profile it is limited to; can be repeated",
        )
        rule.add_argument("--requests-per-minute", type=int, help="left out: no limit")
        rule.add_argument("--tokens-per-day", type=int, help="left out: no limit")

    def handle(self, *_args: Any, **options: Any) -> None:
        acts = {
            "list": self._list,
            "add": self._add,
            "add-rule": self._create_rule,
            "fetch-keys": self._fetch_keys,
            "try": self._try,
        }
        acts.get(options["action"], self._act)(options)

    def _list(self, options: dict[str, Any]) -> None:
        found = services.trusted_issuers()
        if options["output"] == "json":
            print_json(self, [_described(row) for row in found])
            return
        if not found:
            self.stderr.write("There are none.", style_func=str)
        for row in found:
            state = "on" if row.is_active else "off"
            self.stdout.write(f"{row.name}  {state}  {row.issuer}  {counted(len(row.keys), 'key')}")
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
        account = service_account_named(options["service_account"])
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
        known = services.trusted_issuers().values_list("name", flat=True)
        raise not_there("trusted issuer", name, known, "trusted_issuer list")
    return row


def _rule(issuer: TrustedIssuer, name: str) -> IssuerRule:
    row = services.rules_of(issuer).filter(name=name).first()
    if row is None:
        known = services.rules_of(issuer).values_list("name", flat=True)
        raise not_there(f"rule of {issuer.name}", name, known, "trusted_issuer list")
    return row


def _described(row: TrustedIssuer) -> dict[str, Any]:
    return {
        "name": row.name,
        "issuer": row.issuer,
        "active": row.is_active,
        "audiences": row.audiences,
        "keys": len(row.keys),
        "rules": [
            {
                "name": rule.name,
                "active": rule.is_active,
                "conditions": rule.conditions,
                "service_account": rule.account.name,
                "scopes": rule.scopes,
            }
            for rule in services.rules_of(row)
        ],
    }
