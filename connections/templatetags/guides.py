"""Tags that lead from a page to the document about it."""

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

# the document of each section of the pages, and the place in it
GUIDES = {
    "dashboard": ("health", ""),
    "attention": ("health", ""),
    "notices": ("notices", ""),
    "connections": ("providers", ""),
    "profiles": ("gateway", "profiles"),
    "references": ("references", ""),
    "usage": ("gateway", "usage"),
    "people": ("sign-in", ""),
    "teams": ("teams", ""),
    "tokens": ("gateway", "calling-it"),
    "types": ("connection-types", ""),
    "schedule": ("health", ""),
    "audit": ("audit", ""),
    "administration": ("settings", ""),
    "you": ("sign-in", ""),
}

register = template.Library()


@register.simple_tag
def guide(section: str) -> SafeString:
    """A link to the document about the pages of a section; without one to all documents."""
    name, place = GUIDES.get(section, ("", ""))
    address = reverse("document", args=[name]) if name else reverse("documents")
    text = _("Help on this page") if name else _("Documents")
    part = f"#{place}" if place else ""
    return format_html('<a href="{}{}">{}</a>', address, part, text)


@register.simple_tag
def read_more(name: str, place: str = "") -> SafeString:
    """A link to a document, with the words that say no more than that there is one."""
    part = f"#{place}" if place else ""
    address = reverse("document", args=[name])
    return format_html('<a href="{}{}">{}</a>', address, part, _("Read more"))


@register.simple_tag
def error_entry(code: str) -> SafeString:
    """The code of a failure, as a link to its cause and its cure."""
    address = reverse("document", args=["errors"])
    return format_html('<a href="{}#{}"><code>{}</code></a>', address, code, code)
