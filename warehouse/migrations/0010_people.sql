-- Who does the work, and where: targets, and how each enumerator, health centre and phone fares.

create table marts.targets (
    centre_code varchar not null,
    target integer not null,
    until date
);
comment on table marts.targets is 'How many records a health centre is to bring in, as schemas/targets.csv says. One row per health centre that has a target.';
comment on column marts.targets.centre_code is 'Health centre';
comment on column marts.targets.target is 'Records that fit the study (is_included in marts.interviews) it is to bring in';
comment on column marts.targets.until is 'Day on which it is to have them; empty where none is given';
