"""Tables as files that anything reads."""

import polars as pl
from polars.testing import assert_frame_equal

from regimax.export import csv


def test_files_hold_the_tables(found, tmp_path):
    csv.write(found, tmp_path)
    for name in ("cells", "curves", "probes"):
        assert_frame_equal(pl.read_csv(tmp_path / f"{name}.csv"), getattr(found, name))


def test_without_probes_there_is_no_file_of_them(found, tmp_path):
    csv.write(found._replace(probes=found.probes.clear()), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.csv", "curves.csv"]
