"""What goes out: a folder that can be archived, made from the research copy by the rule in schemas/release.yml."""
