-- Back checks: interviews that somebody else repeats in part, and how both sets of answers compare. No table holds an answer.

create table quality.back_check_draws (
    form_id varchar not null,
    submission_id varchar not null,
    reason varchar not null check (reason in ('chance', 'flag')),
    seed varchar not null,
    drawn_at timestamptz not null
);
comment on table quality.back_check_draws is
    'Interviews drawn to be repeated: once drawn, an interview stays drawn. Append only. One row per interview drawn.';
comment on column quality.back_check_draws.form_id is 'Form of the interview';
comment on column quality.back_check_draws.submission_id is 'Submission, see staging.submissions';
comment on column quality.back_check_draws.reason is 'chance; flag: drawn before the others, since it had open findings';
comment on column quality.back_check_draws.seed is 'Seed of the drawing, as in schemas/back_checks.yml';
comment on column quality.back_check_draws.drawn_at is 'When (UTC)';

create table marts.back_check_variables (
    variable varchar not null,
    position integer not null,
    type tinyint not null,
    form_id varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    kind varchar not null check (kind in ('number', 'day', 'choice', 'choices', 'text')),
    ok_range varchar,
    is_private boolean not null,
    alarm_rate double,
    labels map(varchar, varchar)
);
comment on table marts.back_check_variables is 'What is asked twice, as schemas/back_checks.yml says. One row per variable.';
comment on column marts.back_check_variables.variable is 'Name of the variable';
comment on column marts.back_check_variables.position is 'Place in schemas/back_checks.yml';
comment on column marts.back_check_variables.type is
    '1: never changes, so a difference is the enumerator''s fault; 2: may differ by skill; 3: may differ by the instrument';
comment on column marts.back_check_variables.form_id is 'Form of the original answer';
comment on column marts.back_check_variables.table_name is 'Table of the original answer';
comment on column marts.back_check_variables.column_name is 'Column of the original answer, see staging.codebook';
comment on column marts.back_check_variables.kind is 'How it is compared: number, day, choice, choices (as a set), text (spaces and capitals aside)';
comment on column marts.back_check_variables.ok_range is 'How far apart the answers may be; empty: not at all';
comment on column marts.back_check_variables.is_private is 'A direct identifier in one of the forms: compared, and never tested';
comment on column marts.back_check_variables.alarm_rate is 'Error rate of its type above which somebody should look';
comment on column marts.back_check_variables.labels is 'The question as the original form words it, by language';

create table marts.back_checks (
    submission_id varchar not null,
    original_id varchar,
    state varchar not null check (
        state in ('compared', 'attempted', 'unnamed', 'no_original', 'several_originals', 'repeated', 'same_person')
    ),
    checker_code varchar,
    enumerator_code varchar,
    centre_code varchar,
    day date,
    days_after bigint
);
comment on table marts.back_checks is 'Every back check, and which interview it repeats. One row per back check.';
comment on column marts.back_checks.submission_id is 'Submission of the back check';
comment on column marts.back_checks.original_id is 'The interview that it repeats; empty where that is not known, or not one alone';
comment on column marts.back_checks.state is
    'compared; attempted: not completed (nobody found, no consent); unnamed: it does not say which interview; no_original: there is no such interview; '
    'several_originals: the interview is there more than once; repeated: an earlier back check of the same interview counts; same_person: the '
    'enumerator checked himself or herself. Only compared ones count';
comment on column marts.back_checks.checker_code is 'Who did the back check';
comment on column marts.back_checks.enumerator_code is 'Who did the interview';
comment on column marts.back_checks.centre_code is 'Health centre of the interview';
comment on column marts.back_checks.day is 'Day of the back check by the phone''s clock';
comment on column marts.back_checks.days_after is 'Days from the interview to the back check';

create table marts.back_check_pairs (
    original_id varchar not null,
    back_check_id varchar not null,
    centre_code varchar,
    enumerator_code varchar,
    checker_code varchar,
    variable varchar not null,
    type tinyint not null,
    is_compared boolean not null,
    is_different boolean,
    is_within_ok_range boolean,
    is_error boolean
);
comment on table marts.back_check_pairs is 'Interview and back check compared, question by question. One row per matched pair and variable.';
comment on column marts.back_check_pairs.original_id is 'Submission of the interview';
comment on column marts.back_check_pairs.back_check_id is 'Submission of the back check';
comment on column marts.back_check_pairs.centre_code is 'Health centre of the interview';
comment on column marts.back_check_pairs.enumerator_code is 'Who did the interview';
comment on column marts.back_check_pairs.checker_code is 'Who did the back check';
comment on column marts.back_check_pairs.variable is 'Variable, see marts.back_check_variables';
comment on column marts.back_check_pairs.type is '1, 2 or 3, see marts.back_check_variables';
comment on column marts.back_check_pairs.is_compared is 'Both sides have an answer that counts (or one of them, where schemas/back_checks.yml lets that differ)';
comment on column marts.back_check_pairs.is_different is 'The answers are not the same; empty where not compared';
comment on column marts.back_check_pairs.is_within_ok_range is 'Different, and no further apart than allowed; empty where not compared';
comment on column marts.back_check_pairs.is_error is 'Different, and further apart than allowed; empty where not compared';

create table marts.back_check_rates (
    kind varchar not null check (kind in ('all', 'centre', 'enumerator', 'checker')),
    code varchar not null,
    type tinyint not null,
    variable varchar,
    interviews bigint not null,
    compared bigint not null,
    different bigint not null,
    within_ok_range bigint not null,
    errors bigint not null,
    rate double,
    ci_low double,
    ci_high double,
    is_few boolean not null,
    alarm_rate double,
    is_alarming boolean not null
);
comment on table marts.back_check_rates is
    'Error rates of the back checks. One row per group (kind and code), type and variable; with an empty variable, of all variables of the type.';
comment on column marts.back_check_rates.kind is 'What the group is: all, centre, enumerator or checker';
comment on column marts.back_check_rates.code is 'Code of the group; empty for all';
comment on column marts.back_check_rates.type is '1, 2 or 3, see marts.back_check_variables';
comment on column marts.back_check_rates.variable is 'Variable, see marts.back_check_variables; empty: all of the type';
comment on column marts.back_check_rates.interviews is 'Interviews of which at least one answer was compared';
comment on column marts.back_check_rates.compared is 'Answers compared';
comment on column marts.back_check_rates.different is 'Of these: not the same';
comment on column marts.back_check_rates.within_ok_range is 'Of the different: no further apart than allowed';
comment on column marts.back_check_rates.errors is 'Of the different: further apart than allowed';
comment on column marts.back_check_rates.rate is 'Errors among the answers compared';
comment on column marts.back_check_rates.ci_low is 'Lower end of its 95 % interval: Wilson''s, with errors of one interview taken together, see docs/back-checks.md';
comment on column marts.back_check_rates.ci_high is 'Upper end';
comment on column marts.back_check_rates.is_few is 'Fewer than 10 interviews: the rate says little';
comment on column marts.back_check_rates.alarm_rate is 'Error rate of the type above which somebody should look; empty where none is declared';
comment on column marts.back_check_rates.is_alarming is '5 interviews or more, and the whole interval lies above alarm_rate: chance does not explain it';

create table marts.back_check_coverage (
    kind varchar not null check (kind in ('all', 'centre', 'enumerator')),
    code varchar not null,
    interviews bigint not null,
    drawn bigint not null,
    attempted bigint not null,
    compared bigint not null,
    share double,
    wanted bigint not null,
    missing bigint not null
);
comment on table marts.back_check_coverage is 'How many interviews were repeated, and how many should be. One row per group (kind and code).';
comment on column marts.back_check_coverage.kind is 'What the group is: all, centre or enumerator';
comment on column marts.back_check_coverage.code is 'Code of the group; empty for all, and for interviews that name no centre or enumerator';
comment on column marts.back_check_coverage.interviews is 'Interviews that may be repeated: consenting, and as schemas/back_checks.yml says';
comment on column marts.back_check_coverage.drawn is 'Of these: drawn by laktasi back-checks sample';
comment on column marts.back_check_coverage.attempted is 'Of these: somebody tried to repeat it, and could not complete it';
comment on column marts.back_check_coverage.compared is 'Of these: repeated and compared';
comment on column marts.back_check_coverage.share is 'Compared among the interviews';
comment on column marts.back_check_coverage.wanted is 'Interviews to be repeated by the share and the least number that schemas/back_checks.yml asks for';
comment on column marts.back_check_coverage.missing is 'Of the wanted: not compared yet';

create table marts.back_check_tests (
    variable varchar not null,
    type tinyint not null,
    level varchar,
    test varchar not null check (test in ('paired_t', 'signed_rank', 'proportions', 'mcnemar', 'reliability')),
    n bigint not null,
    original double,
    back_check double,
    estimate double,
    ci_low double,
    ci_high double,
    statistic double,
    df double,
    p_value double,
    reason varchar
);
comment on table marts.back_check_tests is
    'Whether answers moved between interview and back check, over all pairs; types 2 and 3. One row per variable, level of a choice, and test.';
comment on column marts.back_check_tests.variable is 'Variable, see marts.back_check_variables';
comment on column marts.back_check_tests.type is '2 or 3, see marts.back_check_variables';
comment on column marts.back_check_tests.level is 'Of a choice: the choice whose share is compared; empty for a number';
comment on column marts.back_check_tests.test is
    'Of a number: paired_t (means), signed_rank (Wilcoxon), reliability (ratio). Of a choice: proportions (two-sample z), mcnemar (paired, exact)';
comment on column marts.back_check_tests.n is 'Pairs with an answer on both sides';
comment on column marts.back_check_tests.original is 'Mean of the original answers, or share of those that chose the level';
comment on column marts.back_check_tests.back_check is 'The same in the back checks';
comment on column marts.back_check_tests.estimate is 'Back check minus original: difference of means or shares; signed_rank: the median of the differences; reliability: the ratio';
comment on column marts.back_check_tests.ci_low is 'Lower end of the 95 % interval of the estimate; empty where the test gives none';
comment on column marts.back_check_tests.ci_high is 'Upper end';
comment on column marts.back_check_tests.statistic is 't, W+, z, or for mcnemar the pairs that moved to the level';
comment on column marts.back_check_tests.df is 'Degrees of freedom of t; for signed_rank and mcnemar the pairs that moved';
comment on column marts.back_check_tests.p_value is 'Two-sided; of no change. Empty for reliability';
comment on column marts.back_check_tests.reason is 'Why there is no result; empty where there is one';
