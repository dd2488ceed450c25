"""Profiles as Umbraco.AI's client has them."""

from connections.api import profiles

from .base import UmbracoDetail, UmbracoList


class ProfileList(UmbracoList, profiles.ProfileList):  # type: ignore[misc]
    """List and create."""


class ProfileDetail(UmbracoDetail, profiles.ProfileDetail):
    """One profile: read, replace, change, delete."""
