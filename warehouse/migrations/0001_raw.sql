-- What arrived, exactly as it arrived. Append only: nothing here is ever changed, and everything else can be rebuilt from here.
-- No primary keys: on the big table they cost several times the load (uniqueness is kept by anti-joins in laktasi.store.raw).

create schema if not exists raw;

create table raw.submissions (
    form_id varchar not null,
    form_version varchar not null,
    instance_id varchar not null,
    deprecated_id varchar,
    payload_sha256 varchar not null,
    payload blob not null,
    status varchar not null,
    source varchar not null,
    changed_at timestamptz,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.submissions is
    'Every version of every submission ever seen, payload exact. Private. One row per source, form, instance, payload and status.';
comment on column raw.submissions.form_id is 'The form, from the id attribute of the payload''s root.';
comment on column raw.submissions.form_version is 'The form version it was filled with; empty where the payload names none.';
comment on column raw.submissions.instance_id is 'The instanceID of this version of the submission.';
comment on column raw.submissions.deprecated_id is 'The instanceID that this version replaces, where it is an edit.';
comment on column raw.submissions.payload_sha256 is 'SHA-256 of the payload, in hexadecimal digits.';
comment on column raw.submissions.payload is 'The submission XML, byte for byte.';
comment on column raw.submissions.status is
    'finalised, draft, or unknown (found in a folder without the metadata that says so).';
comment on column raw.submissions.source is 'The door it came through: phones, or central:<host>/<project>.';
comment on column raw.submissions.changed_at is 'When the source says this version was last changed; empty where it does not say.';
comment on column raw.submissions.landed_at is 'When it was first taken in from this source; no two rows of one run share it.';
comment on column raw.submissions.run_id is 'The run that took it in.';

create table raw.attachments (
    form_id varchar not null,
    instance_id varchar not null,
    name varchar not null,
    sha256 varchar not null,
    size_bytes bigint not null,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.attachments is
    'Files that came with submissions; their bytes lie in attachments/<first two digits>/<sha256> of the data folder. '
    'Private. One row per source, form, instance, file name and content.';
comment on column raw.attachments.form_id is 'The form of the submission it belongs to.';
comment on column raw.attachments.instance_id is 'The instanceID of the version it belongs to.';
comment on column raw.attachments.name is 'Its file name, as the payload refers to it.';
comment on column raw.attachments.sha256 is 'SHA-256 of its content, in hexadecimal digits.';
comment on column raw.attachments.size_bytes is 'Its size in bytes.';
comment on column raw.attachments.source is 'The door it came through: phones, or central:<host>/<project>.';
comment on column raw.attachments.landed_at is 'When it was first taken in from this source.';
comment on column raw.attachments.run_id is 'The run that took it in.';

create table raw.refused (
    sha256 varchar,
    name varchar not null,
    size_bytes bigint,
    reason varchar not null,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.refused is
    'Files that could not be taken in; their bytes lie in refused/<sha256> of the data folder. Private. '
    'One row per content and place in the imported folder.';
comment on column raw.refused.sha256 is
    'SHA-256 of its content, in hexadecimal digits; empty where there was nothing that could be kept (a link, an unreadable file).';
comment on column raw.refused.name is 'Its place below the imported folder.';
comment on column raw.refused.size_bytes is 'Its size in bytes; empty where nothing could be kept.';
comment on column raw.refused.reason is 'Why, in words, without any of its content.';
comment on column raw.refused.source is 'The door it came through: phones, or central:<host>/<project>.';
comment on column raw.refused.landed_at is 'When it was first refused.';
comment on column raw.refused.run_id is 'The run that refused it.';

create table raw.forms (
    form_id varchar not null,
    form_version varchar not null,
    sha256 varchar not null,
    xform blob not null,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.forms is
    'Every XForm that was ever fielded, byte for byte. Two rows with one form and version are two different forms that claim to be the same. '
    'One row per XForm content.';
comment on column raw.forms.form_id is 'The form, from the id attribute of its primary instance.';
comment on column raw.forms.form_version is 'Its version; empty where it names none.';
comment on column raw.forms.sha256 is 'SHA-256 of the XForm, in hexadecimal digits.';
comment on column raw.forms.xform is 'The XForm, byte for byte.';
comment on column raw.forms.source is 'Where it was first seen: the project itself, phones, or central:<host>/<project>.';
comment on column raw.forms.landed_at is 'When it was first taken in.';
comment on column raw.forms.run_id is 'The run that took it in.';

create table raw.form_media (
    form_sha256 varchar not null,
    name varchar not null,
    sha256 varchar not null,
    content blob not null,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.form_media is
    'The media that fielded forms came with; where one name has several contents, the one that landed last is the form''s. '
    'One row per XForm content, file name and file content.';
comment on column raw.form_media.form_sha256 is 'The XForm it came with: sha256 of raw.forms.';
comment on column raw.form_media.name is 'Its file name, as the form refers to it.';
comment on column raw.form_media.sha256 is 'SHA-256 of its content, in hexadecimal digits.';
comment on column raw.form_media.content is 'Its content, byte for byte.';
comment on column raw.form_media.source is 'Where it was first seen.';
comment on column raw.form_media.landed_at is 'When it was first taken in.';
comment on column raw.form_media.run_id is 'The run that took it in.';
