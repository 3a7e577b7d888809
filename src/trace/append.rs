//! A chunk becomes part of a log: the next, more of the last, or one behind a gap.

use super::{Chunk, Corrupt, Event, Kind, LaneId, Log, Seq, SpanId, Tables, Unpacker};

impl Log {
    /// Adds the events of a chunk. One that begins where the last one began is more of it: what is new in it is added. One
    /// that begins later than the next event should brings the log over the gap: what is missing is counted, everybody goes
    /// on, leaves and ends who is not open any more, and what is open now is opened, entered and held. Chunks that lie before
    /// the end of what is known are passed over.
    ///
    /// # Errors
    /// If the bytes are no chunk. Nothing is added then.
    pub fn append(&mut self, chunk: &Chunk) -> Result<(), Corrupt> {
        let end = chunk.first.0.checked_add(chunk.count.into()).ok_or(Corrupt)?;
        let (open, events) = unpack(chunk)?;
        if end <= self.next_in_recording {
            return Ok(());
        }
        let missing = chunk.first.0.saturating_sub(self.next_in_recording);
        if missing > 0 {
            self.bridge(missing, &open, &events);
        }
        let known = self.next_in_recording.saturating_sub(chunk.first.0) as usize;
        for event in events.into_iter().skip(known) {
            self.push_checked(event);
        }
        self.next_in_recording = end;
        Ok(())
    }

    /// Adds an event under the next number: a log's own have no gaps. A file may say anything: a call is opened once, and
    /// inside one that was opened before it.
    fn push_checked(&mut self, mut event: Event) {
        if let Kind::Open { span, parent, .. } = &mut event.kind {
            if self.span(*span).is_some() {
                return;
            }
            *parent = parent.filter(|parent| self.span(*parent).is_some());
        }
        let seq = Seq(self.len() as u64);
        self.push(Event { seq, ..event });
    }

    fn bridge(&mut self, missing: u64, open: &[Event], events: &[Event]) {
        let Some(template) = open.first().or(events.first()) else { return };
        let now = events.first().map_or(template.time, |event| event.time).max(self.time_at(self.len()));
        let before = self.latest().open_set();
        let mut say = |event: &Event, kind: Kind| self.push_checked(Event { time: now, kind, ..event.clone() });
        say(template, Kind::Dropped { count: missing });
        let is_left = |set: &[Event], at: usize| {
            let span = set[at].kind.span();
            set.get(at + 1).is_some_and(|next| matches!(next.kind, Kind::Exit { .. }) && next.kind.span() == span)
        };
        let opens = |set: &[Event], span: SpanId| {
            set.iter().any(|event| matches!(event.kind, Kind::Open { span: other, .. } if other == span))
        };
        let has_run = |span: SpanId| {
            before.iter().any(|event| matches!(event.kind, Kind::Enter { span: other } if other == span))
        };
        let has_lane = |set: &[Event], lane: LaneId| set.iter().any(|event| event.lane == lane);
        for (at, event) in before.iter().enumerate().rev() {
            match event.kind {
                Kind::Hold { span, edge, .. } => say(event, Kind::Release { span, edge }),
                Kind::Enter { span } if !is_left(&before, at) => say(event, Kind::Exit { span }),
                Kind::Open { span, .. } if !opens(open, span) => say(event, Kind::Close { span }),
                Kind::LaneOpen { .. } if !has_lane(open, event.lane) => say(event, Kind::LaneClose),
                _ => {}
            }
        }
        for (at, event) in open.iter().enumerate() {
            let was_open = event.kind.span().is_some_and(|span| opens(&before, span));
            match &event.kind {
                Kind::LaneOpen { .. } if has_lane(&before, event.lane) => {}
                Kind::Open { span, fields, .. } if was_open => {
                    say(event, Kind::Record { span: *span, fields: fields.clone() });
                }
                // That it has run is known already.
                Kind::Enter { span } if is_left(open, at) && has_run(*span) => {}
                Kind::Exit { span } if has_run(*span) => {}
                kind => say(event, kind.clone()),
            }
        }
    }
}

/// The open set and the events of a chunk.
fn unpack(chunk: &Chunk) -> Result<(Vec<Event>, Vec<Event>), Corrupt> {
    let mut unpacker = Unpacker::new(&chunk.bytes, Tables::default());
    let (mut open, mut events) = (Vec::new(), Vec::new());
    while let Some(item) = unpacker.next_item()? {
        let into = if open.len() < chunk.open as usize { &mut open } else { &mut events };
        let event = unpacker.event(&item, Seq(into.len() as u64));
        into.push(event);
    }
    if events.len() == chunk.count as usize { Ok((open, events)) } else { Err(Corrupt) }
}
