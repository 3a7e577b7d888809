//! Async calls that another tool wrote down: nobody knows whether they run or wait, and no screen says that one does.

use std::sync::Arc;

use super::replay::{press, serving};
use super::*;
use crate::trace::*;

/// A thread with a call, and so many requests beside it, as an import of async spans has them.
fn imported(requests: u32) -> Log {
    let mut log = Log::new();
    let mut time = 0;
    let mut push = |lane: u32, name: &str, kind: Kind| {
        time += 10_000;
        let thread = Arc::new(Thread { id: ThreadId(lane), name: name.into() });
        let seq = Seq(log.len() as u64);
        log.push(Event { seq, time: Time(time), thread, lane: LaneId(lane), kind });
    };
    let open = |span: u64, parent: Option<u64>, name: &str| Kind::Open {
        span: SpanId(span),
        parent: parent.map(SpanId),
        callsite: Arc::new(Callsite { name: name.into(), target: "app".into(), file: None, line: None }),
        fields: Vec::new(),
    };
    push(1, "main", Kind::LaneOpen { name: "main".into(), kind: LaneKind::Thread });
    push(1, "main", open(1, None, "accept"));
    push(1, "main", Kind::Enter { span: SpanId(1) });
    for number in 2..2 + requests {
        let name = format!("request {number}");
        push(number, &name, Kind::LaneOpen { name: name.as_str().into(), kind: LaneKind::Async });
        let outer = u64::from(number) * 10;
        for (span, parent, call) in [(outer, None, "request"), (outer + 1, Some(outer), "query")] {
            push(number, &name, open(span, parent, call));
            push(number, &name, Kind::Enter { span: SpanId(span) });
            push(number, &name, Kind::Exit { span: SpanId(span) });
        }
    }
    for number in 2..2 + requests {
        push(number, &format!("request {number}"), Kind::Close { span: SpanId(u64::from(number) * 10 + 1) });
    }
    log
}

fn looked_at<T>(requests: u32, test: impl FnOnce(&mut Ui<'_>) -> T) -> T {
    serving(SCREEN, |ui| {
        ui.absorb(|log| {
            *log = imported(requests);
            News::Another
        });
        ui.act(Action::Fit);
        test(ui)
    })
}

#[test]
fn whether_an_imported_async_call_runs_or_waits_is_unknown_on_every_screen() {
    looked_at(2, |ui| {
        let shown = text(ui);
        insta::assert_snapshot!(shown);
        assert!(!shown.contains("WAITING") && !shown.contains('╌'), "{shown}");
        press(ui, "home f f f");
        assert!(!text(ui).contains("WAITING"), "{}", text(ui));
    });
}

#[test]
fn their_own_time_is_unknown() {
    looked_at(2, |ui| {
        ui.act(Action::Statistics);
        ui.work(|| true);
        let shown = text(ui);
        let row =
            |name: &str| shown.lines().find(|line| line.contains(name) && line.contains("app")).unwrap().to_owned();
        assert!(row(" query").contains("unknown") && !row(" accept").contains("unknown"), "{shown}");
    });
}

#[test]
fn nothing_is_said_to_have_been_waited_for() {
    looked_at(2, |ui| {
        ui.selected = Some(RowId::Lane(LaneId(2)));
        ui.act(Action::CriticalPath);
        ui.work(|| true);
        let shown = text(ui);
        assert!(shown.contains("whether it runs is not known") && shown.contains("unknown 100 %"), "{shown}");
        assert!(!shown.contains("wait"), "{shown}");
    });
}

#[test]
fn many_of_them_are_open_and_neither_busy_nor_waiting() {
    looked_at(7, |ui| {
        let shown = text(ui);
        assert!(shown.contains("7 lanes: 7 open") && shown.contains('?'), "{shown}");
        assert!(!shown.contains('╌') && !shown.contains("0 busy"), "{shown}");
    });
}
