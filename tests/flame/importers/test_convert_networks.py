"""The trackers' networks out of official checkpoints."""

import json
import os

import pytest
import torch
from safetensors import safe_open

from magicportrait_core.errors import InputError
from magicportrait_core.flame.importers import manifests
from magicportrait_core.flame.importers.convert import import_file
from magicportrait_core.flame.library.library import open_regressor
from tests.official_files import random_state


@pytest.fixture(scope="module")
def smirk():
    return random_state(manifests.smirk(), 1)


@pytest.fixture(scope="module")
def deca():
    return random_state(manifests.deca(), 2)


@pytest.mark.parametrize(("network", "name"), [("deca", "E_flame"), ("smirk", "smirk_encoder")])
def test_manifests_are_those_of_the_official_files(goldens, network, name):
    stored = json.loads((goldens / "geometry" / f"manifest_{name}.json").read_text())
    counters = json.loads((goldens / "geometry" / f"manifest_{name}_nonfloat.json").read_text())
    made = getattr(manifests, network)()
    assert made == {key: tuple(shape) for key, shape in stored.items()}
    assert {key for key, shape in made.items() if not shape} == set(counters)


@pytest.mark.parametrize("archive", [True, False])
def test_deca(deca, tmp_path, archive):
    path = tmp_path / "any.tar"
    content = {"E_flame": deca, "E_detail": {"a": torch.ones(2)}, "opt": {}, "epoch": 3}
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    report = import_file(path, tmp_path)
    assert (report.kind, report.output.name) == ("deca", "deca_encoder.safetensors")
    assert report.licence == "non-commercial"
    read = open_regressor(tmp_path, "deca")
    assert set(read) == set(deca)
    assert all(torch.equal(read[key], deca[key]) for key in deca)
    with safe_open(report.output, "pt") as file:
        metadata = file.metadata()
    wanted = {"kind": "regressor", "format_version": "1", "network": "deca"}
    assert wanted.items() <= metadata.items()


def test_the_official_checkpoints_hold_a_thousand_tensors_more(deca, smirk, tmp_path):
    """DECA's its other networks and what its training went on from, SMIRK's a generator."""
    rest = {f"layer.{n}.weight": torch.full((2,), float(n)) for n in range(900)}
    states = {n: {"step": n, "exp_avg": torch.ones(2), "exp_avg_sq": torch.ones(2)} for n in rest}
    groups = [{"lr": 1e-4, "betas": (0.9, 0.999), "params": list(states)}]
    content = {"E_flame": deca, "E_detail": rest, "opt": {"state": states, "param_groups": groups}}
    torch.save(content, tmp_path / "deca_model.tar")
    assert import_file(tmp_path / "deca_model.tar", tmp_path).kind == "deca"
    content = {f"smirk_encoder.{key}": value for key, value in smirk.items()}
    content |= {f"smirk_generator.{key}": value for key, value in rest.items()}
    torch.save(content, tmp_path / "SMIRK_em1.pt")
    assert import_file(tmp_path / "SMIRK_em1.pt", tmp_path).kind == "smirk"


@pytest.mark.parametrize("prefix", ["smirk_encoder.", "", "module.smirk_encoder."])
def test_smirk(smirk, tmp_path, prefix):
    content = {prefix + key: value for key, value in smirk.items()}
    if prefix:
        content["smirk_generator.conv.weight"] = torch.ones(3)
    torch.save(content, tmp_path / "any.pt")
    report = import_file(tmp_path / "any.pt", tmp_path)
    assert (report.kind, report.output.name) == ("smirk", "smirk_encoder.safetensors")
    read = open_regressor(tmp_path, "smirk")
    assert len(read) == 762
    assert all(torch.equal(read[key], smirk[key]) for key in smirk)
    with pytest.raises(InputError, match=r"deca_model\.tar .*is not in"):
        open_regressor(tmp_path, "deca")
    (tmp_path / "deca_encoder.safetensors").write_bytes(report.output.read_bytes())
    with pytest.raises(InputError, match="holds the network smirk, deca is wanted"):
        open_regressor(tmp_path, "deca")


def test_counters_may_be_missing(smirk, tmp_path):
    torch.save({k: v for k, v in smirk.items() if "num_batches" not in k}, tmp_path / "x.pt")
    import_file(tmp_path / "x.pt", tmp_path)
    assert len(open_regressor(tmp_path, "smirk")) == 762


def without(state, key):
    return {k: v for k, v in state.items() if k != key}


KEY = "pose_encoder.encoder.bn1.weight"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: without(s, KEY), rf"lacks {KEY};"),
        (lambda s: {k: v for k, v in s.items() if "pose" not in k}, "lacks pose_encoder.* more"),
        (lambda s: {**s, "extra.weight": torch.ones(1)}, "beside what belongs there, extra.weight"),
        (lambda s: {**s, KEY: torch.ones(5)}, rf"{KEY} must be \(16,\), got \(5,\)"),
        (lambda s: {**s, KEY: torch.full((16,), torch.nan)}, rf"{KEY} has values that are no"),
    ],
)
def test_weights_that_do_not_fit(smirk, tmp_path, change, words):
    torch.save(change(smirk), tmp_path / "x.pt")
    with pytest.raises(InputError, match=rf"^x\.pt.*{words}"):
        import_file(tmp_path / "x.pt", tmp_path)


def test_weights_of_another_network(tmp_path):
    torch.save({"state_dict": {"conv1.weight": torch.ones(1)}}, tmp_path / "resnet.pt")
    with pytest.raises(InputError, match=r"resnet\.pt is none of .*it holds state_dict"):
        import_file(tmp_path / "resnet.pt", tmp_path)
    torch.save({"E_flame": {"conv1.weight": torch.ones(1)}}, tmp_path / "deca_model.tar")
    with pytest.raises(InputError, match=r"not of E_flame: it lacks encoder\.conv1\.weight and"):
        import_file(tmp_path / "deca_model.tar", tmp_path)


class Calls:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def test_a_checkpoint_that_calls_the_system_is_refused(smirk, tmp_path):
    marker = tmp_path / "marker"
    torch.save({**smirk, "x": Calls(os.system, f"touch {marker}")}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"^x\.pt is refused.*system"):
        import_file(tmp_path / "x.pt", tmp_path)
    assert not marker.exists()


def test_a_truncated_checkpoint(smirk, tmp_path):
    torch.save(smirk, tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes((tmp_path / "x.pt").read_bytes()[:5_000_000])
    with pytest.raises(InputError, match=r"^x\.pt cannot be read: it ends too early"):
        import_file(tmp_path / "x.pt", tmp_path)
