"""A mix: of how many complaints the demonstration is made, and in which shares (docs/simulate.md).

Written in TOML, read strictly: an unknown key, shares that do not add up, or a wish that nothing
could fulfil is refused before the first complaint, with the key's name.
"""

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec.structs import replace

from api.simulation.problems import PROBLEMS, Language
from domain.kernel import Code, Identifier
from domain.rules import Severity

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
RepeatShare = Literal["initial", "escalated_recomplaint", "repeat"]
CATEGORIES = tuple(dict.fromkeys(problem.path[0] for problem in PROBLEMS))
TAKEN_NAMES = frozenset({"demo"})
WHOLE = Decimal(100)
OTHERS = "others"  # the hours that are not named
LONGEST_DAYS = 366


class MixError(Exception):
    """The mix is not one, or no complaints can be made that have it; a line says why."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the mix."""


class Area(_Part, frozen=True, kw_only=True):
    """A part of the country: its share, and those of its provinces, which add up to it."""

    share: Decimal
    of: Annotated[dict[Identifier, Decimal], msgspec.Meta(min_length=1)]


class Hours(_Part, frozen=True, kw_only=True):
    """Some hours of some days of the week, from so many o'clock up to so many."""

    days: Annotated[list[Day], msgspec.Meta(min_length=1)]
    begin: Annotated[int, msgspec.Meta(ge=0, le=23)] = msgspec.field(name="from")
    end: Annotated[int, msgspec.Meta(ge=1, le=24)] = msgspec.field(name="to")
    share: Decimal

    @property
    def label(self) -> str:
        """What it is called: `mon tue 9-11`."""
        return f"{' '.join(self.days)} {self.begin}-{self.end}"

    @property
    def slots(self) -> frozenset[tuple[int, int]]:
        """Day of the week, from Monday = 0, and hour."""
        return frozenset(
            (DAYS.index(day), hour) for day in self.days for hour in range(self.begin, self.end)
        )


class Mix(_Part, frozen=True, kw_only=True):
    """How many complaints, received when, and in which shares of a hundred."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,29}(?!\n)$")]
    complaints: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    seed: int
    zone: str
    begin: dt.date = msgspec.field(name="from")
    end: dt.date = msgspec.field(name="to")  # the last day
    severity: dict[Severity, Decimal]
    channel: dict[Code, Decimal]
    repeat: dict[RepeatShare, Decimal]
    category: dict[str, Decimal]
    language: dict[Language, Decimal]
    region: dict[str, Area]
    hours: list[Hours] = []

    @property
    def timezone(self) -> ZoneInfo:
        """The zone that the days and hours are told in."""
        return ZoneInfo(self.zone)

    @property
    def other_hours(self) -> Decimal:
        """The share of the hours that are not named."""
        return WHOLE - sum((hours.share for hours in self.hours), Decimal(0))

    @property
    def days(self) -> list[dt.date]:
        """Each day of the period."""
        number = (self.end - self.begin).days + 1
        return [self.begin + dt.timedelta(days=each) for each in range(number)]

    def with_seed(self, seed: int) -> "Mix":
        """The same mix with other chances."""
        return replace(self, seed=seed)

    def shares(self) -> dict[str, dict[Any, Decimal]]:
        """The share of each kind, by dimension; windows of hours are named by what they say."""
        others = {OTHERS: self.other_hours} if self.other_hours else {}
        return {
            "severity": dict(self.severity),
            "channel": dict(self.channel),
            "repeat": dict(self.repeat),
            "category": dict(self.category),
            "language": dict(self.language),
            "area": {name: area.share for name, area in self.region.items()},
            "region": {code: s for area in self.region.values() for code, s in area.of.items()},
            "hours": {each.label: each.share for each in self.hours} | others,
        }


# --- reading --------------------------------------------------------------------------------


def shipped() -> list[str]:
    """The names of the mixes that come with the program."""
    entries = resources.files("api.simulation").iterdir()
    return sorted(entry.name[:-5] for entry in entries if entry.name.endswith(".toml"))


def load_mix(name_or_file: str) -> Mix:
    """A shipped mix by its name, or one of your own by its file. Raises `MixError`."""
    if name_or_file in shipped():
        text = resources.files("api.simulation").joinpath(f"{name_or_file}.toml").read_text("utf-8")
        return parse_mix(text, name_or_file)
    path = Path(name_or_file)
    try:
        return parse_mix(path.read_text(encoding="utf-8-sig"), path.name)
    except OSError as error:
        raise MixError(
            f"{name_or_file}: neither a shipped mix ({', '.join(shipped())})"
            f" nor a file that can be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise MixError(f"{name_or_file}: not UTF-8") from None


def parse_mix(text: str, name: str = "mix") -> Mix:
    """The mix that a TOML text says. Raises `MixError` with every key that is wrong."""
    try:
        tree = tomllib.loads(text, parse_float=Decimal)
        mix = msgspec.convert(tree, Mix)
    except tomllib.TOMLDecodeError as error:
        raise MixError(f"{name}: not TOML: {error}") from None
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        message = message.replace("Object", "the table").replace("field", "key")
        key = place.strip("`.")
        raise MixError(f"{name}: {key}: {message}" if key else f"{name}: {message}") from None
    errors = list(_sense_errors(mix))
    if errors:
        raise MixError("\n".join(f"{name}: {error}" for error in errors))
    return mix


# --- making sense of it ---------------------------------------------------------------------


def _sense_errors(mix: Mix) -> Iterator[str]:
    """What is well written and could still never be made."""
    if mix.name in TAKEN_NAMES:
        yield f"name: {mix.name} is taken"
    if mix.zone not in available_timezones():
        yield "zone: not the name of a time zone, such as Asia/Shanghai"
    if not 0 <= (mix.end - mix.begin).days < LONGEST_DAYS:
        yield f"to: has to be a day from `from` on, of {LONGEST_DAYS} days at most"
    else:
        yield from _hours_errors(mix)
    for key in ("severity", "channel", "repeat", "category", "language"):
        yield from _sum_errors(key, getattr(mix, key))
    yield from _sum_errors("region", {name: area.share for name, area in mix.region.items()})
    if "initial" not in mix.repeat:
        yield "repeat.initial: missing; every customer complains a first time"
    for label in mix.category:
        if label not in CATEGORIES:
            yield f'category."{label}": there are only {", ".join(CATEGORIES)}'
    yield from _region_errors(mix.region)


def _sum_errors(key: str, shares: Mapping[str, Decimal], whole: Decimal = WHOLE) -> Iterator[str]:
    if any(_is_no_share(share) for share in (whole, *shares.values())):
        yield f"{key}: a share is a number above 0, up to 100"
    elif (found := sum(shares.values(), Decimal(0))) != whole:
        yield f"{key}: the shares add up to {found}, not to {whole}"


def _is_no_share(share: Decimal) -> bool:
    return not (share.is_finite() and 0 < share <= WHOLE)


def _region_errors(region: Mapping[str, Area]) -> Iterator[str]:
    codes = [code for area in region.values() for code in area.of]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield f"region: {code} stands in two areas"
    for name, area in region.items():
        yield from _sum_errors(f'region."{name}".of', area.of, area.share)


def _hours_errors(mix: Mix) -> Iterator[str]:
    taken = set[tuple[int, int]]()
    for number, hours in enumerate(mix.hours, 1):
        if hours.end <= hours.begin:
            yield f"hours {number}: to lies before from"
        if taken & hours.slots:
            yield f"hours {number}: overlaps with the hours before"
        if all((day.weekday(), hours.begin) not in hours.slots for day in mix.days):
            yield f"hours {number}: no such day between from and to"
        taken |= hours.slots
    if any(_is_no_share(hours.share) for hours in mix.hours):
        yield "hours: a share is a number above 0, up to 100"
        return
    if mix.other_hours < 0:
        yield f"hours: the shares add up to {WHOLE - mix.other_hours}, more than {WHOLE}"
    others = {(day.weekday(), hour) for day in mix.days for hour in range(24)} - taken
    if mix.other_hours > 0 and not others:
        yield f"hours: every hour is named and the shares add up to {WHOLE - mix.other_hours}"
