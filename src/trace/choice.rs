//! Which lanes a screen has room for.
//!
//! ```text
//!   main                     lanes that are alone, in the order in which they came to be
//!   hub
//!   ▾ worker-*               a group that is open: its lanes follow
//!     worker-1
//!     worker-2
//!   ▸ conn-*   500 lanes     a group that is folded: one line, and the lanes where we are
//!     conn-207
//! ```
//!
//! Thousands of lanes may have come and gone. Those that are alive are known from the state; of those that are over only
//! the ones are looked at that overlap the window and fit. How many there are is known without a look at them.

use super::{Activity, GroupId, LaneId, Log, State, Time, Window};

/// The lanes to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneChoice {
    /// Those that fit, in the order in which they came to be.
    pub lanes: Vec<LaneId>,
    /// How many there are, those that were skipped and those that do not fit among them.
    pub all: usize,
}

/// A line of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A lane.
    Lane(LaneId),
    /// What many lanes of a kind do together.
    Group {
        /// The group.
        id: GroupId,
        /// How many of its lanes are alive, or overlap the window.
        lanes: usize,
        /// How many of them are alive.
        alive: usize,
        /// How many of them have control of a thread.
        busy: usize,
        /// Its lanes have lines of their own.
        is_open: bool,
    },
}

/// What a screen has room for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The stretch of time.
    pub window: Window,
    /// Which lanes are alive, and at which one it is paused.
    pub state: &'a State,
    /// Lanes that have a line even if their group is folded.
    pub here: &'a [LaneId],
    /// Lanes that go before others where not all fit, if they are few: those that did something in the window.
    pub busy: &'a [LaneId],
    /// Whether a group is open. `None`: if all lanes that there have been of it fit then.
    pub is_open: &'a dyn Fn(GroupId) -> Option<bool>,
    /// How many lines are scrolled away.
    pub skip: usize,
    /// How many lines fit.
    pub room: usize,
}

/// The lines to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChoice {
    /// Those that fit.
    pub lines: Vec<Line>,
    /// How many there are, those that were skipped and those that do not fit among them.
    pub all: usize,
}

/// Some lanes of which those are wanted that are alive or overlap a window.
struct Pool {
    /// Places of those alive, in order.
    alive: Vec<usize>,
    /// Over by now, and not yet when the window begins.
    before: Vec<usize>,
    /// Both.
    apart: Vec<usize>,
    /// The stretch of the places of all that came to be in the window.
    within: std::ops::Range<usize>,
    /// The first place of that stretch, and the last.
    edges: Option<(usize, usize)>,
    count: usize,
}

/// Places of lanes among all.
#[derive(Clone, Copy)]
enum Places<'a> {
    All(usize),
    These(&'a [u32]),
}

impl Places<'_> {
    fn len(self) -> usize {
        match self {
            Self::All(count) => count,
            Self::These(places) => places.len(),
        }
    }

    fn get(self, at: usize) -> usize {
        match self {
            Self::All(_) => at,
            Self::These(places) => places[at] as usize,
        }
    }

    /// How many of the first `end` something holds for.
    fn partition(self, end: usize, holds: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low.midpoint(high);
            if holds(self.get(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

impl Pool {
    fn new(
        log: &Log,
        places: Places<'_>,
        alive: Vec<usize>,
        mut before: Vec<usize>,
        window: Window,
        cursor: usize,
    ) -> Self {
        let (all, clock) = (log.lanes(), log.clock());
        let opened = |at: usize| clock.program(all[at].open.1);
        let end = places.partition(places.len(), |at| all[at].open.0.0 < cursor as u64 && opened(at) <= window.to);
        let begin = places.partition(end, |at| opened(at) < window.from);
        let edges = (begin < end).then(|| (places.get(begin), places.get(end - 1)));
        let is_within = |at: usize| edges.is_some_and(|(first, last)| (first..=last).contains(&at));
        // Of a state in the past they may be alive.
        let is_alive = |at: &usize| alive.binary_search(at).is_ok();
        before.retain(|at| all[*at].is_over(cursor) && opened(*at) < window.from && !is_within(*at) && !is_alive(at));
        let over = (end - begin) - alive.iter().filter(|at| is_within(**at)).count();
        let count = alive.len() + before.len() + over;
        let mut apart: Vec<usize> = alive.iter().chain(&before).copied().filter(|at| !is_within(*at)).collect();
        apart.sort_unstable();
        Self { alive, before, apart, within: begin..end, edges, count }
    }

    /// So many, after some, in the order in which they came to be. What is skipped is not looked at.
    fn in_order(&self, places: Places<'_>, skip: usize, at_most: usize) -> Vec<usize> {
        let first = self.edges.map_or(usize::MAX, |edges| edges.0);
        let earlier = self.apart.partition_point(|at| *at < first);
        let get = |at: usize| match at.checked_sub(earlier) {
            None => self.apart[at],
            Some(at) if at < self.within.len() => places.get(self.within.start + at),
            Some(at) => self.apart[earlier + at - self.within.len()],
        };
        (skip.min(self.count)..skip.saturating_add(at_most).min(self.count)).map(get).collect()
    }

    /// Those that matter most: where we are and who does something, then those that are alive.
    fn first(&self, places: Places<'_>, here: &[usize], room: usize) -> Vec<usize> {
        if self.count <= room {
            return self.in_order(places, 0, room);
        }
        let is_alive = |at: &usize| self.alive.binary_search(at).is_ok();
        let is_within = |at: &usize| self.edges.is_some_and(|(first, last)| (first..=last).contains(at));
        let mut seen = std::collections::HashSet::new();
        let mine = here.iter().copied().filter(|at| is_alive(at) || is_within(at) || self.before.contains(at));
        let here: Vec<usize> = mine.filter(|at| seen.insert(*at)).take(room).collect();
        let others = self.alive.iter().copied();
        let over = self.before.iter().copied();
        let over = over.chain(self.within.clone().map(|at| places.get(at)).filter(|at| !is_alive(at)));
        let rest = others.chain(over).filter(|at| !seen.contains(at));
        let mut chosen: Vec<usize> = here.iter().copied().chain(rest).take(room).collect();
        chosen.sort_unstable();
        chosen
    }
}

impl Log {
    /// How many lanes had come to be among the first `cursor` events.
    #[must_use]
    pub fn lane_count(&self, cursor: usize) -> usize {
        self.lanes().partition_point(|lane| lane.open.0.0 < cursor as u64)
    }

    /// The lanes that are alive in a state, and those that are over and overlap a window: so many of them as there is room
    /// for, after `skip`. If they do not fit, one row is left for a remark, and without a skip the lane at which the state
    /// is paused and those that are alive go first.
    #[must_use]
    pub fn lanes_in(&self, window: Window, state: &State, cursor: usize, skip: usize, room: usize) -> LaneChoice {
        let all = self.lanes();
        let places = Places::All(all.len());
        let pool = Pool::new(self, places, self.alive(state), self.open_at(window.from, cursor), window, cursor);
        let skip = skip.min(pool.count.saturating_sub(1));
        let chosen: Vec<usize> = if pool.count - skip <= room {
            pool.in_order(places, skip, room)
        } else if skip > 0 {
            pool.in_order(places, skip, room.saturating_sub(1))
        } else {
            let here = state.paused().and_then(|stop| self.index().lanes.place(stop.lane));
            pool.first(places, here.as_slice(), room.saturating_sub(1))
        };
        LaneChoice { lanes: chosen.into_iter().map(|at| all[at].id).collect(), all: pool.count }
    }

    /// Places of the lanes that are alive in a state.
    fn alive(&self, state: &State) -> Vec<usize> {
        let alive = state.lanes().iter().filter(|lane| !lane.is_done);
        let mut alive: Vec<usize> = alive.filter_map(|lane| self.index().lanes.place(lane.id)).collect();
        alive.sort_unstable();
        alive
    }

    /// Places of the lanes that were alive when a window began.
    fn open_at(&self, from: Time, cursor: usize) -> Vec<usize> {
        let from = self.clock().raw(from).0.checked_sub(1).map_or(0, |before| self.cursor_at_raw(Time(before)));
        let then = self.outline_at(from.min(cursor) as u64);
        let mut before: Vec<usize> = then.lanes.iter().filter_map(|lane| self.index().lanes.place(lane.id)).collect();
        before.sort_unstable();
        before
    }

    /// The lines that there is room for: the lanes that are in no group, then every group with its lanes, as far as they
    /// are alive or overlap the window. If not all fit, one row is left for a remark, and without a skip every group and what
    /// matters most of the rest has a line.
    #[must_use]
    pub fn lines_in(&self, wanted: &Wanted<'_>) -> LineChoice {
        let (lanes, window, cursor) = (&self.index().lanes, wanted.window, self.len());
        let place = |id: LaneId| lanes.place(id);
        // Those in no group first, then group by group.
        let groups: Vec<_> = lanes.groups().collect();
        let mut alive: Vec<Vec<usize>> = vec![Vec::new(); groups.len() + 1];
        let mut before = alive.clone();
        let mut busy = vec![0; groups.len()];
        let number =
            |at: usize| lanes.group_of(at).and_then(|group| groups.binary_search_by_key(&group.id, |of| of.id).ok());
        for lane in wanted.state.lanes().iter().filter(|lane| !lane.is_done) {
            let Some(at) = place(lane.id) else { continue };
            alive[number(at).map_or(0, |number| number + 1)].push(at);
        }
        let mut running: Vec<LaneId> = wanted.state.in_control().map(|control| control.1).collect();
        running.sort_unstable();
        running.dedup();
        running
            .retain(|id| wanted.state.lane(*id).is_some_and(|lane| wanted.state.activity(lane) == Activity::Running));
        for number in running.into_iter().filter_map(place).filter_map(number) {
            busy[number] += 1;
        }
        alive.iter_mut().for_each(|places| places.sort_unstable());
        for at in self.open_at(window.from, cursor) {
            before[number(at).map_or(0, |number| number + 1)].push(at);
        }
        let here: Vec<usize> = wanted.here.iter().filter_map(|lane| place(*lane)).collect();
        let all_places: Vec<Places<'_>> = std::iter::once(Places::These(lanes.loose()))
            .chain(groups.iter().map(|group| Places::These(&group.members)))
            .collect();
        let pools: Vec<Pool> = all_places
            .iter()
            .zip(alive.into_iter().zip(before))
            .map(|(places, (alive, before))| Pool::new(self, *places, alive, before, window, cursor))
            .collect();
        let lane = |at: usize| Line::Lane(self.lanes()[at].id);
        let head = |number: usize, is_open: bool| {
            let pool = &pools[number + 1];
            let (lanes, alive) = (pool.count, pool.alive.len());
            Line::Group { id: groups[number].id, lanes, alive, busy: busy[number], is_open }
        };
        let of_here = |group: usize| {
            let mut here: Vec<usize> = here.iter().copied().filter(|at| number(*at) == Some(group)).collect();
            here.sort_unstable();
            here.dedup();
            here
        };
        let count = |group: usize| pools[group + 1].count;
        let asked: Vec<(usize, Option<bool>, Vec<usize>)> = (0..groups.len())
            .map(|group| (group, (wanted.is_open)(groups[group].id), of_here(group)))
            .filter(|entry| count(entry.0) > 0 || !entry.2.is_empty())
            .collect();
        let unfolded = asked.iter().map(|(group, is_open, here)| match is_open {
            // With all that there have been: so it does not fold and unfold as the window moves.
            None => 1 + groups[*group].count(),
            Some(true) => 1 + count(*group),
            Some(false) => 1 + here.len(),
        });
        let fits = pools[0].count + unfolded.sum::<usize>() <= wanted.room;
        let seen: Vec<(usize, bool, Vec<usize>)> =
            asked.into_iter().map(|(group, is_open, here)| (group, is_open.unwrap_or(fits), here)).collect();
        let inner = |entry: &(usize, bool, Vec<usize>)| if entry.1 { pools[entry.0 + 1].count } else { entry.2.len() };
        let all = pools[0].count + seen.iter().map(|entry| 1 + inner(entry)).sum::<usize>();
        let skip = wanted.skip.min(all.saturating_sub(1));
        let room = wanted.room;
        let mut lines = Vec::new();
        if skip > 0 || all <= room {
            let fits = if all - skip <= room { room } else { room.saturating_sub(1) };
            let (mut skip, mut left) = (skip, fits);
            // How many of a part are skipped, and how many are taken.
            let mut part = |count: usize| {
                let skipped = skip.min(count);
                let taken = left.min(count - skipped);
                (skip, left) = (skip - skipped, left - taken);
                (skipped, taken)
            };
            let (from, taken) = part(pools[0].count);
            lines.extend(pools[0].in_order(all_places[0], from, taken).into_iter().map(lane));
            for entry in &seen {
                if part(1).1 == 1 {
                    lines.push(head(entry.0, entry.1));
                }
                let (from, taken) = part(inner(entry));
                if entry.1 {
                    let pool = &pools[entry.0 + 1];
                    lines.extend(pool.in_order(all_places[entry.0 + 1], from, taken).into_iter().map(lane));
                } else {
                    lines.extend(entry.2.iter().copied().skip(from).take(taken).map(lane));
                }
            }
        } else {
            let room = room.saturating_sub(1);
            // Every group has its line, and where we are has one; half of the room at the most.
            let folded: usize = seen.iter().map(|entry| 1 + entry.2.len()).sum();
            let loose = pools[0].count.min(room - folded.min(room / 2));
            // Of one kind each: a stretch of places may have lanes of others in it. Those that do something, if there are few:
            // some of many would be any.
            let first = |group: Option<usize>, here: &[usize], room: usize| {
                let is_it = |at: &usize| number(*at) == group;
                let mut first: Vec<usize> = here.iter().copied().filter(is_it).collect();
                let mut busy: Vec<usize> = wanted.busy.iter().filter_map(|lane| place(*lane)).filter(is_it).collect();
                busy.sort_unstable();
                busy.dedup();
                if busy.len() <= room {
                    first.append(&mut busy);
                }
                first
            };
            lines.extend(pools[0].first(all_places[0], &first(None, &here, loose), loose).into_iter().map(lane));
            let mut left = room - lines.len();
            let mut owed: usize = folded;
            for entry in &seen {
                if left == 0 {
                    break;
                }
                owed -= 1 + entry.2.len();
                lines.push(head(entry.0, entry.1));
                left -= 1;
                let room = left.saturating_sub(owed).max(entry.2.len()).min(left);
                let chosen = if entry.1 {
                    pools[entry.0 + 1].first(all_places[entry.0 + 1], &first(Some(entry.0), &entry.2, room), room)
                } else {
                    entry.2.iter().copied().take(room).collect()
                };
                left -= chosen.len();
                lines.extend(chosen.into_iter().map(lane));
            }
        }
        LineChoice { lines, all }
    }
}
