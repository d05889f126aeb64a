-- What comparing the sources of one submission shows is a finding too. DuckDB cannot alter a check, so the table is made anew.

alter table quality.rules rename to rules_before;
create table quality.rules (
    form_id varchar,
    form_version varchar,
    table_name varchar,
    rule_id varchar not null,
    kind varchar not null check (
        kind in (
            'type', 'required', 'relevant', 'constraint', 'choice', 'calculation', 'declared', 'set', 'unknown_node',
            'source'
        )
    ),
    field varchar,
    severity varchar not null check (severity in ('error', 'warning')),
    messages map(varchar, varchar),
    expression varchar
);
insert into quality.rules by name select * from quality.rules_before;
drop table quality.rules_before;
comment on table quality.rules is 'What is checked. One row per rule and form version; rules over the whole set have no version.';
comment on column quality.rules.form_id is 'Form';
comment on column quality.rules.form_version is 'Form version; empty for a rule over all versions';
comment on column quality.rules.table_name is 'Table whose rows are checked';
comment on column quality.rules.rule_id is 'Rule: column and kind, or the name it has in checks.yml';
comment on column quality.rules.kind is 'type, required, relevant, constraint, choice, calculation, declared, set, unknown_node or source';
comment on column quality.rules.field is 'Place of the question in the form';
comment on column quality.rules.severity is 'error: keeps the row out of the accepted population; warning: does not';
comment on column quality.rules.messages is 'What a person reads, by language';
comment on column quality.rules.expression is 'The form''s own expression (XPath), or that of checks.yml';
