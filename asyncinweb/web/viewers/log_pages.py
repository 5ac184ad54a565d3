"""Parts of a log on a page: its end, earlier parts, and new lines.

A part begins at the start of a line if possible. The line being written is kept apart, because it may still be
overwritten (a progress bar): the next part begins with it again.
"""

from dataclasses import dataclass, replace

from markupsafe import Markup

from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import kept_parts, log_size, read_log, read_part, whole_characters
from asyncinweb.web.viewers.ansi import PLAIN, UNFINISHED, Style, has_words, rendered

# The size of one part in bytes of the log, and in bytes of HTML, which escapes and colours make longer.
PART = 64_000
SMALLEST_PART = 2_000
MOST_HTML = 120_000
# We do not wait for a longer line to be finished.
LONGEST_LINE = 10_000


@dataclass(frozen=True)
class LogPage:
    """Part of the log of the attempt with this `claim`, from the byte `start` on.

    `lines` are finished; `line` is being written, and `next_offset` and `style` continue from it. `size`: the size
    of the log at that time. `earlier`: where the part before this one ends, None for the first. `dropped`: how
    many bytes are missing just before it. `kept_before`: how many bytes before it are kept. `gap`: the bytes that
    are missing further up, None if there are none. `missing_after`: how many are missing just behind it. `is_end`:
    nothing comes after it. `poll`: htmx trigger, empty if nothing more will come.
    """

    claim: int
    start: int
    lines: Markup
    line: Markup
    next_offset: int
    style: Style
    size: int
    dropped: int = 0
    earlier: int | None = None
    kept_before: int = 0
    gap: range | None = None
    missing_after: int = 0
    is_end: bool = True
    poll: str = ""


@dataclass(frozen=True)
class _Window:
    """Bytes of the log before `stop`, and facts about what precedes them; see `LogPage`."""

    start: int
    stop: int
    earlier: int | None = None
    dropped: int = 0
    kept_before: int = 0
    gap: range | None = None


def end_of_log(folder: JobFolder, claim_no: int) -> LogPage:
    """The last part of the log, with the line being written."""
    size, amount = log_size(folder, claim_no), PART
    while True:
        window = _window_before(folder, claim_no, size, amount)
        part = part_after(folder, claim_no, window.start, PLAIN)
        if len(part.lines) + len(part.line) <= MOST_HTML or amount <= SMALLEST_PART:
            return replace(
                part,
                earlier=window.earlier,
                dropped=window.dropped or part.dropped,
                kept_before=window.kept_before,
                gap=window.gap,
            )
        amount //= 2


def part_before(folder: JobFolder, claim_no: int, end: int) -> LogPage:
    """The part that ends before the byte `end`."""
    amount = PART
    while True:
        window = _window_before(folder, claim_no, end, amount)
        data = read_part(folder, claim_no, range(window.start, window.stop))
        lines, style = rendered(text_of(data), PLAIN)
        if len(lines) <= MOST_HTML or amount <= SMALLEST_PART:
            return LogPage(
                claim_no,
                window.start,
                lines,
                Markup(),
                window.stop,
                style,
                window.stop,
                window.dropped,
                window.earlier,
                window.kept_before,
                window.gap,
                _missing_at(folder, claim_no, window.stop),
                is_end=False,
            )
        amount //= 2


def part_after(folder: JobFolder, claim_no: int, after: int, style: Style) -> LogPage:
    """Finished lines from the byte `after` on, and the line being written."""
    piece = read_log(folder, claim_no, after, 2 * PART)
    finished, overwritten, line = _split(piece.data)
    lines, style = rendered(text_of(finished), style)
    _, style = rendered(text_of(overwritten), style)
    shown, _ = rendered(text_of(line), style)
    return LogPage(
        claim_no, after, lines, shown, piece.next_offset - len(line), style, piece.next_offset, piece.dropped
    )


def text_of(data: bytes) -> str:
    """The text without an incomplete character or sequence at its end, which the next part will contain whole."""
    return UNFINISHED.sub(b"", whole_characters(data)).decode("utf-8", "replace")


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Finished lines, the overwritten part of the last line, and what it shows now."""
    end = data.rfind(b"\n") + 1
    finished, line = data[:end], data[end:]
    place = line.rfind(b"\r")
    # A line is overwritten only when something is written.
    while place > 0 and not has_words(text_of(line[place:])):
        place = line.rfind(b"\r", 0, place)
    overwritten, line = line[: max(0, place)], line[max(0, place) :]
    if len(line) <= LONGEST_LINE:
        return finished, overwritten, line
    whole = whole_characters(line)
    begun = UNFINISHED.search(whole)
    cut = begun.start() if begun else len(whole)
    return finished + overwritten + line[:cut], b"", line[cut:]


def _window_before(folder: JobFolder, claim_no: int, end: int, amount: int) -> _Window:
    """At most `amount` bytes before `end`, without any dropped ones."""
    kept = [part for part in kept_parts(folder, claim_no) if part.start < end]
    if not kept:
        return _Window(0, 0)
    *before, part = kept
    stop = min(end, part.stop)
    start = max(part.start, stop - amount)
    kept_before = sum(len(each) for each in before)
    gap = range(before[-1].stop, part.start) if before else None
    if start > part.start:
        start = _line_start(folder, claim_no, range(start, stop))
        return _Window(start, stop, start, kept_before=kept_before + start - part.start, gap=gap)
    if before:
        return _Window(start, stop, before[-1].stop, start - before[-1].stop, kept_before)
    return _Window(start, stop, dropped=start)


def _missing_at(folder: JobFolder, claim_no: int, end: int) -> int:
    """How many bytes are missing from the byte `end` on."""
    later = [part.start for part in kept_parts(folder, claim_no) if part.stop > end]
    return max(0, later[0] - end) if later else 0


def _line_start(folder: JobFolder, claim_no: int, part: range) -> int:
    """Where the first line in this part begins; if none does, its first whole character."""
    data = read_part(folder, claim_no, part[:LONGEST_LINE])
    newline = data.find(b"\n")
    if 0 <= newline < len(part) - 1:
        return part.start + newline + 1
    return part.start + len(data[:3]) - len(data[:3].lstrip(bytes(range(0x80, 0xC0))))
