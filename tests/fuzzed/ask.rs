//! Every kind of question that is asked of a log.

use spanwalk::trace::{
    Bookmarks, CriticalPath, Finder, Landmarks, Log, SpanId, Stage, Tally, Time, Timeline, Window, call_stats,
};

/// Places that are asked about, of a log of any length.
const PLACES: usize = 3;
/// Events that a search reads at the most, as between two pictures.
const A_WHILE: usize = 1_000;

/// Asks. Nothing is done with the answers: that there are any, in time, is what is wanted.
pub fn everything(log: &Log) {
    let end = log.time_at(log.len());
    let lanes = || log.lanes().iter().map(|lane| lane.id);
    let lost = lanes().map(|lane| log.dropped_in(lane)).fold(0_u64, u64::saturating_add);
    assert!(lost <= log.dropped(), "no more is missing in lanes than in all");
    for cursor in (0..=PLACES).map(|part| log.len() * part / PLACES) {
        let state = log.state_at(cursor);
        let _ = (state.open_set().len(), state.paused(), state.last_entered());
        state.lanes().iter().for_each(|lane| drop(state.activity(lane)));
        let time = log.clock().program(log.time_at(cursor));
        let _ = (log.event(cursor), log.cursor_at(time), log.cursor_at_raw(time));
        for window in [Window { from: Time(0), to: end }, Window { from: time, to: Time(time.0.saturating_add(1)) }] {
            let _ = Timeline::new(log, &Landmarks::default(), cursor, window, 80, lanes().take(32));
        }
    }
    for span in log.spans().take(8).map(|span| span.id).chain([SpanId(0), SpanId(u64::MAX)]) {
        let _ = (log.span(span), log.stretches(span).count(), log.fields(span, log.len()));
        let _ = log.recorded(span, "number", log.len());
    }
    for text in ["dur>1us lane:main", "field.number:7 !open:"] {
        let Ok(query) = text.parse() else { continue };
        let mut finder = Finder::new(query);
        finder.read(log, A_WHILE);
        let _ = (finder.get(0), finder.before(log.len()), finder.before_time(end));
    }
    for window in [Window { from: Time(0), to: end }, Window { from: Time(end.0 / 4), to: Time(end.0 / 2) }] {
        let mut tally = Tally::new(window);
        tally.read(log, A_WHILE);
        let _ = tally.calls(log);
    }
    if let Some(lane) = lanes().next() {
        let mut path = CriticalPath::new(log, Stage { lane, from: Time(end.0 / 4), to: end });
        path.read(log, A_WHILE);
        let _ = path.parts().map(|parts| parts.len());
    }
    let bookmarks = log.bookmarks().all();
    assert!(bookmarks.len() <= Bookmarks::MOST && bookmarks.windows(2).all(|two| two[0].key() < two[1].key()));
    assert!(bookmarks.iter().all(|bookmark| !bookmark.text().contains(char::is_control)));
    for cursor in bookmarks.iter().take(8).map(|bookmark| log.from_recording(bookmark.at)) {
        let _ = [true, false].map(|is_forth| log.bookmark_beside(cursor, is_forth));
    }
    let _ = call_stats(log);
    let _ = log.events_in(..).count();
}
