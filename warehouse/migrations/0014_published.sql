-- Which runs were published: what changed in one that never was is told by the next that is.

alter table meta.runs add column published_at timestamptz;
comment on column meta.runs.published_at is
    'When the research copy became that of the run; empty where it never did, and for runs before laktasi kept track';

comment on table meta.analysed_rows is
    'What the run that was published last made of each submission of the study''s form, and from what: the next run compares. '
    'Of a later run that never was published, too. Private. One row per run and submission of the study''s form.';
comment on column meta.analysed_rows.run_id is 'The run';
comment on column meta.runs.compared_with is
    'The run that meta.changes and meta.result_changes of this one start from: the one that was published last; '
    'empty for the first, and for runs that only land';
