"""Which version of a form is the newest: as text, 10 would come before 9."""

VERSIONS = """
    select form_id, form_version, max(position) as position
    from (
        select form_id, unnest(versions) as form_version, generate_subscripts(versions, 1) as position
        from staging.codebook
    )
    group by form_id, form_version
"""
"""Select of every form version and its place among those of its form, the oldest first. The codebook lists the versions
that have a column in this order; all of them have some column."""
