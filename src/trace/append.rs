//! A chunk becomes part of a log: the next, more of the last, or one behind a gap.

use std::collections::HashSet;
use std::ops::Range;

use super::{Chunk, Corrupt, Event, Gap, ItemKind, Kind, LaneId, Log, Seq, SpanId, Tables, Unpacker};

impl Log {
    /// Adds the events of a chunk. One that begins where the last one began is more of it: what is new in it is added. One
    /// that begins later than the next event should brings the log over the gap: what is missing is counted by lane, everybody
    /// goes on, leaves and ends who is not open any more, and what is open now is opened, entered and held. Chunks that lie
    /// before the end of what is known are passed over.
    ///
    /// # Errors
    /// If the bytes are no chunk. What could be read before the damage is added. Also if a chunk without what was open comes
    /// behind a gap: nobody could tell what is open then.
    pub fn append(&mut self, chunk: &Chunk) -> Result<(), Corrupt> {
        self.add(chunk, false)
    }

    /// Says that the log begins so many events into its recording: those are elsewhere, and not missing. Changes nothing
    /// about a log that has begun.
    pub fn begin_at(&mut self, place: u64) {
        if self.is_empty() && self.next_in_recording == 0 {
            (self.begins_at, self.next_in_recording) = (place, place);
        }
    }

    /// The same; what is missing has been let go on purpose.
    pub(super) fn resume(&mut self, chunk: &Chunk) -> Result<(), Corrupt> {
        self.add(chunk, true)
    }

    fn add(&mut self, chunk: &Chunk, is_forgotten: bool) -> Result<(), Corrupt> {
        let end = chunk.first.0.checked_add(chunk.count.into()).ok_or(Corrupt)?;
        if end <= self.next_in_recording {
            return Ok(());
        }
        let missing = chunk.first.0.saturating_sub(self.next_in_recording);
        let known = self.next_in_recording.saturating_sub(chunk.first.0);
        if known > 0 {
            let is_more = self.last_chunk == Some(chunk.first.0) && self.store.grow(chunk);
            return if is_more { self.take(u64::from(chunk.count) - known) } else { self.take_rest(chunk, known) };
        }
        let begins_later = self.begins_at > 0 && self.is_empty();
        if missing > 0 || begins_later {
            if !chunk.has_open_set {
                return Err(Corrupt);
            }
            let beginning = Beginning::of(chunk)?;
            let at = self.len();
            self.bridge(missing, &beginning);
            self.gaps.push(Gap { at, resumed: self.len(), missing, is_forgotten });
            self.next_in_recording += missing;
            if is_forgotten {
                self.is_not_dropped(at..self.len());
            }
        }
        let spans = &mut self.index.spans;
        self.store.put(chunk, |span, place, at| spans.set_at(span, place, at))?;
        self.last_chunk = Some(chunk.first.0);
        self.take(chunk.count.into())
    }

    /// Takes in so many events that the store has got.
    fn take(&mut self, count: u64) -> Result<(), Corrupt> {
        let before = self.store.len();
        let mut counts = std::mem::take(&mut self.counts);
        counts.resume(before);
        let read = self.read(count, |seen| {
            counts.turn(seen.item.lane, seen.place);
            if matches!(seen.item.kind, ItemKind::LaneClose) {
                counts.close(seen.item.lane, seen.place + 1);
            }
        });
        counts.settle(self.store.len());
        self.counts = counts;
        self.next_in_recording += self.store.len() - before;
        if read? == count { Ok(()) } else { Err(Corrupt) }
    }

    /// Takes in what is new in a chunk that overlaps what is known and is not simply more of it.
    fn take_rest(&mut self, chunk: &Chunk, known: u64) -> Result<(), Corrupt> {
        let mut unpacker = Unpacker::new(&chunk.bytes, Tables::default());
        let known = u64::from(chunk.open) + known;
        let all = u64::from(chunk.open) + u64::from(chunk.count);
        self.counts.resume(self.store.len());
        for at in 0..all {
            let item = unpacker.next_item()?.ok_or(Corrupt)?;
            if at >= known {
                let place = self.store.len();
                self.push(unpacker.event(&item, Seq(0)));
                self.next_in_recording += 1;
                self.counts.turn(item.lane, place);
                match item.kind {
                    ItemKind::LaneClose => self.counts.close(item.lane, place + 1),
                    _ => self.counts.settle(place + 1),
                }
            }
        }
        Ok(())
    }

    /// How many events of a gap each lane lost, by what it had before it and behind it: with the place of the lane in the
    /// open set. What is left over is not known to be in any lane.
    fn lost(&mut self, missing: u64, beginning: &Beginning) -> (Vec<(usize, u64)>, u64) {
        let (mut lost, mut rest) = (Vec::new(), missing);
        for &(at, before) in &beginning.counts {
            let known = self.counts.replace(beginning.open[at].lane, before);
            let of = before.saturating_sub(known).min(rest);
            if of > 0 {
                lost.push((at, of));
                rest -= of;
            }
        }
        let is: HashSet<LaneId> = beginning.open.iter().map(|event| event.lane).collect();
        self.counts.retain(|lane| is.contains(&lane));
        (lost, rest)
    }

    /// What these events say was dropped was let go on purpose.
    fn is_not_dropped(&mut self, said: Range<usize>) {
        let said: Vec<Event> = self.events_in(said).collect();
        for event in said {
            if let Kind::Dropped { count } = event.kind
                && let Some(dropped) = self.index.dropped_in.get_mut(&event.lane)
            {
                *dropped = dropped.saturating_sub(count);
            }
        }
    }

    fn bridge(&mut self, missing: u64, beginning: &Beginning) {
        let Beginning { open, first, .. } = beginning;
        let Some(template) = open.first().or(first.as_ref()) else { return };
        let (lost, rest) = self.lost(missing, beginning);
        let now = first.as_ref().map_or(template.time, |event| event.time).max(self.time_at(self.len()));
        let before = self.latest().open_set();
        let mut say = |event: &Event, kind: Kind| self.push(Event { time: now, kind, ..event.clone() });
        for (at, count) in lost {
            say(&open[at], Kind::Dropped { count });
        }
        if rest > 0 {
            say(&Event { lane: LaneId::NONE, ..template.clone() }, Kind::Dropped { count: rest });
        }
        let is_left = |set: &[Event], at: usize| {
            let span = set[at].kind.span();
            set.get(at + 1).is_some_and(|next| matches!(next.kind, Kind::Exit { .. }) && next.kind.span() == span)
        };
        let (was, is) = (OpenIn::new(&before), OpenIn::new(open));
        for (at, event) in before.iter().enumerate().rev() {
            match event.kind {
                Kind::Hold { span, edge, .. } => say(event, Kind::Release { span, edge }),
                Kind::Enter { span } if !is_left(&before, at) => say(event, Kind::Exit { span }),
                Kind::Open { span, .. } if !is.spans.contains(&span) => say(event, Kind::Close { span }),
                Kind::LaneOpen { .. } if !is.lanes.contains(&event.lane) => say(event, Kind::LaneClose),
                _ => {}
            }
        }
        for (at, event) in open.iter().enumerate() {
            match &event.kind {
                Kind::LaneOpen { .. } if was.lanes.contains(&event.lane) => {}
                Kind::Open { span, fields, .. } if was.spans.contains(span) => {
                    say(event, Kind::Record { span: *span, fields: fields.clone() });
                }
                // That it has run is known already.
                Kind::Enter { span } if is_left(open, at) && was.entered.contains(span) => {}
                Kind::Exit { span } if was.entered.contains(span) => {}
                kind => say(event, kind.clone()),
            }
        }
    }
}

/// What an open set is about.
struct OpenIn {
    spans: HashSet<SpanId>,
    entered: HashSet<SpanId>,
    lanes: HashSet<LaneId>,
}

impl OpenIn {
    fn new(set: &[Event]) -> Self {
        let spans = set.iter().filter(|event| matches!(event.kind, Kind::Open { .. }));
        let entered = set.iter().filter(|event| matches!(event.kind, Kind::Enter { .. }));
        Self {
            spans: spans.filter_map(|event| event.kind.span()).collect(),
            entered: entered.filter_map(|event| event.kind.span()).collect(),
            lanes: set.iter().map(|event| event.lane).collect(),
        }
    }
}

/// How a chunk begins.
struct Beginning {
    open: Vec<Event>,
    /// How many events lanes had before: the place of each in the open set, and the count.
    counts: Vec<(usize, u64)>,
    /// The first event behind the open set.
    first: Option<Event>,
}

impl Beginning {
    fn of(chunk: &Chunk) -> Result<Self, Corrupt> {
        let mut unpacker = Unpacker::new(&chunk.bytes, Tables::default());
        let (mut open, mut counts) = (Vec::new(), Vec::new());
        for at in 0..chunk.open {
            let item = unpacker.next_item()?.ok_or(Corrupt)?;
            if let ItemKind::LaneOpen { before: Some(before), .. } = item.kind {
                counts.push((open.len(), before));
            }
            open.push(unpacker.event(&item, Seq(at.into())));
        }
        let first = unpacker.next_item()?;
        let first = first.map(|item| unpacker.event(&item, Seq(0)));
        Ok(Self { open, counts, first })
    }
}
