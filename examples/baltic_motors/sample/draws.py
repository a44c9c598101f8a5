"""Random draws from the words of the sample, all from one seed."""

from __future__ import annotations

import random
import tomllib
import unicodedata
import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from crm_automotive import vin

Record = dict[str, Any]

ZONE = ZoneInfo("Europe/Riga")
WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))
LANGUAGES = ("lv", "et", "lt", "en")


class Draws(random.Random):
    """The random numbers of one run, and its present."""

    def __init__(self, now: datetime, seed: int) -> None:
        super().__init__(seed)
        self.now = now.astimezone(ZONE).replace(microsecond=0)

    @property
    def today(self) -> date:
        return self.now.date()

    def id(self) -> str:
        """The id of a record: the same in each run, so that later changes can name it."""
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def chance(self, percent: float) -> bool:
        """True in so many of a hundred draws."""
        return self.random() * 100 < percent

    def weighted(self, shares: dict[str, int]) -> str:
        """A key, as often as its share says."""
        return self.choices(list(shares), list(shares.values()))[0]

    def vin(self, wmi: str, year: int) -> str:
        """A number of this maker and model year. One in ten has no check digit, as makers in Europe need none."""
        vds = "".join(self.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=5))
        code = vin.YEAR_CODES[(year - 1980) % 30]
        text = f"{wmi}{vds}Z{code}{self.choice('ABCX1')}{self.randrange(10**6):06d}"
        return text if self.chance(10) else text[:8] + vin.check_digit(text) + text[9:]


def euros(amount: float, step: int = 1) -> Record:
    """Money, rounded to whole steps."""
    return {"amount": round(amount / step) * step, "currency": "EUR"}


def latin(name: str) -> str:
    """A name as part of an e-mail address: `Žanete` is `zanete`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())
