"""Golden cases on disk, and how a tensor is compared with what a manifest promises."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file


class Case:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self.config = self.manifest["config"]
        self.subcases = self.manifest.get("subcases", {})
        self._files = {}

    def tensors(self, name):
        if name not in self._files:
            self._files[name] = load_file(self.folder / name)
        return self._files[name]

    def file(self, ending):
        return next((name for name in self.manifest["files"] if name.endswith(ending)), None)


def write(folder, manifest, files):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in files.items():
        if name.endswith(".json"):
            (folder / name).write_text(json.dumps(tensors, indent=1))
        else:
            save_file({k: np.array(v, order="C") for k, v in tensors.items()}, folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))


def compare(got, expected, quantity, counts=None, leaf=None):
    """(error, tolerance) in the tolerance's terms; infinite when the shapes differ or one is not a number."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if got.shape != expected.shape:
        return np.inf, 0.0
    keep = np.ones(expected.shape, bool) if counts is None else np.broadcast_to(counts, expected.shape)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        difference = np.where(same | ~keep, 0, np.abs(got - expected))
    difference = np.where(np.isnan(difference), np.inf, difference)
    error = float(difference.max(initial=0))
    largest = float(np.abs(np.where(keep & np.isfinite(expected), expected, 0)).max(initial=0))
    exception = quantity.get("exception", {})
    if leaf is not None and leaf == exception.get("leaf"):
        return error, exception["tolerance_absolute"]
    if "tolerance_absolute" in quantity:
        return error, max(quantity["tolerance_absolute"], quantity.get("tolerance_relative", 0) * largest)
    return (error / largest if largest else error), quantity["tolerance_relative"]


def matching(tensors, pattern):
    return [name for name in tensors if fnmatchcase(name, pattern)]


def valid_tokens(name, values, expected):
    """Which entries of a per-token tensor belong to tokens that are there, to broadcast."""
    mask = values["prefix_mask"].astype(bool)
    if name.startswith("kv_"):
        cache = expected.ndim == 5
        tokens = expected.shape[2 if cache else 1]
        mask = mask[:, :tokens, None, None]
        return mask[None] if cache else mask
    return mask[..., None]
