"""Reads an MCAP file with Foxglove's own Python library, checksums and indexes included; prints what it found as JSON."""

import base64
import json
import sys

from mcap.reader import NonSeekingReader, make_reader

PATH = sys.argv[1]


def counts(reader):
    found = {}
    for schema, channel, message in reader.iter_messages():
        assert schema.encoding == "jsonschema" and channel.message_encoding == "json"
        json.loads(message.data)
        found[channel.topic] = found.get(channel.topic, 0) + 1
    return found


def kind_of(picture):
    """The file format that a picture's first bytes tell."""
    if picture[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    return "JPEG" if picture[:3] == b"\xff\xd8\xff" else "unknown"


with open(PATH, "rb") as file:
    reader = make_reader(file, validate_crcs=True)
    summary = reader.get_summary()
    topics = {channel.id: channel.topic for channel in summary.channels.values()}
    stated = {topics[i]: n for i, n in summary.statistics.channel_message_counts.items()}
    indexed = counts(reader)
    # The messages of a part of the time, which only an index that is right finds.
    start, end = summary.statistics.message_start_time, summary.statistics.message_end_time
    middle = (start + end) // 2
    times = [m.log_time for _, _, m in reader.iter_messages(topics=["/action"], start_time=middle)]
    cameras = [topic for topic in topics.values() if topic.startswith("/camera/")]
    pictures = [
        kind_of(base64.b64decode(json.loads(m.data)["data"])) for _, _, m in reader.iter_messages(topics=cameras)
    ]
with open(PATH, "rb") as file:
    streamed = counts(NonSeekingReader(file, validate_crcs=True))

print(
    json.dumps(
        {
            "schemas": sorted({schema.name for schema in summary.schemas.values()}),
            "stated": stated,
            "indexed": indexed,
            "streamed": streamed,
            "afterMiddle": bool(times) and min(times) >= middle and times == sorted(times),
            "pictures": sorted(set(pictures)),
        }
    )
)
