"""A document as HTML. Its own HTML is shown as text, but for comments, which are left out."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import RLock
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from .files import is_document, place_of, target_of, text_of

LEVELS = ("h1", "h2", "h3", "h4")
QUESTION = 5  # the level of a question, which is the beginning of a paragraph
# One thread at a time: mdurl fills a table that others then find half full, and whoever waits finds
# what was read meanwhile.
_reading = RLock()


@dataclass(frozen=True)
class Section:
    """A heading, or a question in bold letters, with the text below it. `anchor` is empty for
    what comes before the first.
    """

    title: str
    anchor: str
    level: int
    text: str


@dataclass(frozen=True)
class Outline:
    """A document without its form. `sections` are in the order of the text; the first has the
    document's title.
    """

    title: str
    sections: tuple[Section, ...]

    @property
    def chapters(self) -> list[Section]:
        """The sections of the first level below the title."""
        return [one for one in self.sections if one.level == 2]


def slug(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt  # no worker that shows no document needs them
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.use(footnote_plugin)
    for name, rule in (("fence", _code), ("code_block", _code), ("table_open", _table_open)):
        parser.add_render_rule(name, rule)
    for name in ("html_block", "html_inline"):
        parser.add_render_rule(name, _html)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def outline(path: str) -> Outline:
    """The title and the sections of the document with this path. Raises OSError."""
    with _reading:
        return _outline(path)


@cache
def _outline(path: str) -> Outline:
    tokens = _parser().parse(text_of(path))
    title = _take_title(tokens)
    return Outline(title, tuple(_sections(tokens, title)))


def render(path: str) -> SafeString:
    """The document with this path in the repository, but for its title. Raises OSError."""
    with _reading:
        return _render(path, get_language() or "")  # the buttons in it are translated


@lru_cache(maxsize=16)
def _render(path: str, _language: str) -> SafeString:
    tokens = _parser().parse(text_of(path))
    _sections(tokens, _take_title(tokens))
    _of_this_server(tokens, path)
    html: str = _parser().renderer.render(tokens, _parser().options, {})
    return mark_safe(html)  # noqa: S308 escaped by markdown-it, and by `_html`


def _take_title(tokens: list[Any]) -> str:
    """The text of the first heading, which the page shows itself; it is taken out."""
    if not tokens or tokens[0].type != "heading_open":
        return "Documents"
    title = _plain(tokens[1])
    del tokens[:3]
    return title


def _sections(tokens: Sequence[Any], title: str) -> list[Section]:
    """What is below each heading and question, as text. Gives them their anchors."""
    used: Counter[str] = Counter()
    found, heading, texts = list[Section](), (title, "", 1), list[str]()
    for place, token in enumerate(tokens):
        if token.type == "footnote_block_open":
            break
        if named := _named(tokens, place):
            found.append(Section(*heading, text="\n".join(texts)))
            name, level = named
            anchor = slug(name)
            token.attrSet("id", f"{anchor}-{used[anchor]}" if used[anchor] else anchor)
            used[anchor] += 1
            heading, texts = (name, str(token.attrGet("id")), level), []
        elif token.type == "inline" and tokens[place - 1].type != "heading_open":
            texts.append(_plain(token))
        elif token.type in ("fence", "code_block"):
            texts.append(token.content)
    return [*found, Section(*heading, text="\n".join(texts))]


def _named(tokens: Sequence[Any], place: int) -> tuple[str, int] | None:
    """The name and the level of the section that begins here, None where none does."""
    token = tokens[place]
    if token.type == "heading_open" and token.tag in LEVELS:
        return _plain(tokens[place + 1]), int(token.tag[1])
    if token.type == "paragraph_open" and token.level == 0:
        bold = re.match(r"\*\*([^*]+\?)\*\* ", tokens[place + 1].content)
        return (bold[1].replace("`", ""), QUESTION) if bold else None
    return None


def _plain(token: Any) -> str:
    return "".join(
        " " if one.type in ("softbreak", "hardbreak") else one.content
        for one in token.children or ()
    )


def _of_this_server(tokens: Sequence[Any], path: str) -> None:
    """Lets links lead to pages of this server, and takes styles away, which no page may have."""
    opened = list[str]()
    for place, token in enumerate(tokens):
        if token.tag == "th" and not tokens[place + 1 - 2 * (token.nesting < 0)].content:
            token.tag = "td"  # an empty head says nothing of its column
        if "right" in str(token.attrs.pop("style", "")):
            token.attrSet("class", "number")
        if token.type == "link_open":
            link = str(token.attrs.pop("href"))
            target = target_of(link, path)
            if tokens[place + 1].content == link.partition("#")[0] and is_document(link, path):
                tokens[place + 1].content = _called(link, path)
            if target:
                token.attrSet("href", target)
            else:  # a file of the repository that no server has
                token.tag = "span"
            opened.append(token.tag)
        elif token.type == "link_close":
            token.tag = opened.pop()
        elif token.type == "image":
            token.attrSet("src", target_of(str(token.attrGet("src")), path))
            token.attrSet("loading", "lazy")
        _of_this_server(token.children or (), path)


def _called(link: str, path: str) -> str:
    """What a link to a document is called that has no words of its own: as the section to which it
    leads, else as the document, without what its title adds behind a colon.
    """
    document, anchor = outline(place_of(link, path)), link.partition("#")[2]
    parts = [one.title for one in document.sections if anchor and one.anchor == anchor]
    return parts[0] if parts else document.title.partition(": ")[0]


def _code(_renderer: Any, tokens: Any, place: int, *_rest: Any) -> str:
    return render_to_string("documents/_code.html", {"text": tokens[place].content.rstrip("\n")})


def _html(_renderer: Any, tokens: Any, place: int, *_rest: Any) -> str:
    """Comments are not shown; other HTML is shown as it is written."""
    text = tokens[place].content
    return "" if text.lstrip().startswith("<!--") else escape(text)


def _table_open(*_rest: Any) -> str:
    return '<div class="scroll" tabindex="0"><table class="plain">\n'
