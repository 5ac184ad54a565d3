"""CSV files as people have them: the demo and the look into a file read them alike."""

import codecs
import csv
from pathlib import Path
from typing import Any

import pytest

from asyncinweb.tasks.csv_reader.encodings import NoText, decode
from asyncinweb.tasks.demo.csv_checkup import csv_checkup
from asyncinweb.tasks.inputs.uploaded import UploadedFile
from asyncinweb.web.viewers.previews import Preview, preview_of

GERMAN = "Name;Straße;Ort\nMüller;Größenweg 3;Köln\nJörg Weiß;Äußere Straße;München\n"
CZECH = "jméno;město\nJiří;Přerov\nŽaneta;Ústí nad Labem\nŠtěpán;Český Krumlov\n"
RUSSIAN = "имя;город\nИван;Москва\nОльга;Санкт-Петербург\n"
GREEK = "όνομα;πόλη\nΓιώργος;Αθήνα\nΜαρία;Θεσσαλονίκη\n"
JAPANESE = "名前,都市\n田中太郎,東京\n鈴木花子,大阪\n"


def write(folder: Path, data: bytes | str) -> UploadedFile:
    path = folder / "table.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return UploadedFile.of(path)


def checked(folder: Path, data: bytes | str, **choices: Any) -> dict[str, Any]:
    """What the demo says of a file."""
    return csv_checkup("", file=write(folder, data), **choices)


def columns(folder: Path, data: bytes | str, **choices: Any) -> list[str]:
    return [row["column"] for row in checked(folder, data, **choices)["Columns"]]


def look(folder: Path, data: bytes | str) -> Preview:
    file = write(folder, data)
    return preview_of(file.path, file.name, file.size)


def names_seen(preview: Preview) -> list[str]:
    assert preview.table is not None
    return list(preview.table.columns)


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE, "name,age\nAnn,3\n"])
@pytest.mark.parametrize(
    "codec",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
)
def test_unicode_is_read_with_and_without_its_mark(text: str, codec: str, tmp_path: Path) -> None:
    data = text.encode(codec)
    expected = text.split("\n")[0].replace(";", ",").split(",")

    assert decode(data).text == text
    assert columns(tmp_path, data) == expected
    assert names_seen(look(tmp_path, data)) == expected


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE])
def test_the_other_marks_say_the_order_of_bytes(mark: bytes) -> None:
    codec = f"utf-{'32' if len(mark) == 4 else '16'}-{'be' if mark[-1] else 'le'}"

    assert decode(mark + RUSSIAN.encode(codec)).text == RUSSIAN


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (GERMAN, "cp1252", "Windows-1252"),
        ("nom;prénom\nLefèvre;Hélène\nCôté;Zoé\n", "cp1252", "Windows-1252"),
        ("article;prix\nthé;5 €\ncafé;3 €\n", "cp1252", "Windows-1252"),
        (GERMAN, "mac_roman", "Mac Roman"),
        (CZECH, "cp1250", "Windows-1250"),
        (CZECH, "iso8859_2", "ISO-8859-2"),
        ("isim;şehir\nAyşe;İstanbul\nOğuz;Diyarbakır\n", "cp1254", "Windows-1254"),
        ("nafn;borg\nÞórður;Reykjavík\nGuðrún;Akureyri\n", "cp1252", "Windows-1252"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8_r", "KOI8-R"),
        (RUSSIAN, "cp866", "IBM866"),
        (GREEK, "cp1253", "Windows-1253"),
        ("שם,עיר\nדוד,ירושלים\nשרה,חיפה\n", "cp1255", "Windows-1255"),
        ("اسم,مدينة\nمحمد,القاهرة\nفاطمة,دمشق\n", "cp1256", "Windows-1256"),
        (JAPANESE, "cp932", "Shift-JIS"),
        ("姓名,城市\n王小明,北京\n李华,上海\n", "gb18030", "GB18030"),
        ("이름,도시\n김철수,서울\n이영희,부산\n", "cp949", "EUC-KR"),
    ],
)
def test_other_encodings_are_guessed_and_the_result_says_so(
    text: str, codec: str, encoding: str, tmp_path: Path
) -> None:
    data = text.encode(codec)
    found = checked(tmp_path, data)
    preview = look(tmp_path, data)

    assert decode(data).text == text
    assert found["Read as"].startswith(f"Encoding: {encoding} (assumed; if letters look wrong,")
    assert preview.note == f"Read as {encoding} (assumed)"


def test_a_chosen_encoding_is_obeyed(tmp_path: Path) -> None:
    data = "nev;varos\nŐri Gergő;Győr\n".encode("cp1250")

    assert decode(data, "Windows-1250").text.endswith("Őri Gergő;Győr\n")
    assert checked(tmp_path, data, encoding="Windows-1250")["Read as"].startswith("Encoding: Windows-1250. ")
    assert columns(tmp_path, RUSSIAN.encode("utf-16-be"), encoding="UTF-16") == ["имя", "город"]


def test_what_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4

    with pytest.raises(NoText, match="The file isn't text"):
        checked(tmp_path, picture[4:])
    assert look(tmp_path, picture[4:]).kind == "none"


LONG_NOTES = "id,note,price\n" + "".join(
    f'{each},"Dear Ann,\nthank you; see you, soon; bye\n\n{each}, Bob",{each}.50\n' for each in range(1, 6)
)


def test_cells_of_several_lines_hide_neither_separator_nor_rows(tmp_path: Path) -> None:
    found = checked(tmp_path, LONG_NOTES)
    seen = look(tmp_path, LONG_NOTES)

    assert [(row["column"], row["filled"]) for row in found["Columns"]] == [("id", 5), ("note", 5), ("price", 5)]
    assert found["Read as"].endswith("Separated by: comma.")
    assert seen.table is not None
    assert [row[0] for row in seen.table.rows] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("text", "separated"),
    [
        ("sep=;\na;b\n1,5;2\n", "semicolon"),
        ('"sep=|"\r\na|b\r\n1|2\r\n', "pipe"),
        ("SEP=^\na^b\n1^2\n", "^"),
        ("sep=\t\na\tb\n1\t2\n", "tab"),
        ("a|b\n1|2\n", "pipe"),
        ("a;b\n1,5;2,5\n3,5;4,5\n", "semicolon"),
        ("a;b\nx\u2028y;1\nv\x85w;2\n", "semicolon"),
    ],
)
def test_the_separator_is_found_or_told_by_the_first_line(text: str, separated: str, tmp_path: Path) -> None:
    assert checked(tmp_path, text)["Read as"].endswith(f"Separated by: {separated}.")
    assert columns(tmp_path, text) == ["a", "b"]
    assert names_seen(look(tmp_path, text)) == ["a", "b"]


def test_lines_are_counted_with_the_one_that_names_the_separator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked(tmp_path, "sep=;\na;b\n1;2\n3\n")

    assert "Line 4 has 1 cell instead of 2." in capsys.readouterr().out


def test_a_chosen_separator_wins_over_the_first_line(tmp_path: Path) -> None:
    assert columns(tmp_path, "sep=;\na,b\n1,2\n", delimiter="comma") == ["a", "b"]


@pytest.mark.parametrize("length", [131_073, 2_000_000])
def test_a_cell_may_have_any_length(length: int, tmp_path: Path) -> None:
    limit, text = csv.field_size_limit(), f"a,b\n1,{'x' * length}\n2,y\n"

    found = checked(tmp_path, text)
    seen = look(tmp_path, text)

    assert [(row["column"], row["filled"]) for row in found["Columns"]] == [("a", 2), ("b", 2)]
    assert seen.is_cut
    # The limit is the author's as well.
    assert csv.field_size_limit() == limit


def test_a_missing_quotation_mark_is_named_and_a_look_shows_the_lines(tmp_path: Path) -> None:
    text = 'a,b\n1,2\n"3,4\n5,6\n'

    with pytest.raises(ValueError, match=r"starts on line 3\. It probably has a missing or extra quotation mark"):
        checked(tmp_path, text)
    assert (look(tmp_path, text).kind, look(tmp_path, text).text) == ("text", text.strip())


def test_a_look_into_another_file_assumes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, "Grüße".encode("cp1252"))
    marked = write(tmp_path / "..", "Grüße".encode("utf-16"))

    assert preview_of(file.path, "letter.txt", file.size).kind == "none"
    seen = preview_of(marked.path, "letter.txt", marked.size)
    assert (seen.kind, seen.text, seen.note) == ("text", "Grüße", "Read as UTF-16")
