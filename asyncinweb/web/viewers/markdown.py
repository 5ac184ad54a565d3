"""Markdown of results as harmless HTML: no raw HTML, no scripts, nothing fetched from elsewhere."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

# The page and the result already have headings above it.
LEVELS_BELOW = 2
DEEPEST = 6
RIGHT = "text-align:right"

FindFile = Callable[[str], str | None]


def rendered(text: str, find_file: FindFile) -> Markup:
    """The text as HTML. `find_file` returns the address of a picture or file by its name; None if there is
    none."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    return Markup(parser.render(text, {"find_file": find_file}))  # the renderer escapes


class _Renderer(RendererHTML):
    """Renders only what our Content-Security-Policy allows: no inline styles, no pictures from elsewhere."""

    def image(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        token = tokens[place]
        words = escape(self.renderInlineAsText(token.children, options, env))
        source = str(token.attrs.get("src", ""))
        address = source if source.startswith("data:") else _found(source, env)
        if address is None:
            return f'<a href="{escape(source)}" rel="noopener noreferrer nofollow">{words or escape(source)}</a>'
        return f'<img src="{escape(address)}" alt="{words}">'

    def link_open(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        token = tokens[place]
        address = str(token.attrs.get("href", ""))
        token.attrSet("href", _found(address, env) or address)
        token.attrSet("rel", "noopener noreferrer nofollow")
        return self.renderToken(tokens, place, options, env)

    def heading_open(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        tokens[place].tag = _lowered(tokens[place].tag)
        return self.renderToken(tokens, place, options, env)

    heading_close = heading_open

    def table_open(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        return '<div class="scroll" tabindex="0"><table class="result-table">'

    def table_close(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        return "</table></div>"

    def th_open(self, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
        token = tokens[place]
        style = token.attrs.pop("style", None)
        if style == RIGHT:
            token.attrSet("class", "number")
        return self.renderToken(tokens, place, options, env)

    td_open = th_open


def _found(address: str, env: Any) -> str | None:
    # The parser has escaped odd characters in addresses, such as `%20`.
    find_file: FindFile = env["find_file"]
    return find_file(unquote(address))


def _lowered(tag: str) -> str:
    return f"h{min(DEEPEST, int(tag[1:]) + LEVELS_BELOW)}"
