"""Proves the twin: computes every quantity of golden cases that the original made, and compares it within their tolerances.

python prove.py FOLDER...   one JSON line per quantity: {case, quantity, error, tolerance, pass}
"""

import json
import sys

import numpy as np

import cases
from golden import Case, compare, matching, valid_tokens
from sampler import unpack


def network(case):
    inputs, params = case.tensors(case.file("inputs.safetensors")), case.tensors(case.file("params.safetensors"))
    done, values, gradients = None, {}, {}
    for quantity in case.manifest["quantities"]:
        name = quantity["name"].split(":")[0]
        if name != done:
            done = name
            values, gradients = cases.network(case.config, case.subcases[name], params, inputs)
        expected = case.tensors(quantity["file"])
        if quantity["file"] == case.subcases[name].get("gradients"):
            same = set(expected) == set(gradients)
            parts = [compare(gradients[k], v, quantity, leaf=k) for k, v in expected.items()] if same else [(np.inf, 0)]
            yield quantity, worst(parts)
            continue
        tensor = quantity["tensor"]
        last = tensor.endswith("_last_layer")
        got = values[tensor.removesuffix("_last_layer")]
        counts = valid_tokens(tensor, values, expected[tensor]) if "compare_where" in quantity else None
        yield quantity, compare(got[-1:].reshape(expected[tensor].shape) if last else got, expected[tensor], quantity, counts)


def sampler(case):
    inputs, params = case.tensors(case.file("inputs.safetensors")), case.tensors(case.file("params.safetensors"))
    correlation = case.tensors(case.file("correlation.safetensors"))
    own = cases.Sampler(case.config, params, inputs, unpack(correlation["cholesky_raw_packed"]))
    values = {}
    for quantity in case.manifest["quantities"]:
        name, tensor = quantity["name"].split(":")
        if name == "correlation":
            yield quantity, compare(own.correlation(tensor, correlation), correlation[tensor], quantity)
            continue
        expected = case.tensors(quantity["file"])
        if name not in values:
            values[name] = own.run(case.subcases[name], expected["noise_standard"], expected.get("initial_actions"))
        yield quantity, compare(values[name][tensor], expected[tensor], quantity)


def optimizer(case):
    steps, flat = [{} for _ in range(case.config["steps"])], case.tensors("gradients.safetensors")
    for name, value in flat.items():
        step, leaf = name.split("/", 1)
        steps[int(step.removeprefix("step"))][leaf] = value
    got = cases.optimizer(case.config, case.tensors("params.safetensors"), steps)
    for quantity in case.manifest["quantities"]:
        expected = case.tensors(quantity["file"])
        names = matching(expected, quantity["tensor"])
        yield quantity, worst([compare(got[k], expected[k], quantity) for k in names])


def train_steps(case):
    inputs, params = case.tensors(case.file("inputs.safetensors")), case.tensors(case.file("params.safetensors"))
    batches = [
        {k.removeprefix(f"step{i}/"): v for k, v in inputs.items() if k.startswith(f"step{i}/")}
        for i in range(case.config["steps"])
    ]
    for name, subcase in case.subcases.items():
        per_step, tensors = cases.train_steps(case.config, subcase, params, batches, keep=(1, len(batches)))
        for quantity in (q for q in case.manifest["quantities"] if q["name"].startswith(f"{name}:")):
            if quantity["file"] == "manifest.json":
                key = quantity["tensor"].split(".")[-1]
                yield quantity, worst([compare(a[key], b[key], quantity) for a, b in zip(per_step, subcase["per_step"])])
                continue
            expected = case.tensors(quantity["file"])
            names = [k for k in matching(expected, quantity["tensor"]) if "/ema_frozen/" not in k]
            left_out = quantity.get("except_leaves", [])
            parts = [moved(tensors[k], expected[k], params[leaf(k)]) for k in names if leaf(k) not in left_out]
            yield quantity, (max(parts), quantity["tolerance_relative"])
        # What the manifest does not list: numbers of every step, and the shrinking averages bit for bit.
        for key in per_step[0]:
            quantity = {"name": f"{name}:(not listed) {key}", "tolerance_relative": 1e-4 if "param_norm" in key else 1e-5}
            yield quantity, worst([compare(a[key], b[key], quantity) for a, b in zip(per_step, subcase["per_step"])])
        expected = case.tensors(subcase.get("expected", f"{name}.expected.safetensors"))
        frozen = [k for k in expected if "/ema_frozen/" in k]
        quantity = {"name": f"{name}:(not listed) ema_frozen", "tolerance_relative": 0}
        if frozen:
            yield quantity, worst([compare(tensors[k], expected[k], quantity) for k in frozen])


def leaf(name):
    return name.split("/", 2)[2]


def moved(got, expected, start):
    """rms(got - expected) / rms(expected - start), 0 when the first is below 1e-6."""
    difference, way = (np.sqrt(((np.asarray(a, np.float64) - expected) ** 2).mean()) for a in (got, start))
    return 0.0 if difference < 1e-6 else float(difference / way)


def worst(parts):
    return max(parts, key=lambda part: part[0] / part[1] if part[1] else (np.inf if part[0] else 0))


def sincos(case):
    for quantity in case.manifest["quantities"]:
        expected = case.tensors(quantity["file"])
        positions = expected[quantity["tensor"].split("/")[0] + "/position"]
        if quantity["tensor"].endswith("_some"):
            positions = positions[::10]
        got = cases.codes(case.config, quantity["tensor"], positions)
        yield quantity, compare(got, expected[quantity["tensor"]], quantity)


KINDS = {"network": network, "sampler": sampler, "optimizer": optimizer, "train-steps": train_steps, "sincos": sincos}

if __name__ == "__main__":
    for folder in sys.argv[1:]:
        case = Case(folder)
        for quantity, (error, tolerance) in KINDS[case.manifest["kind"]](case):
            line = {"case": case.folder.name, "quantity": quantity["name"], "error": error, "tolerance": tolerance}
            print(json.dumps({**line, "pass": bool(error <= tolerance)}), flush=True)
