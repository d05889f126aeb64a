-- A form and its media are kept once for each source: whose they are decides which of several contents stands.

comment on table raw.forms is
    'Every XForm that was ever fielded, byte for byte. Two contents with one form and version are two different forms that claim to be the same. '
    'One row per source and XForm content.';
comment on column raw.forms.source is 'Where it came from: the project itself, phones, or central:<host>/<project>.';
comment on column raw.forms.landed_at is 'When it was first taken in from this source.';
comment on table raw.form_media is
    'The media that fielded forms came with; laktasi.store.media says which of several contents stands. '
    'One row per source, XForm content, file name and file content.';
comment on column raw.form_media.source is 'Where it came from.';
comment on column raw.form_media.landed_at is 'When it was first taken in from this source.';
