//! A trace for Perfetto (<https://ui.perfetto.dev>): protocol buffers with track events.
//!
//! ```text
//!   recording   main        run ├────────────────────…         a span that is not over has a begin and no end
//!                                 start ├──────┤
//!               conn-1      handle ├──────────────┤  push      spans that do not nest: further tracks of their lane
//!                 polls       handle ├─┤     ├──┤             what was on a thread, and when, nested as it was there
//!               holds                     ├──┤                 on the clock of the wall
//! ```
//!
//! A lane is a track under that of the recording, in the order of the log; its slices have their source location, the target as
//! category, and the fields as annotations beside `span.id`, the number that `--from '#12'` takes. Points are instants. A switch or
//! a wake is an instant in the lane that gives and one in the lane that gets, joined by a flow. Polls are not put between a span
//! and its children: they would hide which call is inside which. They have a track below the lane, where enters and exits nest.
//!
//! There is no process: Perfetto asks for its number, and for those of threads, which the log does not know, and it sorts what
//! is below a process by name. The clock is the recording's own.

mod proto;

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use super::lanes::{self, Lane, Step};
use super::marks::{Mark, Marks};
use super::{Excerpt, Poll, Span};
use crate::trace::{Callsite, Field, LaneKind, Time, Value};
use proto::{
    DebugAnnotation, DebugValue, EventType, InternedData, InternedName, SourceLocation, TracePacket, TrackDescriptor,
    TrackEvent,
};

/// The track of the recording.
const ROOT: u64 = 1;

/// Writes it.
pub(super) fn write(excerpt: &Excerpt<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut trace = Trace::new(out);
    trace.root(&excerpt.origin().name)?;
    let mut marks = Marks::of(excerpt);
    let lanes = lanes::all(excerpt, marks.lanes());
    let marks: Vec<Vec<Mark>> = lanes.iter().map(|lane| marks.take(lane.id)).collect();
    let polls = lanes::polls(excerpt, &lanes, &lanes::ran(excerpt));
    let (mut uuids, mut steps) = (Vec::new(), Vec::new());
    for (lane, marks) in lanes.iter().zip(&marks) {
        let first = uuids.len();
        for track in lane.steps(marks) {
            uuids.push(trace.lane(lane)?);
            steps.push(track);
        }
        for track in polls.get(&lane.id).map(|polls| lanes::poll_steps(polls)).unwrap_or_default() {
            uuids.push(trace.polls(uuids[first])?);
            steps.push(track);
        }
    }
    // Of what has the same time Perfetto takes first what is written first: a flow has to begin before it ends.
    for (track, step) in lanes::in_order(&steps) {
        trace.step(excerpt, uuids[track], step)?;
    }
    let holds: Vec<(Time, Time)> = excerpt.holds().collect();
    if holds.is_empty() { Ok(()) } else { trace.holds(&holds) }
}

/// A trace that is being written.
struct Trace<'a> {
    out: &'a mut dyn Write,
    /// Tracks so far.
    tracks: u64,
    is_begun: bool,
    interned: Interned,
}

/// What has a number from its first use on, and what of it is new with the next packet.
#[derive(Default)]
struct Interned {
    names: HashMap<Arc<str>, u64>,
    categories: HashMap<Arc<str>, u64>,
    annotations: HashMap<Arc<str>, u64>,
    locations: HashMap<Arc<Callsite>, u64>,
    new: InternedData,
}

fn intern(known: &mut HashMap<Arc<str>, u64>, new: &mut Vec<InternedName>, name: &str) -> u64 {
    if let Some(iid) = known.get(name) {
        return *iid;
    }
    let iid = known.len() as u64 + 1;
    known.insert(name.into(), iid);
    new.push(InternedName { iid: Some(iid), name: Some(name.to_string()) });
    iid
}

impl Interned {
    fn name(&mut self, name: &str) -> u64 {
        intern(&mut self.names, &mut self.new.event_names, name)
    }

    fn category(&mut self, name: &str) -> u64 {
        intern(&mut self.categories, &mut self.new.event_categories, name)
    }

    fn location(&mut self, callsite: &Arc<Callsite>) -> Option<u64> {
        let file = callsite.file.as_deref()?;
        if let Some(iid) = self.locations.get(callsite) {
            return Some(*iid);
        }
        let iid = self.locations.len() as u64 + 1;
        self.locations.insert(callsite.clone(), iid);
        self.new.source_locations.push(SourceLocation {
            iid: Some(iid),
            file_name: Some(file.to_owned()),
            function_name: Some(callsite.name.to_string()),
            line_number: callsite.line,
        });
        Some(iid)
    }

    fn annotation(&mut self, name: &str, value: DebugValue) -> DebugAnnotation {
        let name_iid = Some(intern(&mut self.annotations, &mut self.new.debug_annotation_names, name));
        DebugAnnotation { name_iid, value: Some(value) }
    }

    /// Of a name that was recorded again the last value, as in every format.
    fn fields(&mut self, fields: &[Field]) -> Vec<DebugAnnotation> {
        let is_last = |at: usize| fields[at + 1..].iter().all(|later| later.name != fields[at].name);
        let last = (0..fields.len()).filter(|at| is_last(*at)).map(|at| &fields[at]);
        last.map(|field| self.annotation(&field.name, value(&field.value))).collect()
    }

    fn event(&mut self, kind: EventType, track: u64, callsite: &Arc<Callsite>) -> TrackEvent {
        TrackEvent {
            r#type: Some(kind.into()),
            track_uuid: Some(track),
            name_iid: Some(self.name(&callsite.name)),
            category_iids: vec![self.category(&callsite.target)],
            source_location_iid: self.location(callsite),
            ..TrackEvent::default()
        }
    }
}

fn value(value: &Value) -> DebugValue {
    match value {
        Value::Bool(value) => DebugValue::Bool(*value),
        Value::I64(value) => DebugValue::Int(*value),
        Value::U64(value) => DebugValue::Uint(*value),
        Value::F64(value) => DebugValue::Double(*value),
        Value::Span(span) => DebugValue::Uint(span.0),
        Value::I128(_) | Value::U128(_) | Value::Str(_) => DebugValue::String(value.to_string()),
    }
}

impl<'a> Trace<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self { out, tracks: ROOT, is_begun: false, interned: Interned::default() }
    }

    fn packet(&mut self, packet: TracePacket) -> io::Result<()> {
        let new = std::mem::take(&mut self.interned.new);
        let packet = TracePacket {
            trusted_packet_sequence_id: Some(1),
            sequence_flags: Some(if self.is_begun { proto::NEEDS_STATE } else { proto::STATE_CLEARED }),
            interned_data: (new != InternedData::default()).then_some(new),
            ..packet
        };
        self.is_begun = true;
        self.out.write_all(&proto::framed(&packet))
    }

    fn event(&mut self, at: Time, event: TrackEvent) -> io::Result<()> {
        self.packet(TracePacket { timestamp: Some(at.ns()), track_event: Some(event), ..TracePacket::default() })
    }

    /// Describes a track that is the next among its siblings.
    fn track(&mut self, track: TrackDescriptor) -> io::Result<u64> {
        self.tracks += 1;
        let rank = i32::try_from(self.tracks).unwrap_or(i32::MAX);
        let track = TrackDescriptor { uuid: Some(self.tracks), sibling_order_rank: Some(rank), ..track };
        self.packet(TracePacket { track_descriptor: Some(track), ..TracePacket::default() })?;
        Ok(self.tracks)
    }

    fn root(&mut self, name: &str) -> io::Result<()> {
        let track = TrackDescriptor {
            uuid: Some(ROOT),
            name: Some(name.to_owned()),
            child_ordering: Some(proto::EXPLICIT),
            ..TrackDescriptor::default()
        };
        self.packet(TracePacket { track_descriptor: Some(track), ..TracePacket::default() })
    }

    /// Describes a track of a lane.
    fn lane(&mut self, lane: &Lane) -> io::Result<u64> {
        let kind = match lane.kind {
            Some(LaneKind::Thread) => "a lane on a thread",
            Some(LaneKind::Task) => "a lane of a task",
            Some(LaneKind::Async) => "a lane of async calls; when they ran is not known",
            None => "a lane whose begin is missing",
        };
        self.track(TrackDescriptor {
            parent_uuid: Some(ROOT),
            name: Some(lane.name.to_string()),
            description: Some(kind.to_owned()),
            child_ordering: Some(proto::EXPLICIT),
            // Tracks of a lane are shown as one, and two lanes of a name are not.
            sibling_merge_behavior: Some(proto::MERGE_BY_KEY),
            sibling_merge_key: Some(lane.id.to_string()),
            ..TrackDescriptor::default()
        })
    }

    /// Describes a track of the polls of a lane.
    fn polls(&mut self, lane: u64) -> io::Result<u64> {
        self.track(TrackDescriptor {
            parent_uuid: Some(lane),
            name: Some("polls".to_owned()),
            description: Some("when its calls were on a thread".to_owned()),
            ..TrackDescriptor::default()
        })
    }

    fn step(&mut self, excerpt: &Excerpt<'_>, track: u64, step: Step<'_>) -> io::Result<()> {
        match step {
            Step::Begin(span) => self.begin(excerpt, track, span),
            Step::BeginPoll(poll) => self.begin_poll(track, poll),
            // Perfetto shows what has no end as not finished.
            Step::End(span) if span.is_open => Ok(()),
            Step::EndPoll(poll) if poll.over.is_none() => Ok(()),
            Step::End(span) => self.end(span.end, track),
            Step::EndPoll(poll) => self.end(poll.end, track),
            Step::Mark(mark) => self.mark(track, mark),
        }
    }

    fn begin_poll(&mut self, track: u64, poll: &Poll) -> io::Result<()> {
        let mut event = self.interned.event(EventType::SliceBegin, track, &poll.callsite);
        event.category_iids = vec![self.interned.category("poll")];
        let thread = DebugValue::String(poll.thread.name.to_string());
        event.debug_annotations = vec![
            self.interned.annotation("span.id", DebugValue::Uint(poll.span.0)),
            self.interned.annotation("thread", thread),
        ];
        self.event(poll.begin, event)
    }

    fn begin(&mut self, excerpt: &Excerpt<'_>, track: u64, span: &Span) -> io::Result<()> {
        let mut event = self.interned.event(EventType::SliceBegin, track, &span.callsite);
        event.debug_annotations.push(self.interned.annotation("span.id", DebugValue::Uint(span.id.0)));
        if let Some(mark) = span.mark() {
            let mark = DebugValue::String(mark.to_owned());
            event.debug_annotations.push(self.interned.annotation("spanwalk.mark", mark));
        }
        event.debug_annotations.extend(self.interned.fields(&excerpt.fields(span.id)));
        self.event(span.begin, event)
    }

    fn end(&mut self, at: Time, track: u64) -> io::Result<()> {
        let kind = Some(EventType::SliceEnd.into());
        self.event(at, TrackEvent { r#type: kind, track_uuid: Some(track), ..TrackEvent::default() })
    }

    fn mark(&mut self, track: u64, mark: &Mark) -> io::Result<()> {
        match mark {
            Mark::Point(point) => {
                let mut event = self.interned.event(EventType::Instant, track, &point.callsite);
                event.name_iid = Some(self.interned.name(point.name()));
                event.debug_annotations = self.interned.fields(&point.fields);
                self.event(point.at, event)
            }
            Mark::Gives(end) | Mark::Gets(end) => {
                let mut event = TrackEvent {
                    r#type: Some(EventType::Instant.into()),
                    track_uuid: Some(track),
                    name_iid: Some(self.interned.name(&mark.title())),
                    category_iids: vec![self.interned.category(end.word())],
                    ..TrackEvent::default()
                };
                if let Some(reason) = &end.reason {
                    let reason = DebugValue::String(reason.to_string());
                    event.debug_annotations.push(self.interned.annotation("reason", reason));
                }
                let is_given = matches!(mark, Mark::Gives(_));
                let ids = if is_given { &mut event.flow_ids } else { &mut event.terminating_flow_ids };
                ids.push(end.id);
                self.event(end.at, event)
            }
        }
    }

    fn holds(&mut self, holds: &[(Time, Time)]) -> io::Result<()> {
        let track = self.track(TrackDescriptor {
            parent_uuid: Some(ROOT),
            name: Some("holds".to_owned()),
            description: Some("when the program was held by the debugger".to_owned()),
            ..TrackDescriptor::default()
        })?;
        for (begin, end) in holds {
            let event = TrackEvent {
                r#type: Some(EventType::SliceBegin.into()),
                track_uuid: Some(track),
                name_iid: Some(self.interned.name("held")),
                category_iids: vec![self.interned.category("hold")],
                ..TrackEvent::default()
            };
            self.event(*begin, event)?;
            self.end(*end, track)?;
        }
        Ok(())
    }
}
