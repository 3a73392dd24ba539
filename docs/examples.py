"""Lets the reference show a docstring's Example as code."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Calls the section by the name that griffe knows."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Renames it in the docstring of everything that is shown."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^( *)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
