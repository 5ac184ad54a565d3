"""How values are written on pages: times, durations, sizes, numbers."""

from collections.abc import Callable
from datetime import datetime

from markupsafe import Markup

from asyncinweb import clock
from asyncinweb.server_paths import without_server_paths
from asyncinweb.units import size

MINUTE, HOUR, DAY = 60, 3600, 86_400
# From here on, a figure is shown as its first digits and a power of ten.
MOST_DIGITS = 1e15
# From here on, decimals no longer matter.
MOST_FRACTIONS = 1e5


def duration(seconds: float) -> str:
    """`under 0.1 s`, `0.4 s`, `12 s`, `1 min 20 s`, `2 h 5 min`, `3 days`."""
    if seconds < 0.05:
        return "under 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < MINUTE - 0.5:
        return f"{seconds:.0f} s"
    whole = max(MINUTE, int(seconds))
    if whole < HOUR:
        return _two(whole // MINUTE, "min", whole % MINUTE, "s")
    if whole < 2 * DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "min")
    return f"{whole // DAY} days"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def clock_text(time: datetime) -> str:
    """`14:02` today, else `12 Nov 14:02`, in the server's time zone."""
    local, today = time.astimezone(), clock.now().astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def clock_seconds(time: datetime) -> Markup:
    """`14:02:07`, with the day if it is not today."""
    seconds = f":{time.astimezone():%S}"
    return _time(time, "clock", clock_text(time) + seconds)


def ago(time: datetime) -> Markup:
    """`12 s ago`, after an hour the clock. live.js keeps it ticking."""
    seconds = (clock.now() - time).total_seconds()
    if seconds < 5:
        return _time(time, "ago", "just now")
    words = clock_text(time) if seconds >= HOUR else f"{_whole(seconds)} ago"
    return _time(time, "ago", words)


def since(time: datetime) -> Markup:
    """`12 s`, counting up."""
    return _time(time, "since", _whole((clock.now() - time).total_seconds()))


def until(time: datetime) -> Markup:
    """`in 24 s`, counting down; after an hour from now `today at 18:00` or `on 12 Nov at 18:00`."""
    seconds = (time - clock.now()).total_seconds()
    if seconds >= HOUR:
        day, _, hours = clock_text(time).rpartition(" ")
        return _time(time, "until", f"{f'on {day}' if day else 'today'} at {hours}")
    return _time(time, "until", f"in {_whole(seconds)}" if seconds >= 1 else "now")


def _whole(seconds: float) -> str:
    """Like `duration`, without fractions, which would flicker while ticking."""
    whole = int(seconds)
    if whole < MINUTE:
        return f"{max(0, whole)} s"
    return f"{whole // MINUTE} min" if whole >= 2 * MINUTE and whole < HOUR else duration(whole)


def amount(number: float) -> str:
    """`1,234,567`, `0.5`: a figure that a task reports, no more exact than people read it."""
    if abs(number) >= MOST_DIGITS:
        return f"{number:.3g}"
    is_whole = float(number).is_integer() or abs(number) >= MOST_FRACTIONS
    return f"{number:,.0f}" if is_whole else f"{number:,.6g}"


def as_sentence(text: str | None) -> str:
    """A text that a sentence can follow: with a full stop, unless it already ends with a mark."""
    text = (text or "Unknown").rstrip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _time(time: datetime, tick: str, words: str) -> Markup:
    iso = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" data-tick="{}" title="{:%d %b %Y, %H:%M:%S %Z}">{}</time>').format(
        iso, tick, time.astimezone(), words
    )


def _unless_unreadable(show: Callable[[datetime], str]) -> Callable[[datetime | None], str]:
    """For times of a row that is damaged."""

    def shown(time: datetime | None) -> str:
        return "at an unknown time" if time is None or time is clock.UNREADABLE else show(time)

    return shown


TIMES = (clock_text, clock_seconds, ago, since, until)
FILTERS: dict[str, Callable[..., str]] = {
    **{each.__name__: _unless_unreadable(each) for each in TIMES},
    **{each.__name__: each for each in (duration, size, ordinal, amount, as_sentence, without_server_paths)},
}
