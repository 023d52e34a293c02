"""What is embedded in a page stays data."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from dataflow.report.page import embedded

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.sampled_from(["</script>", "<!--", "]]>"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Scripts(HTMLParser):
    """Texts of scripts, and whatever else there is."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.others: list[str] = []
        self.is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_inside = tag == "script"
        if not self.is_inside:
            self.others.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_inside = False

    def handle_data(self, data: str) -> None:
        (self.scripts if self.is_inside else self.others).append(data)


@given(JSON)
def test_any_content_is_read_back_and_ends_no_script(content: object) -> None:
    text = str(embedded(content))
    assert not re.search("[<>&\u2028\u2029]", text)
    parser = Scripts()
    parser.feed(f'<script type="application/json">{text}</script>')
    parser.close()
    assert json.loads("".join(parser.scripts)) == content
    assert parser.others == []
