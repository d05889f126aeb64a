"""The outside: phones' instance folders and ODK Central."""
