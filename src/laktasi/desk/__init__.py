"""What a data manager does with findings: hand them out, decide about them, say what "other" means. Joiners."""
