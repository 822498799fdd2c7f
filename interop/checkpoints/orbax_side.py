"""The other side of the check `checkpoints`: orbax writes random trees and reads what Valet exported. One JSON line per request."""

import json
import sys
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import tensorstore as ts
from safetensors.numpy import save_file


def nested(flat):
    tree = {}
    for name, array in flat.items():
        *path, last = name.split("/")
        at = tree
        for key in path:
            at = at.setdefault(key, {})
        at[last] = array
    return tree


def flat_names(tree, prefix=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat_names(value, (*prefix, key))
        else:
            yield "/".join((*prefix, key)), value


def write(request):
    random = np.random.default_rng(request["seed"])
    flat, expected = {}, {}
    for i in range(request["leaves"]):
        rank = int(random.integers(0, 5))
        shape = tuple(int(n) for n in random.integers(1, [120, 60, 20, 8][max(rank - 1, 0)], rank))
        numbers = random.standard_normal(shape).astype(np.float32)
        if i % 7 == 3:
            numbers = np.zeros(shape, np.float32)
        array = jnp.asarray(numbers, dtype={"mixed": [jnp.float32, jnp.bfloat16][i % 2]}.get(request["dtype"], request["dtype"]))
        name = f"part_{i % 3}/block_{i}/{['kernel', 'bias', 'w.dotted'][i % 3]}"
        flat[name + ("/value" if request["value"] else "")] = array
        expected[name] = np.array(array.astype(jnp.float32))
    tree = {"params": nested(flat)}
    options = {k: request[k] for k in ("use_ocdbt", "use_zarr3")}
    handler = ocp.PyTreeCheckpointHandler(**options)
    chunk = request["chunk_byte_size"]
    args = ocp.args.PyTreeSave(tree, save_args=jax.tree.map(lambda _: ocp.SaveArgs(chunk_byte_size=chunk), tree))
    with ocp.Checkpointer(handler) as checkpointer:
        checkpointer.save(request["out"], args=args)
    save_file(expected, request["expected"])
    return {"leaves": len(expected)}


def flat_arrays(tree, path=()):
    """Every array and number of a tree of dictionaries, lists and tuples, by its path."""
    if isinstance(tree, dict):
        children = tree.items()
    elif isinstance(tree, (list, tuple)):
        children = enumerate(tree)
    else:
        if tree is not None:
            yield "/".join(path), np.asarray(tree)
        return
    for key, value in children:
        yield from flat_arrays(value, (*path, str(key)))


def odd(request):
    """A tree of everything but plain weights: types, ranks, names, values and containers that a training state may hold."""
    random = np.random.default_rng(request["seed"])

    def normal(*shape):
        return random.standard_normal(shape).astype(np.float32)

    tree = {
        "10": [jnp.asarray(normal(2, 3), jnp.float16), jnp.arange(5, dtype=jnp.int32)],
        "tuple": (jnp.asarray(normal(2)), {"x": jnp.asarray(normal(1, 1, 1, 1, 1)), "none": None}),
        "flags": jnp.asarray([True, False, True]),
        "u8": jnp.arange(256, dtype=jnp.uint8).reshape(16, 16),
        "u16": jnp.asarray([65535, 0, 3], jnp.uint16),
        "u32": jnp.asarray([0, 1, 2**32 - 1], jnp.uint32),
        "i8": jnp.asarray([-128, 127, 0], jnp.int8),
        "i16": jnp.asarray([-32768, 32767, 0], jnp.int16),
        "i64": np.array([-(2**63), 2**63 - 1]),
        "u64": np.array([2**64 - 1, 0], np.uint64),
        "f64": np.array([np.pi, 1e300]),
        "bf16": jnp.asarray(normal(5, 7), jnp.bfloat16),
        "scalar": jnp.asarray(3.25),
        "python": {"int": 7, "float": 2.5, "empty": {}, "list": []},
        "zeros": jnp.zeros((40, 40)),
        "special": jnp.asarray(np.array([np.nan, np.inf, -np.inf, -0.0, 1e-42], np.float32)),
        "prime": jnp.asarray(normal(13, 11, 7)),
        "with space, é and 'quotes'": jnp.asarray(normal(2)),
    }
    if request["use_ocdbt"]:
        tree["layer.0"] = {"w/slash": jnp.asarray(normal(7, 5))}
    handler = ocp.PyTreeCheckpointHandler(**{k: request[k] for k in ("use_ocdbt", "use_zarr3")})
    chunk = request["chunk_byte_size"]
    args = ocp.args.PyTreeSave(tree, save_args=jax.tree.map(lambda _: ocp.SaveArgs(chunk_byte_size=chunk), tree))
    with ocp.Checkpointer(handler) as checkpointer:
        checkpointer.save(request["out"], args=args)
    arrays = {
        name: {"shape": list(array.shape), "dtype": str(array.dtype), "hex": np.ascontiguousarray(array).tobytes().hex()}
        for name, array in flat_arrays(tree)
    }
    return {"arrays": arrays}


def deep(request):
    """An OCDBT database with small nodes: several levels, values in and out of the nodes, many commits, numbered manifests if asked for."""
    random = np.random.default_rng(request["seed"])
    expected = {}
    kvstore = {
        "driver": "ocdbt",
        "base": f"file://{request['out']}/",
        "config": {
            "max_decoded_node_bytes": request["node_bytes"],
            "max_inline_value_bytes": request["inline_bytes"],
            "compression": None if request["plain"] else {"id": "zstd", "level": 3},
        },
    }
    if request["numbered"]:
        kvstore["config"]["manifest_kind"] = "numbered"
    for i in range(request["leaves"]):
        name = f"layer_{i:03d}/kernel"
        numbers = random.standard_normal((int(random.integers(1, 90)), int(random.integers(1, 40)))).astype(np.float32)
        store = ts.open(
            {
                "driver": "zarr",
                "kvstore": {**kvstore, "path": "params." + name.replace("/", ".") + "/"},
                "metadata": {
                    "shape": list(numbers.shape),
                    "chunks": [max(1, numbers.shape[0] // 3), max(1, numbers.shape[1] // 2)],
                    "dtype": "<f4",
                    "compressor": request["compressor"],
                },
                "create": True,
            }
        ).result()
        store.write(numbers).result()
        if i % 5 == 0:
            numbers = numbers + 1
            store.write(numbers).result()
        expected[name] = numbers
    save_file(expected, request["expected"])
    return {"leaves": len(expected)}


def read(request):
    """As openpi's loader does: the tree's metadata, then every leaf as numpy."""
    sharding = jax.sharding.NamedSharding(jax.sharding.Mesh(jax.devices(), ("x",)), jax.sharding.PartitionSpec())
    path = request["path"]
    with ocp.PyTreeCheckpointer() as checkpointer:
        metadata = checkpointer.metadata(path)
        metadata = getattr(metadata, "tree", metadata)
        if not isinstance(metadata, dict):
            metadata = metadata.item_metadata.tree
        item = {"params": metadata["params"]}
        restore = jax.tree.map(lambda _: ocp.ArrayRestoreArgs(sharding=sharding, restore_type=np.ndarray, dtype=None), item)
        tree = checkpointer.restore(path, ocp.args.PyTreeRestore(item=item, restore_args=restore))["params"]
    flat = dict(flat_names(tree))
    values = all(name.endswith("/value") for name in flat)
    save_file({name.removesuffix("/value"): np.ascontiguousarray(np.asarray(a).astype(np.float32)) for name, a in flat.items()}, request["expected"])
    return {"leaves": len(flat), "values": values, "dtypes": sorted({str(a.dtype) for a in flat.values()})}


def versions(_):
    return {"orbax": ocp.__version__, "jax": jax.__version__, "tensorstore": version("tensorstore")}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"write": write, "odd": odd, "deep": deep, "read": read, "versions": versions}[request["do"]](request)
    except Exception as error:  # noqa: BLE001
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
