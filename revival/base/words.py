"""Template filters for dates and times in words, in the active time zone (the clinic's, `revival.site.clinic_time`)."""

from calendar import day_name
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext

from revival.base.clock import Span

register = template.Library()


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)


def with_year(words: str, day: date) -> str:
    """The words for a day, and its year when that is not the present one at the clinic."""
    return words if day.year == timezone.localdate().year else f"{words}, {day.year}"


@register.filter
def day_words(moment: datetime | date) -> str:
    """Monday, December 7; of another year than this, Monday, January 4, 2027."""
    local = _local(moment) if isinstance(moment, datetime) else moment
    return with_year(f"{local:%A, %B} {local.day}", local)


@register.filter
def month_day(moment: datetime | date) -> str:
    """December 7; of another year than this, January 4, 2027."""
    local = _local(moment) if isinstance(moment, datetime) else moment
    return with_year(f"{local:%B} {local.day}", local)


def month_days(first: date, last: date) -> str:
    """December 1 to 7, November 30 to December 6; of another year than this, with the year."""
    if first == last:
        return month_day(first)
    if (first.year, first.month) == (last.year, last.month):
        days = gettext("%(first)s to %(last)s") % {"first": first.day, "last": last.day}
        return with_year(f"{first:%B} {days}", last)
    return gettext("%(first)s to %(last)s") % {"first": month_day(first), "last": month_day(last)}


def month_day_short(day: date) -> str:
    """Dec 7; of another year than this, Jan 4, 2027."""
    return with_year(f"{day:%b} {day.day}", day)


@register.filter
def whole_day(day: date) -> str:
    """Monday, December 7, 2026: with the year also when it is this one, for what is printed or kept."""
    return f"{day:%A, %B} {day.day}, {day.year}"


@register.filter
def date_words(day: date) -> str:
    """December 7, 2026"""
    return f"{day:%B} {day.day}, {day.year}"


@register.filter
def wall(hour: time) -> str:
    """9:15 am, for a wall-clock time at the clinic; "midnight" for the end of the day."""
    return "midnight" if hour == time(0) else f"{hour.hour % 12 or 12}:{hour:%M} {'am' if hour.hour < 12 else 'pm'}"


def _short_wall(hour: time) -> str:
    """8 am; 8:30 am; noon; midnight."""
    if hour in (time(0), time(12)):
        return "noon" if hour.hour else "midnight"
    return hour_words(hour.hour) if hour.minute == 0 else wall(hour)


def _open_words(spans: list[tuple[time, time]]) -> str:
    """8 am to noon and 1 pm to 5 pm; hours without a break between them are said as one."""
    joined: list[tuple[time, time]] = []
    for opens, closes in spans:
        if joined and joined[-1][1] == opens:
            joined[-1] = (joined[-1][0], closes)
        else:
            joined.append((opens, closes))
    if joined == [(time(0), time(0))]:
        return "all day"
    words = [f"{_short_wall(opens)} to {_short_wall(closes)}" for opens, closes in joined]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


@register.filter
def opening_lines(week: Iterable[tuple[int, time, time, *tuple[object, ...]]]) -> list[str]:
    """Monday to Thursday 8 am to 7 pm; Friday 8 am to noon. From rows of weekday, opening and closing, in order."""
    days = [
        (weekday, _open_words([(row[1], row[2]) for row in rows])) for weekday, rows in groupby(week, key=itemgetter(0))
    ]
    lines = []
    for _, run in groupby(enumerate(days), key=lambda pair: (pair[1][1], pair[1][0] - pair[0])):  # days in a row
        first, *rest = [day for _, day in run]
        until = f"{' to ' if len(rest) > 1 else ' and '}{day_name[rest[-1][0]]}" if rest else ""
        lines.append(f"{day_name[first[0]]}{until} {first[1]}")
    return lines


@register.filter
def weekday_name(number: int) -> str:
    """Monday, for 0."""
    return day_name[number]


@register.filter
def hours_words(minutes: int) -> str:
    """37.5 hours, from minutes."""
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".") + (" hour" if minutes == 60 else " hours")


@register.filter
def day_short(moment: datetime | date) -> str:
    """Mon, Dec 7; of another year than this, Mon, Jan 4, 2027."""
    local = _local(moment) if isinstance(moment, datetime) else moment
    return with_year(f"{local:%a, %b} {local.day}", local)


@register.filter
def clock(moment: datetime) -> str:
    """9:15 am; on the autumn night when a time comes twice, 1:00 am CDT and 1:00 am CST."""
    local = _local(moment)
    words = f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    comes_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{words} {local.tzname()}" if comes_twice else words


@register.filter
def day_and_hour(moment: datetime) -> str:
    """Monday, December 7 at 9:15 am, as a `<time>` element; no line break inside the date or the hour."""
    weekday, _, day = day_words(moment).partition(", ")
    words = '<time datetime="{}">{}, <span class="nowrap">{}</span> <span class="nowrap">at {}</span></time>'
    return format_html(words, iso(moment), weekday, day, clock(moment))


@register.filter
def span_words(span: Span) -> str:
    """Friday, November 27, all day; for spans of whole days without times, for others with times."""
    start, end = _local(span.start), _local(span.end)
    last = end - timedelta(microseconds=1)
    if start.time() == end.time() == time(0):
        first = day_words(start.date())
        return f"{first}, all day" if start.date() == last.date() else f"{first} to {day_words(last.date())}, all day"
    ends = f"the end of {day_words(last.date())}" if end.time() == time(0) else f"{day_words(end)}, {clock(end)}"
    if start.date() == last.date():
        ends = "the end of the day" if end.time() == time(0) else clock(end)
    return f"{day_words(start)}, {clock(start)} to {ends}"


@register.filter
def iso(moment: datetime) -> str:
    """2026-12-07T09:15-06:00, in the clinic's offset; what a form posts as `start`."""
    return _local(moment).isoformat(timespec="minutes")


@register.filter
def waited(since: datetime | None, now: datetime) -> str:
    """2 days, 3 hours; less than a minute."""
    if since is None:
        return ""
    return timesince(since, now) if (now - since).total_seconds() >= 60 else "less than a minute"


@register.filter
def length_words(minutes: int) -> str:
    """2 hours; 90 minutes."""
    hours, rest = divmod(minutes, 60)
    if rest:
        return f"{minutes} minutes"
    return "1 hour" if hours == 1 else f"{hours} hours"


@register.filter
def visits_words(count: int) -> str:
    """1 visit; 2 visits."""
    return ngettext("%(count)d visit", "%(count)d visits", count) % {"count": count}


@register.filter
def hour_words(hour: int) -> str:
    """9 pm, for 21."""
    return f"{hour % 12 or 12} {'am' if hour % 24 < 12 else 'pm'}"
