"""augmax as openpi calls it in training, one JSON line per request: what it draws for a picture, and what it makes of it.

`augmax_side.py golden FILE` writes the cases of test/golden/augmentation.
"""

import base64
import importlib.metadata
import json
import math
import sys

import augmax
import jax
import jax.numpy as jnp
import numpy as np

CROP, DEGREES = 0.95, 5


def chain(width, height, wrist):
    """The transforms of openpi's `preprocess_observation`."""
    transforms = []
    if not wrist:
        transforms += [
            augmax.RandomCrop(int(width * CROP), int(height * CROP)),
            augmax.Resize(width, height),
            augmax.Rotate((-DEGREES, DEGREES)),
        ]
    transforms += [augmax.ColorJitter(brightness=0.3, contrast=0.4, saturation=0.5)]
    return augmax.Chain(*transforms)


def draws(key, side, wrist):
    """What the chain draws from a key: the keys are split as augmax's chains do."""
    parts = jax.random.split(key, 1 if wrist else 2)
    out = {"placement": None}
    if not wrist:
        crop_key, _, turn_key = jax.random.split(parts[0], 3)
        kept = int(side * CROP)
        room = (side - kept) / 2
        dy, dx = jax.random.uniform(crop_key, [2], minval=jnp.array([-room, -room]), maxval=jnp.array([room, room]))
        angle = jax.random.uniform(turn_key, minval=math.radians(-DEGREES), maxval=math.radians(DEGREES))
        out["placement"] = {"kept": kept, "dx": float(dx), "dy": float(dy), "angle": float(angle)}
    (colour_key,) = jax.random.split(parts[-1], 1)
    strengths = {"brightness": 0.3, "contrast": 0.4, "hue": 0.1, "saturation": 0.5}
    keys = jax.random.split(colour_key, 5)
    colours = {
        name: float(jax.random.uniform(one, minval=-most, maxval=most))
        for (name, most), one in zip(strengths.items(), keys)
    }
    out["colours"] = colours if bool(jax.random.bernoulli(colour_key, 0.5)) else None
    return out


def case(seed, side, wrist, pixels):
    key = jax.random.PRNGKey(seed)
    # The original's pictures are in [-1, 1] and go to [0, 1] for this.
    picture = jnp.asarray(pixels.astype(np.float32) / 255 * 2 - 1) / 2.0 + 0.5
    result = np.asarray(chain(side, side, wrist)(key, picture)) * 255
    packed = np.round(np.clip(result, 0, 255) * 256).astype("<u2").tobytes()
    return {"draws": draws(key, side, wrist), "levels": base64.b64encode(packed).decode()}


def picture(random, side):
    """Waves of colour, with some noise, grey, black and white."""
    y, x = np.mgrid[0:side, 0:side] / side
    waves = [127.5 + 127.5 * np.sin(f * x + g * y) for f, g in random.uniform(1, 9, (3, 2))]
    pixels = np.stack(waves, -1) + random.normal(0, 12, (side, side, 3))
    pixels = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    pixels[:2, :3] = 128
    pixels[2:4, :3] = 0
    pixels[4:6, :3] = 255
    return pixels


def golden(path):
    random = np.random.default_rng(17)
    cases = []
    seed = 0
    for side, wrist, coloured in [(20, False, True), (23, False, True), (20, True, True), (23, False, False)]:
        while (draws(jax.random.PRNGKey(seed), side, wrist)["colours"] is not None) != coloured:
            seed += 1
        pixels = picture(random, side)
        made = case(seed, side, wrist, pixels)
        cases.append({"side": side, "wrist": wrist, "pixels": base64.b64encode(pixels.tobytes()).decode(), **made})
        seed += 1
    with open(path, "w") as file:
        json.dump({"augmax": importlib.metadata.version("augmax"), "jax": jax.__version__, "cases": cases}, file, indent=1)
        file.write("\n")


def answer(request):
    if request["do"] == "versions":
        return {"augmax": importlib.metadata.version("augmax"), "jax": jax.__version__}
    side = request["side"]
    pixels = np.frombuffer(base64.b64decode(request["pixels"]), np.uint8).reshape(side, side, 3)
    return case(request["seed"], side, request["wrist"], pixels)


if sys.argv[1:2] == ["golden"]:
    golden(sys.argv[2])
else:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
