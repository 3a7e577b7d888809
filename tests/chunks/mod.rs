//! Events into chunks, as a recorder makes them.

use spanwalk::trace::{Chunk, Event, Packer, State};

/// Packs events into chunks of so many each, every one with what was open before it.
pub fn pack(events: &[Event], each: usize) -> Vec<Chunk> {
    let (mut state, mut packer) = (State::default(), Packer::default());
    let runs = events.chunks(each).map(|run| {
        packer.begin(run[0].seq);
        state.open_set().iter().for_each(|event| packer.event(event));
        packer.begin_events();
        for event in run {
            packer.event(event);
            state.apply(event);
        }
        packer.chunk()
    });
    runs.collect()
}
