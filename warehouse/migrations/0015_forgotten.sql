-- People who left the study: what stays of them, so that no phone, server or backup brings their answers back.

create table raw.forgotten (
    subject_hash varchar not null,
    kind varchar not null check (kind in ('subject', 'submission', 'entity', 'decision')),
    form_id varchar,
    ids varchar[] not null,
    erased struct(place varchar, source varchar, landed_at timestamptz, n bigint)[] not null,
    why varchar not null check (why in ('withdrew', 'no_consent', 'ordered', 'came_again')),
    erased_by varchar,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.forgotten is
    'Tombstones of people who left the study: ids and a keyed hash, by which what is theirs is recognised and turned away; never an answer. Private. '
    'Append only. One row per person, and per record, entity or decision of theirs, each time something of it was erased or turned away.';
comment on column raw.forgotten.subject_hash is
    'Keyed hash of the study code (hmac:…), made with secret.key: only who has the key and the code can tell whom it stands for.';
comment on column raw.forgotten.kind is
    'subject: the person, where nothing of hers has landed yet; submission: a record, its whole chain of edits; entity; decision: what people had decided about a record.';
comment on column raw.forgotten.form_id is 'Form of the submission, list of the entity; empty for a person and a decision.';
comment on column raw.forgotten.ids is
    'The instanceIDs of all versions that were known, and what a Central calls the submission; the id of the entity or the decision.';
comment on column raw.forgotten.erased is
    'How many rows of each table were erased, by source and by when they had landed: so that a manifest of then can be told which of its rows are gone.';
comment on column raw.forgotten.why is
    'withdrew: she asked to leave; no_consent: she had never agreed; ordered: by an ethics committee or a court; came_again: a door brought '
    'something of a person who had been forgotten, and it was turned away.';
comment on column raw.forgotten.erased_by is 'Who gave the command, as they named themselves; empty for what was turned away.';
comment on column raw.forgotten.landed_at is 'When it was erased or turned away, later than all that had landed.';
comment on column raw.forgotten.run_id is 'The run that did it.';

create table meta.forgetting (
    work varchar not null,
    "at" timestamptz not null,
    run_id varchar not null
);
comment on table meta.forgetting is
    'What is still to be done after rows were erased: this file is to be written anew without their bytes, and files beside it are to go. '
    'Empty where nothing is left. One row per piece of work that is left.';
comment on column meta.forgetting.work is 'The piece of work, as laktasi.store.forgetting names it';
comment on column meta.forgetting."at" is 'Since when (UTC)';
comment on column meta.forgetting.run_id is 'The run that left it to be done';

create table meta.subject_places (
    form_id varchar not null,
    path varchar not null
);
comment on table meta.subject_places is
    'Where each form asks for the study code: by these places what comes in is recognised as that of a forgotten person. Made anew with every analysis. One row per form and question.';
comment on column meta.subject_places.form_id is 'Form';
comment on column meta.subject_places.path is 'Path of the question below the root node';

-- On Central she may still be: the line that proves the mirror counts her by herself, not as missing.
drop view meta.reconciliations;
alter table meta.runs add column reconciled.element.forgotten bigint;
comment on column meta.runs.reconciled is
    'The line that ends every run, for each form (and entity list: kind says which) on each Central: live ones on the server, live ones here, '
    'those refused with a reason, those of people who left the study, missing here, extra here.';

create view meta.reconciliations as
select
    runs.run_id,
    runs.started_at,
    line.source,
    line.kind,
    line.form_id,
    line.server,
    line.warehouse,
    line.refused,
    coalesce(line.forgotten, 0) as forgotten,
    line.missing,
    line.extra,
    line.note
from meta.runs as runs, unnest(runs.reconciled) as lines (line);
comment on view meta.reconciliations is 'meta.runs.reconciled, line by line. One row per run, source and form or entity list.';
comment on column meta.reconciliations.run_id is 'Run';
comment on column meta.reconciliations.started_at is 'When the run started (UTC)';
comment on column meta.reconciliations.source is 'The server and project: central:<host>/<project>';
comment on column meta.reconciliations.kind is 'submissions of a form, entities of a list, or gone: what the server no longer has';
comment on column meta.reconciliations.form_id is 'The form, or the entity list';
comment on column meta.reconciliations.server is 'Live ones on the server';
comment on column meta.reconciliations.warehouse is 'Live ones here whose current version has landed from that source';
comment on column meta.reconciliations.refused is 'Live ones here whose current version was refused; raw.refused says why';
comment on column meta.reconciliations.forgotten is
    'Live on the server, of people who left the study: not taken in, and to be deleted there';
comment on column meta.reconciliations.missing is 'Live on the server, and its current version neither landed nor refused nor forgotten; entities: at another version here';
comment on column meta.reconciliations.extra is 'Live here, and not on the server';
comment on column meta.reconciliations.note is 'What else is to be said: how up to date the files are';

-- A row of the analysis may be gone because its person left. DuckDB cannot alter a check, so the table is made anew.
alter table meta.changes rename to changes_before;
create table meta.changes (
    run_id varchar not null,
    change varchar not null check (change in ('new', 'gone', 'changed')),
    cause varchar not null check (
        cause in (
            'new submission', 'edited submission', 'deletion', 'withdrew', 'decision', 'review state', 'finding', 'form version',
            'schemas', 'code', 'unexplained'
        )
    ),
    n bigint not null
);
insert into meta.changes by name select * from meta.changes_before;
drop table meta.changes_before;
comment on table meta.changes is
    'How many rows of marts.analysed are new, gone or changed since the run before, and why; each row has one cause. '
    'Nothing for a run that changed nothing. One row per run, change and cause.';
comment on column meta.changes.run_id is 'Run; meta.runs.compared_with names the one before';
comment on column meta.changes.change is 'new, gone, or changed: another centre or level, or accepted or not';
comment on column meta.changes.cause is
    'new submission; edited submission (on the phone or on Central); deletion; withdrew (the person left the study, and is forgotten); '
    'decision (people corrected, dropped or accepted, or took that back); review state (rejected on Central, or no longer); finding (opened or '
    'mended though neither the record nor its decisions changed: another record did); form version (came, or came otherwise); schemas (a file in '
    'schemas/ changed); code; unexplained';
comment on column meta.changes.n is 'Rows';
