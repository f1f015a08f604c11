"""Answers of exercises, which a reader opens."""

from __future__ import annotations

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Dropdown(SphinxDirective):
    """Text below a title that is closed until a reader opens it: ``{dropdown} Title``."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Wrap the text in the element of HTML for this, which needs no script."""
        title = nodes.Text(self.arguments[0]).astext()
        begin = nodes.raw("", f"<details><summary>{title}</summary>", format="html")
        return [begin, *self.parse_content_to_nodes(), nodes.raw("", "</details>", format="html")]
