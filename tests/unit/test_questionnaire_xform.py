"""An XForm becomes a Questionnaire: fields, groups, tables, texts, lists."""

from __future__ import annotations

import pytest

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire import names, xform
from laktasi.questionnaire.model import Choice, Group, Questionnaire, Table, ValueType
from laktasi.questionnaire.texts import language_code
from tests.questionnaire_fixture import read, survey

FORM = """
| survey |
| | type | name | label::Bahasa Indonesia (id) | label::English (en) | hint::English (en) | required | relevant \
| constraint | constraint_message::English (en) | appearance | default |
| | start | start | | |
| | deviceid | deviceid | | |
| | begin_group | mother | Ibu | Mother | | | ${consent} = 'yes' |
| | text | name | Nama | Name | as on the card | yes | | string-length(.) > 1 | Too short | multiline |
| | note | thanks | Terima kasih ${name} | Thank you ${name} |
| | end_group | | | |
| | select_one yn | consent | Setuju? | Agrees? | | | | | | | no |
| | begin_repeat | infants | Bayi | Infants |
| | decimal | weight | Berat | Weight |
| | begin_repeat | feeds | Minum | Feeds |
| | dateTime | at | Kapan | When |
| | end_repeat | | | |
| | end_repeat | | | |
| | geopoint | where | Di mana | Where |
| | image | photo | Foto | Photo |
| | rank yn | order | Urutan | Order |
| | range | scale | Skala | Scale |
| choices |
| | list_name | name | label::Bahasa Indonesia (id) | label::English (en) | weight |
| | yn | yes | Ya | Yes | 2 |
| | yn | no | Tidak | - | |
| settings |
| | form_title | form_id | version | default_language |
| | Kunjungan | visit-1 | 7 | Bahasa Indonesia (id) |
"""


@pytest.fixture(scope="module")
def form() -> Questionnaire:
    return read(FORM)


def test_the_form_itself(form: Questionnaire) -> None:
    assert (form.form_id, form.version, form.title, form.root) == ("visit-1", "7", "Kunjungan", "data")
    assert form.languages == ("id", "en")
    assert len(form.sha256) == 64


def test_tables(form: Questionnaire) -> None:
    assert form.tables == (
        Table("visit_1", "", None),
        Table("visit_1__infants", "infants", "visit_1"),
        Table("visit_1__infants__feeds", "infants/feeds", "visit_1__infants"),
    )


def test_fields_stand_in_order_with_table_column_and_type(form: Questionnaire) -> None:
    assert [(item.path, item.table, item.column, item.type.value) for item in form.fields] == [
        ("start", "visit_1", "start", "datetime"),
        ("deviceid", "visit_1", "deviceid", "text"),
        ("mother/name", "visit_1", "mother__name", "text"),
        ("mother/thanks", "visit_1", "mother__thanks", "text"),
        ("consent", "visit_1", "consent", "select_one"),
        ("infants/weight", "visit_1__infants", "weight", "decimal"),
        ("infants/feeds/at", "visit_1__infants__feeds", "at", "datetime"),
        ("where", "visit_1", "where", "geopoint"),
        ("photo", "visit_1", "photo", "media"),
        ("order", "visit_1", "order", "rank"),
        ("scale", "visit_1", "scale", "integer"),
        ("meta/instanceID", "visit_1", "meta__instanceID", "text"),
    ]


def test_what_a_question_says(form: Questionnaire) -> None:
    name = form.by_path("mother/name")
    assert name.labels == {"id": "Nama", "en": "Name"}
    assert name.hints == {"en": "as on the card"}
    assert name.constraint_messages == {"en": "Too short"}
    assert (name.required, name.constraint, name.appearance) == ("true()", "string-length(.) > 1", "multiline")
    assert name.relevant is None
    assert form.by_path("mother/thanks").labels["en"] == "Thank you ${name}"
    assert form.by_path("mother/thanks").readonly
    assert form.by_path("consent").default == "no"


def test_metadata_is_no_question(form: Questionnaire) -> None:
    assert {item.path: item.preload for item in form.fields if not item.is_question} == {
        "start": "start",
        "deviceid": "deviceid",
        "meta/instanceID": "uid",
    }


def test_groups(form: Questionnaire) -> None:
    assert form.groups == (
        Group("mother", {"id": "Ibu", "en": "Mother"}, "/data/consent  = 'yes'"),
        Group("infants", {"id": "Bayi", "en": "Infants"}, None, is_repeat=True),
        Group("infants/feeds", {"id": "Minum", "en": "Feeds"}, None, is_repeat=True),
        Group("meta", {}, None),
    )


def test_choices_keep_their_other_columns(form: Questionnaire) -> None:
    assert form.by_path("consent").list_name == "yn"
    assert form.choice_lists["yn"].choices == (
        Choice("yes", {"id": "Ya", "en": "Yes"}, {"weight": "2"}),
        Choice("no", {"id": "Tidak"}, {}),
    )


def test_a_form_without_translations_has_one_language() -> None:
    form = read(survey("select_one yn | q | Really? |", choices=("yn | y | Yes |",)))
    assert form.languages == ("default",)
    assert form.by_path("q").labels == {"default": "Really?"}
    assert form.choice_lists["yn"].choices[0].labels == {"default": "Yes"}


def test_lists_from_files() -> None:
    csv = "\ufeffname;label;beds\nc1;Mopuya;3\n".encode()
    geojson = (
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "p1", '
        b'"geometry": {"type": "Point", "coordinates": [124.05, 0.76]}, "properties": {"title": "Port", "depth": 4}}]}'
    )
    xml = b"<root><item><name>x1</name><label>X</label></item></root>"
    form = read(
        survey(
            "select_one_from_file c.csv | c | c | | name != 'c9'",
            "select_one_from_file g.geojson | g | g |",
            "select_one_from_file x.xml | x | x |",
            "calculate | looked | | pulldata('lost', 'a', 'b', 'c') |",
            columns=" calculation | choice_filter |",
        ),
        {"c.csv": csv, "g.geojson": geojson, "x.xml": xml},
    )
    lists = {name: (item.media, item.choices) for name, item in form.choice_lists.items()}
    assert lists == {
        "c": ("c.csv", (Choice("c1", {"default": "Mopuya"}, {"label": "Mopuya", "beds": "3"}),)),
        "g": (
            "g.geojson",
            (Choice("p1", {"default": "Port"}, {"geometry": "0.76 124.05 0 0", "title": "Port", "depth": "4"}),),
        ),
        "x": ("x.xml", (Choice("x1", {"default": "X"}, {"label": "X"}),)),
        "lost": ("lost.csv", ()),
    }
    assert form.by_path("c").choice_filter == "name != 'c9'"
    assert set(form.media) == {"c.csv", "g.geojson", "x.xml"}
    assert form.missing_media == ("lost.csv",)
    assert form.choice_lists["g"].value_column == "id"


def test_two_questions_may_read_different_columns_of_one_file() -> None:
    form = read(
        survey(
            "select_one_from_file c.csv | a | a | ",
            "select_one_from_file c.csv | b | b | value=code",
            columns=" parameters |",
        ),
        {"c.csv": b"name,label,code\nn1,L,k1\n"},
    )
    values = {path: form.choice_lists[form.by_path(path).list_name or ""].choices[0].value for path in "ab"}
    assert values == {"a": "n1", "b": "k1"}


@pytest.mark.parametrize(
    ("name", "content"),
    [("c.csv", b"name,label\n\xff\xfe,x"), ("g.geojson", b"{}"), ("g.geojson", b"no json"), ("x.xml", b"<root><item>")],
)
def test_a_file_that_is_not_what_it_says_is_named(name: str, content: bytes) -> None:
    with pytest.raises(QuestionnaireError, match=name):
        read(survey(f"select_one_from_file {name} | q | q |"), {name: content})


def test_a_triggered_value_names_its_trigger() -> None:
    form = read(
        survey(
            "text | a | a |",
            "calculate | b | | | | now() | | | ${a}",
            columns=" x | y | calculation | z | u | trigger |",
        )
    )
    assert (form.by_path("b").trigger, form.by_path("b").calculate) == ("a", "now()")


def test_entities_are_read_like_any_metadata() -> None:
    form = read(survey("text | a | a |") + "\n| entities |\n| | list_name | label |\n| | mothers | ${a} |")
    label = form.by_path("meta/entity/label")
    assert (label.column, label.calculate, label.is_question) == ("meta__entity__label", "/data/a", False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        b'<h:html xmlns:h="h"><h:head><model><instance><data/></instance></model></h:head><h:body/></h:html>',
        b'<h:html xmlns:h="h"><h:head><model/></h:head><h:body/></h:html>',
    ],
)
def test_what_is_no_xform_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(QuestionnaireError, match="not an XForm") as caught:
        xform.parse(content)
    assert caught.value.next_step


def test_columns_never_meet() -> None:
    form = read(
        survey(
            "begin_group | a | a |",
            "text | b | b |",
            "end_group | |",
            "text | a__b | ab |",
            "text | A__B | AB |",
            "text | _row | r |",
            "text | a.b | dotted |",
            "text | a-b | dashed |",
            "geopoint | p | p |",
            "text | p__lat | p |",
        )
    )
    columns = {item.path: item.column for item in form.fields}
    assert columns["a/b"] == "a__b"
    assert columns["a__b"].startswith("a__b_")
    assert columns["_row"].startswith("_row_")
    assert columns["a.b"] == "a_b"
    assert columns["p__lat"].startswith("p__lat_")
    lowered = [column.lower() for column in columns.values()]
    assert len(set(lowered)) == len(lowered)


def test_a_suffix_is_the_hash_of_the_place() -> None:
    named = names.column_names([("x/y", "x/y", ()), ("x__y", "x__y", ())])
    # printf x__y | sha256sum
    assert named == {"x/y": "x__y", "x__y": "x__y_500b"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("Bahasa Indonesia (id)", "id"), ("Portuguese (pt-BR)", "pt-BR"), ("English", "english"), ("", "default")],
)
def test_language_codes(name: str, code: str) -> None:
    assert language_code(name) == code


def test_a_field_is_found_by_path_column_or_last_part(form: Questionnaire) -> None:
    assert form.find("name") is form.find("mother/name") is form.find("mother__name")
    assert form.find("weight").type is ValueType.DECIMAL
    with pytest.raises(KeyError):
        form.find("nobody")
