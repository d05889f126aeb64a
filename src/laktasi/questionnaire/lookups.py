"""Functions that look into a list of the form: labels of choices, columns of a CSV."""

from __future__ import annotations

from laktasi.questionnaire import values, xpath
from laktasi.questionnaire.expressions import Compiler, item_column
from laktasi.questionnaire.values import Unsupported, Value

Arguments = tuple[xpath.Expression, ...]


def choice_name(compiler: Compiler, arguments: Arguments) -> Value:
    """Compile ``jr:choice-name()``: the label of a choice, where it is the same in every language."""
    questionnaire = compiler.form.questionnaire
    named = arguments[1]
    if not isinstance(named, xpath.Text):
        raise Unsupported("jr:choice-name() of a question that is not named in quotes")
    try:
        path = xpath.parse(named.value.strip())
    except xpath.XPathSyntaxError:
        path = named
    place = (
        xpath.resolve(path, compiler.scope.place or "", questionnaire.root) if isinstance(path, xpath.Path) else None
    )
    item = next((item for item in questionnaire.fields if item.path == place), None)
    listed = questionnaire.choice_lists.get(item.list_name or "") if item is not None else None
    if item is None or listed is None:
        raise Unsupported("jr:choice-name() of a question without a list")
    if item.choice_filter is not None:
        raise Unsupported("jr:choice-name() of a list with a choice filter is not compiled")
    if any(len(set(choice.labels.values())) > 1 for choice in listed.choices):
        raise Unsupported("jr:choice-name() follows the language of the interview, which is not kept")
    if any("${" in label for choice in listed.choices for label in choice.labels.values()):
        raise Unsupported("jr:choice-name() of choices whose labels show other answers")
    alias = compiler.form.new_alias()
    rows = compiler.item_rows(listed, alias, ())
    label = f"coalesce(map_values({alias}.labels)[1], '')"
    sought = f"{rows} AND {alias}.value = {values.only_text(compiler.value(arguments[0]))}"
    return values.text(f"coalesce((SELECT first({label} ORDER BY {alias}.position) {sought}), '')")


def pulldata(compiler: Compiler, arguments: Arguments) -> Value:
    """Compile Collect's ``pulldata()``: a column of the first line of a CSV whose key column holds a value."""
    names = [item.value if isinstance(item, xpath.Text) else None for item in arguments[:3]]
    file, column, key = names
    if file is None or column is None or key is None:
        raise Unsupported("pulldata() with names that are not in quotes")
    lists = compiler.form.questionnaire.choice_lists
    media = f"{file.removesuffix('.csv')}.csv"
    listed = next((item for item in lists.values() if item.media == media), None)
    if listed is None:
        raise Unsupported(f"the file {media} of this form version is not at hand")
    alias = compiler.form.new_alias()
    rows = compiler.item_rows(listed, alias, ())
    sought = f"{rows} AND {item_column(listed, alias, key)} = {compiler.text(arguments[3])}"
    found = f"first({item_column(listed, alias, column)} ORDER BY {alias}.position)"
    return values.text(f"coalesce((SELECT {found} {sought}), '')")
