"""Everything that lets a study run every day by itself, on one machine.

`laktasi up` is a supervisor: it keeps Prefect's server and a worker alive as its children, gives them the deployments
of prefect.yaml, catches up what was missed, closes what was killed, and runs the day's work without Prefect where
Prefect cannot be brought up. It speaks to the server over HTTP and never imports Prefect: it lives for months, and is
to stay small.
"""
