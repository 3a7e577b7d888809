"""Reads exports with what their consumers publish, and prints what each says: a JSON object per file.

    python read.py SCHEMA DIRECTORY

`spans` has a list per track of a lane: dicts with id, name, lane, begin, end (null: open), mark, parent (as said) or around (the
id of the slice it is drawn in, or with speedscope its number in the list). What is not well-formed raises.
"""

import base64
import csv
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import fastjsonschema
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent


class Track:
    """Slices that begin and end in order."""

    def __init__(self):
        self.slices = []
        self.open = []
        self.last = 0

    def come_to(self, at):
        assert at >= self.last, f"time goes back from {self.last} to {at}"
        self.last = at

    def begin(self, at, **of):
        self.come_to(at)
        around = self.open[-1] if self.open else None
        of |= {"begin": at, "end": None, "around": around.get("id", around["number"]) if around else None}
        of["number"] = len(self.slices)
        self.slices.append(of)
        self.open.append(of)

    def end(self, at):
        """Ends the innermost slice that ends at all: those without an end are the outer ones."""
        self.come_to(at)
        slice = self.open.pop()
        slice["end"] = at
        return slice


def tracks(found):
    return {"spans": [track.slices for track in found if track.slices]}


def read_perfetto(path):
    trace = Trace()
    trace.ParseFromString(path.read_bytes())
    names, categories, keys, places = {}, {}, {}, {}
    described, spans, polls = {}, {}, {}
    points, ends, flows, sources, holds = 0, [], {}, set(), []
    for number, packet in enumerate(trace.packet):
        assert packet.trusted_packet_sequence_id == 1
        # Interned data is kept from the first packet on.
        assert packet.sequence_flags == (1 if number == 0 else 2)
        new = packet.interned_data
        for known, entries in [
            (names, new.event_names), (categories, new.event_categories), (keys, new.debug_annotation_names),
            (places, new.source_locations),
        ]:
            for entry in entries:
                assert entry.iid not in known and entry.iid != 0
                known[entry.iid] = entry if known is places else entry.name
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in described and (not track.parent_uuid or track.parent_uuid in described)
            described[track.uuid] = track
            spans[track.uuid] = Track()
        if not packet.HasField("track_event"):
            continue
        event, at, track = packet.track_event, packet.timestamp, spans[packet.track_event.track_uuid]
        args = {keys[of.name_iid]: getattr(of, of.WhichOneof("value")) for of in event.debug_annotations}
        category = categories[event.category_iids[0]] if event.category_iids else None
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            place = places[event.source_location_iid] if event.source_location_iid else None
            track.begin(
                at, id=args.get("span.id"), name=names[event.name_iid], category=category, mark=args.get("spanwalk.mark"),
                lane=described[event.track_uuid].name, source=place and [place.file_name, place.line_number],
            )
        elif event.type == TrackEvent.TYPE_SLICE_END:
            track.end(at)
        elif event.type == TrackEvent.TYPE_INSTANT:
            track.come_to(at)
            names[event.name_iid]
            points += category not in ("switch", "wake") or not (event.flow_ids or event.terminating_flow_ids)
            for flow in event.flow_ids:
                flows.setdefault(flow, [None, None])[0] = at
            for flow in event.terminating_flow_ids:
                # Of packets of one time the first in the file comes first.
                assert flow in flows, "a flow ends that has not begun"
                flows[flow][1] = at
        else:
            raise ValueError(event.type)
    assert all(begin == end is not None for begin, end in flows.values()), flows
    roots = [track.uuid for track in described.values() if not track.parent_uuid]
    assert len(roots) == 1
    of_lanes = [track for uuid, track in spans.items() if described[uuid].parent_uuid == roots[0]]
    holds = [slice for track in of_lanes for slice in track.slices if slice["category"] == "hold"]
    of_lanes = [track for track in of_lanes if not (track.slices and track.slices[0]["category"] == "hold")]
    polls = [track for uuid, track in spans.items() if described[uuid].parent_uuid not in (0, roots[0])]
    return tracks(of_lanes) | {
        "polls": sum(len(track.slices) for track in polls),
        "polls_of": [slice for track in polls for slice in track.slices],
        "points": points, "flows": len(flows), "holds": len(holds),
    }


def ns(event):
    us = event["ts"]
    at = us * 1000
    assert at == int(at), "more digits than a nanosecond has"
    return int(at)


def read_chrome(path):
    trace = json.loads(path.read_text(), parse_float=Decimal)
    names, found, async_found, polls, holds = {}, {}, {}, 0, 0
    points, flows = 0, {}
    for event in trace["traceEvents"]:
        kind, tid = event["ph"], event["tid"]
        if kind == "M":
            if event["name"] == "thread_name":
                assert tid not in names
                names[tid] = event["args"]["name"]
                found[tid] = Track()
            continue
        at = ns(event)
        track = found[tid]
        if kind in "be":
            assert event["pid"] == 1
            track = async_found.setdefault((tid, event["id2"]["local"]), Track())
        if kind in "Bb":
            args = event.get("args", {})
            track.begin(
                at, id=args.get("span.id"), name=event["name"], category=event["cat"], mark=args.get("spanwalk.mark"),
                lane=names[tid], source=args.get("span.source"),
            )
        elif kind in "Ee":
            ended = track.end(at)
            assert kind == "E" or ended["name"] == event["name"]
        elif kind == "i":
            assert event["s"] == "t"
            points += event["cat"] not in ("switch", "wake")
        elif kind in "sf":
            assert kind == "s" or event["id"] in flows, "a flow ends that has not begun"
            flows.setdefault(event["id"], {})[kind] = (at, event["name"], event["cat"])
        else:
            raise ValueError(kind)
    assert all(flow["s"] == flow["f"] for flow in flows.values())
    slices = [slice for track in found.values() for slice in track.slices]
    kept = [track for track in found.values() if track.slices and track.slices[0]["category"] not in ("poll", "hold")]
    return tracks(kept + list(async_found.values())) | {
        "polls": sum(slice["category"] == "poll" for slice in slices),
        "holds": sum(slice["category"] == "hold" for slice in slices),
        "points": points, "flows": len(flows),
    }


def read_speedscope(path, validate):
    file = validate(json.loads(path.read_text()))
    frames = file["shared"]["frames"]
    found = []
    for profile in file["profiles"]:
        assert profile["unit"] == "nanoseconds"
        track = Track()
        for event in profile["events"]:
            assert profile["startValue"] <= event["at"] <= profile["endValue"]
            if event["type"] == "O":
                name = frames[event["frame"]]["name"]
                mark = next((mark for mark in ("open", "cut") if name.endswith(f" ({mark})")), None)
                name = name.removesuffix(f" ({mark})")
                track.begin(event["at"], name=name, mark=mark, lane=profile["name"], frame=event["frame"])
            else:
                assert track.end(event["at"])["frame"] == event["frame"]
        assert not track.open, "a profile is whole"
        found.append(track)
    return tracks(found)


def read_otlp(path):
    body = json.loads(path.read_text())
    # JSON of OTLP has ids in hexadecimal digits, that of protocol buffers bytes in base64.
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for of in [span, *span["links"]]:
                    for key in of.keys() & {"traceId", "spanId", "parentSpanId"}:
                        of[key] = base64.b64encode(bytes.fromhex(of[key])).decode()
    request = json_format.ParseDict(body, ExportTraceServiceRequest())
    found, points, links, traces = [], 0, 0, set()
    for resource in request.resource_spans:
        about = {of.key: of.value.string_value for of in resource.resource.attributes}
        assert about["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert len(span.trace_id) == 16 and len(span.span_id) == 8 and span.kind == 1
                traces.add(span.trace_id)
                attributes = {of.key: of.value for of in span.attributes}
                assert len(attributes) == len(span.attributes), "a key is told twice"
                points += len(span.events)
                links += len(span.links)
                text = lambda key: attributes[key].string_value if key in attributes else None
                found.append({
                    "id": int.from_bytes(span.span_id), "parent": int.from_bytes(span.parent_span_id) or None,
                    "name": span.name, "lane": text("spanwalk.lane"), "mark": text("spanwalk.mark"),
                    "begin": span.start_time_unix_nano, "end": span.end_time_unix_nano, "category": scope.scope.name,
                })
    assert len(traces) == (1 if found else 0)
    return {"spans": [found], "points": points, "links": links}


def read_csv(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    found = [{
        "id": int(row["id"]), "parent": int(row["parent"]) if row["parent"] else None, "name": row["name"],
        "lane": row["lane"], "begin": int(row["begin_ns"]), "end": int(row["end_ns"]), "mark": row["mark"] or None,
        "category": row["target"],
    } for row in rows]
    assert all(int(row["duration_ns"]) == int(row["end_ns"]) - int(row["begin_ns"]) for row in rows)
    assert all(isinstance(json.loads(row["fields"]), dict) for row in rows)
    return {"spans": [found]}


def read_jsonl(path):
    found, points, flows = {}, 0, 0
    for number, line in enumerate(path.read_text().splitlines()):
        event = json.loads(line)
        last = event["t_ns"]
        if event["kind"] == "open":
            found[event["span"]] = {
                "id": event["span"], "parent": event["parent"], "name": event["name"], "lane": event["lane"],
                "begin": event["t_ns"], "end": None, "mark": "open", "category": event["target"],
            }
        elif event["kind"] == "close":
            found[event["span"]] |= {"end": event["t_ns"], "mark": None}
        points += event["kind"] == "note"
        flows += event["kind"] in ("switch", "wake")
    return {"spans": [list(found.values())], "points": points, "flows": flows}


def read_text(path):
    """Lanes are not indented, spans are, by two for each that is around them."""
    found = []
    for line in path.read_text().splitlines():
        name = line.strip().split("  ")[0]
        if line.startswith(" "):
            found[-1].append({"name": name, "lane": lane, "depth": (len(line) - len(line.lstrip(" "))) // 2})
        elif line:
            lane = name
            found.append([])
    return {"spans": [track for track in found if track]}


def read_folded(path):
    """The time of each stack, and the times of all stacks that begin with it."""
    own, total = {}, {}
    for line in path.read_text().splitlines():
        stack, ns = line.rsplit(" ", 1)
        frames = stack.split(";")
        assert stack not in own, f"{stack} is there twice"
        own[stack] = int(ns)
        for depth in range(1, len(frames) + 1):
            around = ";".join(frames[:depth])
            total[around] = total.get(around, 0) + int(ns)
    return {"own": own, "total": total}


def read_flamegraph(path):
    """Frames with their times, from the titles of the picture."""
    titles = [element.text for element in ElementTree.parse(path).iter() if element.tag.endswith("title")]
    frames = [re.fullmatch(r"(.*) \(([\d,]+) ns, .*%\)", title, re.DOTALL) for title in titles]
    return {"frames": sorted([frame[1], int(frame[2].replace(",", ""))] for frame in frames if frame)}


def main(schema, directory):
    validate = fastjsonschema.compile(json.loads(Path(schema).read_text()))
    readers = {
        ".pftrace": read_perfetto, ".chrome.json": read_chrome, ".otlp.json": read_otlp, ".csv": read_csv,
        ".folded": read_folded, ".svg": read_flamegraph, ".html": lambda path: {},
        ".jsonl": read_jsonl, ".txt": read_text, ".speedscope.json": lambda path: read_speedscope(path, validate),
    }
    for path in sorted(Path(directory).iterdir()):
        stem, dot, ending = path.name.partition(".")
        # `mermaid.mjs` reads those.
        if ending == "mmd":
            continue
        print(json.dumps({"stem": stem, "ending": ending} | readers[dot + ending](path)))


main(*sys.argv[1:])
