"""CSV files: UTF-8, one line a row, and no cell that a spreadsheet runs as a formula."""

import csv
from io import StringIO

import pytest

from booking.desk.reports.spreadsheets import as_csv, safe_cell

RUNS = [
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u2068=1+1\u2069",
    "\ufeff=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\0=1+1",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", RUNS)
def test_text_that_would_run_is_text(text):
    assert safe_cell(text).startswith("'")
    assert safe_cell(text)[1:] == text.replace("\0", "")


@pytest.mark.parametrize("text", ["Ada", "", "12-3", "a=b", "O’Neil", 'Ärzte, "gut"', "1", "'=x"])
def test_other_text_stays_as_it_is(text):
    assert safe_cell(text) == text


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0, "0"), (-3, "-3"), (2.5, "2.5")])
def test_numbers_are_numbers_also_below_nought(value, text):
    assert safe_cell(value) == text


def test_a_file_reads_back_and_begins_with_its_mark():
    made = as_csv(["Name", "Zahl"], [['Zoë, "die"\nErste', 3], ["=1+1", None]])

    assert made.startswith(b"\xef\xbb\xbf")
    assert made.endswith(b"\r\n")
    rows = list(csv.reader(StringIO(made.decode("utf-8-sig"), newline="")))
    assert rows == [["Name", "Zahl"], ['Zoë, "die"\nErste', "3"], ["'=1+1", ""]]
