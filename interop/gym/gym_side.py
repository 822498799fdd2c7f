"""The other side of the check `gym`: Gymnasium's own checker, vectors of environments, a random agent, a cloned one."""

import json
import sys
import warnings

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env
from valet_gym import ValetHome

PORT = int(sys.argv[1])
EPISODES = int(sys.argv[2])
RADIO = "turning_on_radio"


def say(what, passed, detail=""):
    print(json.dumps({"what": what, "passed": bool(passed), "detail": detail}), flush=True)


def features(observation):
    shrunk = [observation[name].reshape(8, 8, 8, 8, 3).mean(axis=(1, 3)).ravel() / 255 for name in CAMERAS]
    return np.concatenate([[1.0], observation["proprioception"], *shrunk])


CAMERAS = ["head", "left_wrist", "right_wrist"]

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    env = ValetHome(RADIO, PORT, render_mode="rgb_array")
    check_env(env, skip_render_check=False)
    say("gymnasium.utils.env_checker", True, f"{len(caught)} warnings")

first, _ = env.reset(seed=7)
for _ in range(5):
    env.step(env.expert())
moment = env.save()
steps = [env.step(env.expert())[0]["proprioception"] for _ in range(5)]
env.restore(moment)
again = [env.step(env.expert())[0]["proprioception"] for _ in range(5)]
say("a saved moment is come back to bit by bit", all(np.array_equal(a, b) for a, b in zip(steps, again)))
second, _ = env.reset(seed=7)
say("a seed gives the same scene", all(np.array_equal(first[k], second[k]) for k in first))
try:
    env.reset(options={"instance": 10_000})
    say("hidden instances are refused", False)
except ValueError as error:
    say("hidden instances are refused", "serve no choice" in str(error), str(error)[:60])

vector = gymnasium.vector.SyncVectorEnv([lambda: ValetHome(RADIO, PORT, image_size=16) for _ in range(3)])
observations, _ = vector.reset(seed=[1, 2, 1])
head = observations["head"]
say("a vector: equal seeds are equal scenes", np.array_equal(head[0], head[2]) and not np.array_equal(head[0], head[1]))
for _ in range(10):
    observations, rewards, *_ = vector.step(vector.action_space.sample())
say("a vector steps", observations["proprioception"].shape == (3, 256) and rewards.shape == (3,))
vector.close()


def play(act, instances):
    scores = []
    for instance in instances:
        observation, info = env.reset(options={"instance": instance})
        done = False
        while not done:
            observation, _, terminated, truncated, info = env.step(act(observation))
            done = terminated or truncated
        scores.append(info["q"])
    return float(np.mean(scores))


env.action_space.seed(0)
public = range(EPISODES)
random_q = play(lambda _: env.action_space.sample(), public)
say("a random agent plays episodes to their end", 0 <= random_q <= 1, f"q {random_q:.2f}")

# Behaviour cloning by ridge regression; then the expert labels what the clone meets, twice (DAgger).
looks, answers = [], []
weights = None
for round_ in range(3):
    for k in range(2 * EPISODES):
        observation, _ = env.reset(options={"instance": 1_000_000 + 100 * round_ + k})
        done = False
        while not done:
            wanted = env.expert()
            looks.append(features(observation))
            answers.append(wanted)
            own = wanted if weights is None else np.clip(features(observation) @ weights, env.action_space.low, env.action_space.high)
            observation, _, terminated, truncated, _ = env.step(own)
            done = terminated or truncated
    x, y = np.array(looks), np.array(answers)
    weights = np.linalg.solve(x.T @ x + 3.0 * np.eye(x.shape[1]), x.T @ y)
error = float(np.abs(x @ weights - y).mean())
spread = float(np.abs(y - y.mean(axis=0)).mean())
cloned_q = play(lambda seen: np.clip(features(seen) @ weights, env.action_space.low, env.action_space.high), public)
say("a cloned agent fits the expert better than its mean", error < 0.6 * spread, f"{error:.3f} of {spread:.3f}, q {cloned_q:.2f}")
env.close()
