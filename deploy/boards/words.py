"""What boards say, in one language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from citybrain.catalogue.model import Text
from citybrain.catalogue.schema import Title
from deploy.boards.model import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")

_FOLDER = Path(__file__).parent / "words"


@dataclass(frozen=True)
class Words:
    """The words of one language: `words("alert.open")`, and of the catalogue: `words.of(domain.title)`."""

    language: Language
    known: dict[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key, such as `alert.open`, with `values` in their places."""
        return str(self._found(key)).format(**values)

    def group(self, key: str) -> dict[str, str]:
        """The words of all keys below one, such as `handling`, in the order of the file."""
        return {str(name): text for name, text in self._found(key).items()}

    def of(self, text: Text | Title) -> str:
        """A text of the catalogue."""
        return text.zh if self.language == "zh" else text.en

    def _found(self, key: str) -> Any:
        found: Any = self.known
        for name in key.split("."):
            found = found[name]
        return found


@cache
def words(language: Language) -> Words:
    """The words of a language, from `words/<language>.yaml`."""
    text = (_FOLDER / f"{language}.yaml").read_text(encoding="utf-8")
    return Words(language, yaml.safe_load(text))
