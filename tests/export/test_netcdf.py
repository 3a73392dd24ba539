"""A data set by cell and evaluation."""

import numpy as np
import pytest

pytest.importorskip("h5netcdf")
pytest.importorskip("h5py")
xarray = pytest.importorskip("xarray")

from regimax.export import netcdf  # noqa: E402


def check(data):
    assert dict(data.sizes) == {"cell": 3, "evaluation": 4, "measurement": 2}
    assert set(data.coords) == {"cell", "regime", "setting", "seed", "world_seed", "reward.erasure"}
    assert data["success"].values.tolist()[:2] == [1.0, 0.25]
    assert np.isnan(data["success"].values[2])
    assert data["censored"].values.tolist() == [False, True, False]
    both, one, pending = data["curve_success"].values
    np.testing.assert_array_equal(both, [np.nan, np.nan, 0.0, 1.0])
    np.testing.assert_array_equal(one, [0.0, 0.25, np.nan, np.nan])
    assert np.isnan(pending).all()
    assert data["curve_phase"].values.tolist()[1] == ["rl", "rl", "", ""]
    np.testing.assert_array_equal(data["probe_concepts_accuracy"].values[0], [0.5, 0.75])
    assert data["curve_flops"].attrs["units"] == data["solved_at_flops"].attrs["units"] == "FLOP"
    assert data["curve_bits_reward"].attrs["units"] == "bit"
    assert (data.attrs["title"], data.attrs["threshold"], data.attrs["question"]) == ("tiny", 0.9, "Does it?")


def test_it_is_by_cell_and_evaluation(found):
    check(netcdf.dataset(found))


def test_a_file_holds_it(found, tmp_path):
    netcdf.write(found, tmp_path)
    with xarray.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as data:
        check(data)


def test_before_the_first_evaluation_there_are_cells(found, tmp_path):
    netcdf.write(found._replace(curves=found.curves.clear(), probes=found.probes.clear()), tmp_path)
    with xarray.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as data:
        assert dict(data.sizes) == {"cell": 3}
