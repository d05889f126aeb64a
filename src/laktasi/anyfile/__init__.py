"""`laktasi check`: a data file from anywhere, checked by the form it was filled with. A joiner, as a folder."""

from laktasi.anyfile.checkup import Checkup, check_file

__all__ = ["Checkup", "check_file"]
