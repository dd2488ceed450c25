"""Changing an alias, and the former ones that still answer: `/connections/{idOrAlias}/alias`,
`/connections/{idOrAlias}/former-aliases`, and the same of profiles.
"""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from .. import services
from ..former_aliases import former_aliases_of
from ..models import Connection, FormerAlias
from . import connections, profiles
from .base import ApiView, refuse_mismatch, tagged
from .connection_serializers import SavedConnectionSerializer, saved_json
from .fields import AliasField, CamelCaseSerializer
from .openapi import answers, items_of
from .profile_serializers import SavedProfileSerializer, saved_profile_json

CHANGE = (services.Scope.ADMIN, "connections.change_alias")


class AliasRequestSerializer(CamelCaseSerializer):
    """The alias that a row is to have."""

    alias = AliasField()


class AliasUseSerializer(CamelCaseSerializer):
    """Somebody who asks by a former alias."""

    used_by = serializers.CharField(help_text="A person, a person's token, or the command line.")
    last_used_at = serializers.DateTimeField()


class FormerAliasSerializer(CamelCaseSerializer):
    """An alias that a row had, which still finds it."""

    alias = serializers.CharField()
    date_changed = serializers.DateTimeField()
    changed_by = serializers.CharField(allow_null=True)
    uses = AliasUseSerializer(many=True, help_text="Who asks by it, the last one first.")


def _item(former: FormerAlias) -> Any:
    values = {
        "alias": former.alias,
        "date_changed": former.date_changed,
        "changed_by": former.changed_by and str(former.changed_by),
        "uses": [
            {"used_by": one.used_by, "last_used_at": one.last_used_at} for one in former.uses.all()
        ],
    }
    return FormerAliasSerializer(values).data


class RowView(ApiView):
    """Something about one row: a connection, unless a subclass says otherwise."""

    rows: ClassVar[Any] = staticmethod(Connection.objects.listed)

    def row(self, id_or_alias: str) -> Any:
        """The row in the address. Raises Http404."""
        return self.find(self.rows(), id_or_alias)


class AliasView(RowView):
    """Change the alias."""

    access = {"POST": CHANGE}

    def change(self, request: Request, id_or_alias: str) -> services.Saved:
        """The saved row. Raises what the service raises."""
        row = self.row(id_or_alias)
        alias = self.valid(AliasRequestSerializer, request)["alias"]
        version = refuse_mismatch(request, row)
        return services.change_alias(row, alias, actor=request.user, expected_version=version)


class ConnectionAlias(AliasView):
    """Change the alias of a connection."""

    @extend_schema(
        operation_id="changeConnectionAlias",
        request=AliasRequestSerializer,
        responses=answers(200, SavedConnectionSerializer, 400, 404, 409, 412, 413, 415),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        saved = self.change(request, id_or_alias)
        return tagged(Response(saved_json(saved)), saved.row)


class ProfileAlias(AliasView):
    """Change the alias of a profile."""

    rows = staticmethod(profiles.rows)

    @extend_schema(
        operation_id="changeProfileAlias",
        request=AliasRequestSerializer,
        responses=answers(200, SavedProfileSerializer, 400, 404, 409, 412, 413, 415),
    )
    def post(self, request: Request, id_or_alias: str) -> Response:
        saved = self.change(request, id_or_alias)
        return tagged(Response(saved_profile_json(saved)), saved.row)


class ConnectionFormerAliases(RowView):
    """The former aliases of a connection, and who asks by them."""

    access = {"GET": connections.READ}
    query_parameters = ()

    @extend_schema(
        operation_id="getConnectionFormerAliases",
        responses=answers(200, items_of(FormerAliasSerializer, paged=False), 404),
    )
    def get(self, _request: Request, id_or_alias: str) -> Response:
        found = former_aliases_of(self.row(id_or_alias))
        return Response({"total": len(found), "items": [_item(one) for one in found]})


class ProfileFormerAliases(ConnectionFormerAliases):
    """The former aliases of a profile, and who asks by them."""

    access = {"GET": profiles.READ}
    rows = staticmethod(profiles.rows)

    @extend_schema(
        operation_id="getProfileFormerAliases",
        responses=answers(200, items_of(FormerAliasSerializer, paged=False), 404),
    )
    def get(self, request: Request, id_or_alias: str) -> Response:
        return super().get(request, id_or_alias)


class ConnectionFormerAlias(RowView):
    """One former alias of a connection."""

    access = {"DELETE": CHANGE}

    @extend_schema(
        operation_id="deleteConnectionFormerAlias",
        request=None,
        responses=answers(204, None, 404),
    )
    def delete(self, request: Request, id_or_alias: str, alias: str) -> Response:
        found = former_aliases_of(self.row(id_or_alias))
        former = next((one for one in found if one.alias == alias.lower()), None)
        if former is None:
            raise Http404
        services.remove_former_alias(former, actor=request.user)
        return Response(status=204)


class ProfileFormerAlias(ConnectionFormerAlias):
    """One former alias of a profile."""

    rows = staticmethod(profiles.rows)

    @extend_schema(
        operation_id="deleteProfileFormerAlias",
        request=None,
        responses=answers(204, None, 404),
    )
    def delete(self, request: Request, id_or_alias: str, alias: str) -> Response:
        return super().delete(request, id_or_alias, alias)
