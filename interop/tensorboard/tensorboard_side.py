"""Opens a run as TensorBoard does; prints scalars, histograms and pictures as JSON."""

import io
import json
import sys

from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

everything = {name: 0 for name in event_accumulator.DEFAULT_SIZE_GUIDANCE}
run = event_accumulator.EventAccumulator(sys.argv[1], size_guidance=everything)
run.Reload()
tags = run.Tags()


def picture(event):
    with Image.open(io.BytesIO(event.encoded_image_string)) as image:
        image.load()
        return {"step": event.step, "format": image.format, "size": list(image.size), "said": [event.width, event.height]}


def histogram(event):
    value = event.histogram_value
    return {
        "step": event.step,
        "count": value.num,
        "sum": value.sum,
        "squares": value.sum_squares,
        "min": value.min,
        "max": value.max,
        "buckets": sum(value.bucket),
        "rising": all(a < b for a, b in zip(value.bucket_limit, value.bucket_limit[1:])),
    }


print(
    json.dumps(
        {
            "scalars": {tag: [[event.step, event.value] for event in run.Scalars(tag)] for tag in tags["scalars"]},
            "histograms": {tag: [histogram(event) for event in run.Histograms(tag)] for tag in tags["histograms"]},
            "pictures": {tag: [picture(event) for event in run.Images(tag)] for tag in tags["images"]},
        }
    )
)
