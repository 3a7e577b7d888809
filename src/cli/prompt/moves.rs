//! Steps: of a program that is held, through its gate; of a recording, along the beginnings and ends of its calls.

use std::time::{Duration, Instant};

use super::{Answer, Arrival, LOOK, Lines, PATIENCE, Prompt};
use crate::trace::{Command, Event, Key, Kind, LaneId, Run, SpanId, StepError, Target};
use crate::tui::{Clients, Resolver, SCENES, Scene};

/// Events that are looked at together, backwards.
const BLOCK: usize = 512;

impl Prompt<'_> {
    pub(super) fn step(&mut self) -> Answer {
        if self.is_recording {
            return self.move_to_edge(|_, _, _| true);
        }
        self.command(Command::Into)
    }

    pub(super) fn over(&mut self) -> Answer {
        if !self.is_recording {
            return self.command(Command::Over);
        }
        match self.edge() {
            Some((Event { kind: Kind::Enter { span }, .. }, _)) => self.move_to_end(span),
            Some((event, depth)) => self.move_to_edge(move |_, other, at| other.lane == event.lane && at <= depth),
            None => self.step(),
        }
    }

    pub(super) fn out(&mut self) -> Answer {
        if !self.is_recording {
            return self.command(Command::Out);
        }
        let (event, _) = self.edge().ok_or("nothing has begun yet: step goes on")?;
        let around = event.kind.span().and_then(|span| self.log.span(span)?.parent);
        match around {
            Some(around) => self.move_to_end(around),
            None => Err("there is no call around this one; step goes on".to_owned()),
        }
    }

    pub(super) fn next_lane(&mut self) -> Answer {
        if !self.is_recording {
            return self.command(Command::NextLane);
        }
        let lane = self.edge().map(|(event, _)| event.lane);
        self.move_to_edge(move |_, event, _| Some(event.lane) != lane)
    }

    pub(super) fn run_to(&mut self, text: &str) -> Answer {
        let key = |prompt: &Self, id: &str| {
            prompt.chain.key(id).cloned().ok_or_else(|| format!("these lessons have no step {id}"))
        };
        let target = match text {
            "" => return Err("say to where: a step such as run-to spawn, or loop, or serves".to_owned()),
            "loop" => Target::Call(key(self, "hub.run")?),
            "serves" => {
                let (first, call) = (key(self, "start_accepting")?, key(self, "loop.poll")?);
                if self.log.has_entered(&first) { Target::Call(call) } else { Target::After { first, call } }
            }
            _ => match text.split_once(char::is_whitespace) {
                Some(("call", name)) => Target::Name(name.trim().to_owned()),
                _ => Target::Call(self.chain.steps()[self.step_called(text)?].key.clone()),
            },
        };
        let marks = self.marks();
        let has_been = |mark: Option<usize>| mark.is_some_and(|mark| mark <= self.cursor());
        if (text == "loop" && has_been(marks.loop_starts)) || (text == "serves" && has_been(marks.loop_serves)) {
            return Err(format!("that was already; goto {text} looks at it"));
        }
        if !self.is_recording {
            return self.command(Command::RunTo(target));
        }
        if text == "serves" {
            return self.go_to("serves");
        }
        self.move_to_edge(move |prompt, event, _| {
            let Kind::Enter { span } = event.kind else { return false };
            let called = prompt.log.span(span).map(|span| span.callsite);
            called.is_some_and(|called| match &target {
                Target::Call(key) | Target::After { call: key, .. } => key.matches(&called),
                Target::Name(name) => *called.name == **name,
            })
        })
    }

    pub(super) fn go_on(&mut self, text: &str) -> Answer {
        match text {
            "" => {}
            "back" => return self.move_to_hit(false),
            _ => return Err(format!("`{text}` is not `back`")),
        }
        if self.is_recording && self.breaks.is_any_on() {
            return self.move_to_hit(true);
        }
        if self.is_recording {
            self.cursor = Some(self.log.len());
            return Ok(self.tell());
        }
        self.command(Command::Continue)
    }

    pub(super) fn pause(&mut self) -> Answer {
        if self.is_recording {
            return Err("this is a recording: it stands still anyway".to_owned());
        }
        self.command(Command::Pause)
    }

    pub(super) fn wait(&mut self) -> Answer {
        if self.is_recording {
            self.read_on();
            return Ok(self.whereabouts());
        }
        let arrival = self.settle();
        Ok(self.arrived(arrival))
    }

    /// Asks the gate, and waits for what comes of it. Steps begin where the program stands.
    fn command(&mut self, command: Command) -> Answer {
        if self.attend().detached {
            return Err("the program is not held any more and runs on its own; restart starts it again".to_owned());
        }
        self.cursor = None;
        let is_free = command == Command::Continue;
        self.told = self.log.len();
        self.program.command(command);
        if is_free {
            let on_its_own = "The program runs on its own. pause holds it again, client lets somebody call it.";
            self.is_on_its_own = !self.breaks.is_any_on();
            if self.breaks.is_any_on() {
                // To the next breakpoint, if one is near.
                let arrival = self.settle();
                if arrival == Arrival::Stopped {
                    return Ok(self.arrived(arrival));
                }
                self.is_on_its_own = true;
                return Ok(vec![format!("No breakpoint is met so far. {on_its_own}")]);
            }
            self.attend();
            return Ok(vec![on_its_own.to_owned()]);
        }
        let arrival = self.settle();
        Ok(self.arrived(arrival))
    }

    /// What is said of an arrival.
    fn arrived(&mut self, arrival: Arrival) -> Lines {
        let mut lines = self.tell();
        let text = match arrival {
            Arrival::Stopped => return lines,
            Arrival::Waiting => {
                "Nothing to step: the loop waits until something arrives. client get sends a request.".to_owned()
            }
            Arrival::Over => "The program has ended. goto looks back, restart starts it again.".to_owned(),
            Arrival::Free => "The program runs on its own; nobody is held.".to_owned(),
            Arrival::NotYet => "No stop has come yet. wait waits on.".to_owned(),
        };
        lines.push(text);
        lines
    }

    pub(super) fn client(&mut self, text: &str) -> Answer {
        if let Clients::Impossible(why) = self.program.clients() {
            return Err(why.to_owned());
        }
        let name = |scene: &str| scene.to_lowercase().replace(' ', "-");
        // A number is one of the list.
        let numbered = text.parse::<usize>().ok().and_then(|number| SCENES.get(number.checked_sub(1)?));
        let wanted = numbered.map_or_else(|| name(text), |row| name(row.name));
        if wanted.is_empty() {
            let rows = SCENES.iter().map(|row| format!("client {}: {}.", name(row.name), row.doc));
            return Ok(rows.collect());
        }
        let found: Vec<_> = SCENES.iter().filter(|row| name(row.name).starts_with(&wanted)).collect();
        let [row] = found[..] else {
            let names: Vec<String> = SCENES.iter().map(|row| name(row.name)).collect();
            return Err(format!("`{text}` is none of {}", names.join(", ")));
        };
        if row.needs_somebody && self.program.clients() == Clients::Connected(0) {
            return Err("nobody is connected; client connect comes first".to_owned());
        }
        self.play(row.scene, row.begun)
    }

    fn play(&mut self, scene: Scene, begun: &str) -> Answer {
        let run = self.attend().run;
        self.cursor = None;
        self.told = self.log.len();
        self.program.send(scene)?;
        let mut lines = vec![super::words::sentence(begun)];
        match run {
            Run::Paused(_) => {
                lines.push("The program is held, so nothing comes of it yet: step, or continue.".to_owned());
            }
            Run::Stepping => {
                let arrival = self.settle();
                lines.extend(self.arrived(arrival));
            }
            Run::Free | Run::Over => {
                // What the client saw is the answer.
                let (began, had) = (Instant::now(), self.notices.len());
                while self.notices.len() == had && began.elapsed() < 2 * PATIENCE {
                    std::thread::sleep(LOOK);
                    self.attend();
                }
                lines.extend(self.notices.drain(had..).map(|notice| super::words::sentence(&notice)));
                if lines.len() == 1 {
                    lines.push("It has not come to its end yet; what it meets is said with another answer.".to_owned());
                }
            }
        }
        Ok(lines)
    }

    /// Asks the server to stop. It is held on its way down as on its way up.
    pub(super) fn stop(&mut self) -> Answer {
        let run = self.attend().run;
        self.program.stop()?;
        self.cursor = None;
        self.told = self.log.len();
        let mut lines = vec!["The server is asked to stop.".to_owned()];
        match run {
            Run::Paused(_) => lines.push("It is held, so nothing comes of it yet: step, or continue.".to_owned()),
            Run::Stepping | Run::Free | Run::Over => {
                let arrival = self.settle();
                lines.extend(self.arrived(arrival));
            }
        }
        Ok(lines)
    }

    pub(super) fn restart(&mut self, text: &str) -> Answer {
        if self.is_recording {
            return Err(
                "this is a recording: there is nothing to start again; goto 0% goes to its beginning".to_owned()
            );
        }
        let mut wanted = self.program.started_with();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            match (word, words.clone().next()) {
                ("thread", _) => wanted.resolver = Resolver::Thread,
                ("block", _) => wanted.resolver = Resolver::Block,
                ("slow", Some(time)) => {
                    let parsed = humantime::parse_duration(time);
                    let time: Duration = parsed.map_err(|_| format!("`{time}` is no duration, such as 300ms or 2s"))?;
                    wanted.slow_dns = (!time.is_zero()).then_some(time);
                    words.next();
                }
                _ => return Err(format!("`{word}` is none of thread, block, slow DURATION")),
            }
        }
        self.may_leave("restart")?;
        self.program.restart(wanted)?;
        self.warned = false;
        let before = self.log.len();
        let began = Instant::now();
        // It is another log then, which is shorter.
        while self.log.len() >= before && began.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
            self.attend();
        }
        let arrival = self.settle();
        let mut lines = vec!["The server was started again and is held at its first call.".to_owned()];
        lines.extend(self.arrived(arrival));
        Ok(lines)
    }

    /// Looks one beginning or end of a call back, or forth.
    pub(super) fn look(&mut self, is_forth: bool) -> Answer {
        if is_forth {
            if self.cursor() >= self.log.len() {
                return Err("this is the end of what has happened".to_owned());
            }
            return self.move_to_edge(|_, _, _| true);
        }
        let mut at = self.cursor();
        if at == 0 {
            return Err("this is the beginning".to_owned());
        }
        let mut found = 0;
        // The event before the cursor is where we are.
        while at > 1 && found == 0 {
            let end = at - 1;
            let begin = end.saturating_sub(BLOCK);
            let edges = (begin..end).zip(self.log.events_in(begin..end)).filter(|(_, event)| self.is_edge(event));
            found = edges.last().map_or(0, |(place, _)| place + 1);
            at = begin + 1;
        }
        self.cursor = Some(found);
        (self.told, self.is_page_here) = (found, false);
        Ok(self.whereabouts())
    }

    /// Puts the cursor behind the next beginning or end of a call, in a lane at a depth, that is the right one.
    fn move_to_edge(&mut self, is_it: impl Fn(&Self, &Event, usize) -> bool) -> Answer {
        let from = self.cursor();
        if self.is_recording {
            self.read_on();
        }
        let is_right = |event: &Event| {
            let depth = event.kind.span().and_then(|span| self.log.span(span)).map_or(0, |span| span.depth);
            self.is_edge(event) && is_it(self, event, depth)
        };
        let found = self.log.events_in(from..).position(|event| is_right(&event));
        match found {
            Some(found) => {
                let at = from + found + 1;
                // Looking back is over where the program stands.
                self.cursor = (self.is_recording || at < self.log.len()).then_some(at);
                Ok(self.tell())
            }
            None if self.is_recording => Err("nothing of this kind comes until the end of the recording".to_owned()),
            None => {
                self.cursor = None;
                Ok(self.tell())
            }
        }
    }

    /// Puts the cursor behind the end of a call.
    fn move_to_end(&mut self, span: SpanId) -> Answer {
        let record = self.log.span(span).ok_or("that call is not known")?;
        let Some((close, _)) = record.close else {
            return Err(format!("the call {} does not end in this recording; step goes on", record.callsite.name));
        };
        self.cursor = Some(close.0 as usize + 1);
        Ok(self.tell())
    }

    /// The beginning or end of a call that the cursor is behind, with the call's depth.
    fn edge(&self) -> Option<(Event, usize)> {
        let event = self.log.event(self.cursor().checked_sub(1)?).filter(|event| self.is_edge(event))?;
        let depth = event.kind.span().and_then(|span| self.log.span(span)).map_or(0, |span| span.depth);
        Some((event, depth))
    }

    /// Whether a call begins to run in an event, or is over.
    pub(super) fn is_edge(&self, event: &Event) -> bool {
        let span = |span: SpanId| self.log.span(span);
        match event.kind {
            Kind::Enter { span: id } => span(id).is_some_and(|span| span.entered == Some(event.time)),
            Kind::Close { span: id } => span(id).is_some_and(|span| span.entered.is_some()),
            _ => false,
        }
    }

    /// The step that a text names, by its place in the chain: its number, its id, or the end of an id that no other has.
    pub(super) fn step_called(&self, text: &str) -> Result<usize, String> {
        self.chain.called(text).map_err(|error| match error {
            StepError::Several(..) => error.to_string(),
            StepError::Number(..) | StepError::Name(_) => format!("{error}; steps lists them"),
        })
    }

    /// The lane that a text names or is the beginning or the end of, the newest of that name.
    pub(super) fn lane_called(&self, text: &str) -> Result<LaneId, String> {
        let lanes = self.log.lanes();
        let exact = lanes.iter().rev().find(|lane| &*lane.name == text);
        let begin = || lanes.iter().rev().find(|lane| lane.name.starts_with(text));
        let end = || lanes.iter().rev().find(|lane| lane.name.ends_with(text));
        let found = exact.or_else(begin).or_else(end);
        found.map(|lane| lane.id).ok_or_else(|| {
            let mut names: Vec<&str> = lanes.iter().rev().take(8).map(|lane| &*lane.name).collect();
            names.reverse();
            format!("no lane is called `{text}`; there are {}", names.join(", "))
        })
    }

    /// The key of a documented call.
    pub(super) fn key(&self, step: usize) -> &Key {
        &self.chain.steps()[step].key
    }
}
