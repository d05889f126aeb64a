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

create table marts.people (
    kind varchar not null check (kind in ('enumerator', 'centre')),
    code varchar not null,
    records bigint not null,
    included bigint not null,
    accepted bigint not null,
    days_worked bigint not null,
    records_per_day double,
    first_day date,
    last_day date,
    days_silent bigint,
    without_day bigint not null,
    minutes_known bigint not null,
    minutes_q1 double,
    minutes_median double,
    minutes_q3 double,
    open_errors bigint not null,
    open_warnings bigint not null,
    open_group_findings bigint not null,
    target integer,
    until date
);
comment on table marts.people is
    'The work of each enumerator, and at each health centre that has records or a target. Records are those of the study''s form. One row per kind and code.';
comment on column marts.people.kind is 'enumerator or centre';
comment on column marts.people.code is 'Code of the enumerator or health centre';
comment on column marts.people.records is 'Staged submissions, refusals to take part among them';
comment on column marts.people.included is 'Of these: consented, with a centre, and counted by the study';
comment on column marts.people.accepted is 'Of the included: without an open finding that keeps a record out';
comment on column marts.people.days_worked is 'Different days on which there is a record, by the phone''s clock';
comment on column marts.people.records_per_day is 'Records of known day per day worked; empty where no day is known';
comment on column marts.people.first_day is 'Day of the first record';
comment on column marts.people.last_day is 'Day of the last record';
comment on column marts.people.days_silent is 'Days between its last record and the last record of anyone in the study; empty where no day is known';
comment on column marts.people.without_day is 'Records of unknown day, or whose phone had a clock that cannot be right';
comment on column marts.people.minutes_known is 'Records of people who consented, of which it is known how long they took';
comment on column marts.people.minutes_q1 is 'Lower quartile of their minutes';
comment on column marts.people.minutes_median is 'Median of their minutes';
comment on column marts.people.minutes_q3 is 'Upper quartile of their minutes';
comment on column marts.people.open_errors is 'Open findings of severity error in its records';
comment on column marts.people.open_warnings is 'Open findings of severity warning in its records';
comment on column marts.people.open_group_findings is 'Open findings about the enumerator or centre as a whole';
comment on column marts.people.target is 'Records that fit the study the centre is to bring in; empty where it has no target';
comment on column marts.people.until is 'Day on which it is to have them';

create table marts.people_rates (
    kind varchar not null check (kind in ('enumerator', 'centre')),
    code varchar not null,
    measure varchar not null check (measure in ('error', 'refusal', 'missing', 'dont_know', 'refused', 'other')),
    records bigint not null,
    k bigint not null,
    n bigint not null,
    rate double not null,
    overall double not null,
    design_effect double not null,
    low double,
    high double,
    tail double,
    differs varchar check (differs in ('above', 'below'))
);
comment on table marts.people_rates is
    'How often something happens to an enumerator or at a health centre, with its 95 % interval, beside how often it happens to all. One row per kind, code and measure.';
comment on column marts.people_rates.kind is 'enumerator or centre';
comment on column marts.people_rates.code is 'Code of the enumerator or health centre';
comment on column marts.people_rates.measure is
    'error: records with an open error; refusal: records whose respondent did not consent; missing: questions asked and left empty; dont_know, refused, '
    'other: answers that study.yml calls so, of the answers to questions that offer one';
comment on column marts.people_rates.records is 'Records that can have it';
comment on column marts.people_rates.k is 'How often it happened';
comment on column marts.people_rates.n is 'How often it could have happened: records, questions asked or answers, by the measure';
comment on column marts.people_rates.rate is 'k / n';
comment on column marts.people_rates.overall is 'The same over all records of the study''s form';
comment on column marts.people_rates.design_effect is
    'How much wider the interval must be because the questions of one record go together: variance between records over that of single questions; 1 where each record counts once';
comment on column marts.people_rates.low is 'Lower end of Wilson''s 95 % interval, of k and n divided by the design effect; empty for fewer than 10 records: too few';
comment on column marts.people_rates.high is 'Upper end of that interval';
comment on column marts.people_rates.tail is
    'Probability of as many or more, where the rate lies above the overall one, or of as few or fewer, if the overall rate held here too (exact binomial); empty where too few';
comment on column marts.people_rates.differs is
    'above or below: the whole interval lies on that side of the overall rate, and the tail is 0.025 or less. Where all are alike this still happens to up to 1 in 20 by chance';

create table marts.daily (
    kind varchar not null check (kind in ('all', 'enumerator', 'centre')),
    code varchar not null,
    day date not null,
    records bigint not null
);
comment on table marts.daily is
    'Records of the study''s form by day of the interview, without those whose phone''s clock cannot be right. One row per kind, code and day with records.';
comment on column marts.daily.kind is 'all, enumerator or centre';
comment on column marts.daily.code is 'Code of the enumerator or health centre; empty for all';
comment on column marts.daily.day is 'Day of the interview, by the phone''s clock';
comment on column marts.daily.records is 'Records, refusals to take part among them';

create table marts.digit_preference (
    enumerator_code varchar not null,
    form_id varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    k bigint not null,
    n bigint not null,
    share double not null,
    low double not null,
    high double not null,
    others_n bigint not null,
    expected double not null,
    p_value double not null,
    comparisons bigint not null,
    p_adjusted double not null
);
comment on table marts.digit_preference is
    'Numbers that end in 0 or 5: how many of an enumerator''s, and of all other enumerators''. Numbers of two digits or more, 10 or more on both sides; no question that is a '
    'direct identifier. One row per enumerator and numeric question.';
comment on column marts.digit_preference.enumerator_code is 'Enumerator';
comment on column marts.digit_preference.form_id is 'Form';
comment on column marts.digit_preference.table_name is 'Table of the question';
comment on column marts.digit_preference.column_name is 'Column of the question, see staging.codebook';
comment on column marts.digit_preference.k is 'Numbers of this enumerator that end in 0 or 5, as typed';
comment on column marts.digit_preference.n is 'Numbers of this enumerator';
comment on column marts.digit_preference.share is 'k / n';
comment on column marts.digit_preference.low is 'Lower end of Wilson''s 95 % interval of the share';
comment on column marts.digit_preference.high is 'Upper end of that interval';
comment on column marts.digit_preference.others_n is 'Numbers of all other enumerators';
comment on column marts.digit_preference.expected is 'Share of these that end in 0 or 5. Where all digits are as likely it is near 0.2';
comment on column marts.digit_preference.p_value is 'Fisher''s exact test of the two shares, twice the smaller tail';
comment on column marts.digit_preference.comparisons is 'Tests made in this table';
comment on column marts.digit_preference.p_adjusted is 'p times the number of tests, at most 1 (Bonferroni): below 0.05, chance hardly explains even one such row';

create table marts.frequent_values (
    enumerator_code varchar not null,
    form_id varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    "value" varchar not null,
    k bigint not null,
    n bigint not null,
    share double not null,
    low double not null,
    high double not null,
    others_n bigint not null,
    expected double,
    p_value double,
    comparisons bigint not null,
    p_adjusted double
);
comment on table marts.frequent_values is
    'The choice that an enumerator enters most often, and how often colleagues at the same health centres enter it. Single choices of 10 answers or more; no question that is a '
    'direct identifier. One row per enumerator and select_one question.';
comment on column marts.frequent_values.enumerator_code is 'Enumerator';
comment on column marts.frequent_values.form_id is 'Form';
comment on column marts.frequent_values.table_name is 'Table of the question';
comment on column marts.frequent_values.column_name is 'Column of the question, see staging.codebook';
comment on column marts.frequent_values."value" is 'The choice, of those that the form offers';
comment on column marts.frequent_values.k is 'Answers of this enumerator that are this choice, at health centres where others asked as well';
comment on column marts.frequent_values.n is 'Answers of this enumerator at these health centres';
comment on column marts.frequent_values.share is 'k / n';
comment on column marts.frequent_values.low is 'Lower end of Wilson''s 95 % interval of the share';
comment on column marts.frequent_values.high is 'Upper end of that interval';
comment on column marts.frequent_values.others_n is 'Answers of all other enumerators at these health centres';
comment on column marts.frequent_values.expected is
    'Their share of this choice, each health centre weighing as much as it does for this enumerator';
comment on column marts.frequent_values.p_value is
    'Test of Cochran, Mantel and Haenszel, health centre by health centre, with correction for continuity; empty where fewer than 5 answers could fall on either side (Mantel and Fleiss)';
comment on column marts.frequent_values.comparisons is 'Choices looked at in this table: of every enumerator and question with a test, each choice that was given';
comment on column marts.frequent_values.p_adjusted is 'p times the number of choices looked at, at most 1 (Bonferroni)';
