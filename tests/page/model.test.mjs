// The model of an exported page: the state at a cursor, where steps lead, what is found. Recordings are written out by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./module.mjs";

const { Recording, calls, diff, fieldRows, timeText, countText, KIND } = await load("model.js", "format/html");

const WORDS = ["run", "app", "app.rs", "get", "poll", "reason", "blocks", "fd", "AsyncResult.get", "MainThread", "task"];
const word = (text) => WORDS.indexOf(text);
const [RUN, GET, POLL, TASK] = [0, 1, 2, 3];
const [MAIN, HUB, WORKER] = [0, 1, 2];

/** Events as [time, lane, kind, …]: packed as the export does it. */
function recording(events, more = {}) {
    let before = 0;
    const packed = events.map(([time, lane, kind, ...rest]) => {
        const thread = lane === WORKER ? 1 : 0;
        const event = [KIND[kind], time - before, thread, lane, ...rest];
        before = time;
        return event;
    });
    return new Recording({
        title: "a.spanwalk", clock: "program", from: 0, until: before, dropped: 0, whole: packed.length, holds: [],
        threads: [word("MainThread"), word("task")],
        lanes: [["main", 0], ["hub", 0], ["worker-1", 0]],
        sites: [[word("run"), word("app"), word("app.rs"), 3], [word("get"), word("app"), word("app.rs"), 9], [word("poll"), word("app"), word("app.rs"), 12], [word("task"), word("app"), null, null]],
        words: WORDS, gaps: [], steps: [["run", "run", "app", null], ["loop.poll", "poll", "app", null]], pages: [], marks: [], moments: [], listings: [],
        events: packed, ...more,
    });
}

/** main calls get, which gives the thread to the hub; the hub polls; main gets it back. */
const STORY = [
    [0, MAIN, "laneOpen"], // 1
    [0, MAIN, "open", 1, null, RUN, [word("fd"), ["5"]]],
    [10, MAIN, "enter", 1],
    [20, MAIN, "open", 2, 1, GET, [word("reason"), "AsyncResult.get"]], // 4
    [20, MAIN, "enter", 2], // 5
    [25, HUB, "laneOpen"],
    [30, MAIN, "switch", HUB, word("AsyncResult.get")], // 7
    [30, HUB, "open", 3, null, POLL, [word("blocks"), "poll"]],
    [30, HUB, "enter", 3], // 9
    [60, HUB, "exit", 3], // 10
    [60, HUB, "close", 3],
    [60, HUB, "switch", MAIN, null],
    [70, MAIN, "record", 1, [word("fd"), ["6"]]], // 13
    [80, MAIN, "exit", 2], // 14
    [80, MAIN, "close", 2],
    [90, MAIN, "exit", 1], // 16
    [90, MAIN, "close", 1],
    [95, HUB, "laneClose"], // 18
];

const stacks = (of, cursor) => Object.fromEntries([...of.stateAt(cursor).lanes.values()].map((lane) => [of.lanes[lane.id].name, calls(lane).map((frame) => of.siteOf(frame.span).name).join(" ")]));
const words = (of, cursor) => {
    const state = of.stateAt(cursor);
    return Object.fromEntries([...state.lanes.values()].map((lane) => [of.lanes[lane.id].name, of.word(state, lane)]));
};

test("a stack has the calls that were entered and are not over", () => {
    const of = recording(STORY);
    assert.deepEqual(stacks(of, 0), {});
    assert.deepEqual(stacks(of, 4), { main: "run" });
    assert.deepEqual(stacks(of, 9), { main: "run get", hub: "poll" });
    assert.deepEqual(stacks(of, 15), { main: "run", hub: "" });
    // Back again: a state does not depend on what was asked before.
    assert.deepEqual(stacks(of, 4), { main: "run" });
});

test("a lane is said to do what the log says of it", () => {
    const of = recording(STORY);
    assert.deepEqual(words(of, 1), { main: "created, not run" });
    assert.deepEqual(words(of, 5), { main: "RUNNING" });
    assert.deepEqual(words(of, 9), { main: "WAITING for AsyncResult.get", hub: "POLLING" });
    assert.deepEqual(words(of, 12), { main: "RUNNING", hub: "idle" });
    assert.deepEqual(words(of, 18), { main: "idle", hub: "done" });
    const held = recording([...STORY.slice(0, 5), [21, MAIN, "hold", 2, 0, 1], [22, MAIN, "release", 2, 0]]);
    assert.deepEqual(words(held, 6), { main: "PAUSED ON STEP" });
    assert.deepEqual(words(held, 7), { main: "RUNNING" });
});

test("whether async calls of another tool run or wait is not known", () => {
    const lanes = [["main", 0], ["request 1", 2], ["worker-1", 0]];
    const of = recording([[0, HUB, "laneOpen"], [0, HUB, "open", 1, null, TASK, []], [0, HUB, "enter", 1], [0, HUB, "exit", 1], [5, HUB, "close", 1]], { lanes });
    assert.deepEqual(words(of, 4), { "request 1": "unknown" });
    assert.deepEqual(words(of, 5), { "request 1": "idle" });
    assert.deepEqual(of.lanes[HUB].runs, []);
});

test("steps go to where calls begin and end, over to the end of this call, out to that around it", () => {
    const of = recording(STORY);
    assert.deepEqual(of.stops, [3, 5, 9, 10, 14, 16]);
    assert.deepEqual([of.into(0), of.into(3), of.back(9), of.back(3)], [3, 5, 5, 0]);
    assert.equal(of.into(16), of.length);
    assert.deepEqual([of.over(3), of.over(5), of.over(9), of.over(10)], [16, 14, 10, 14]);
    assert.equal(of.out(5), 16);
    assert.match(of.out(9), /nothing is around poll/);
    const cut = recording(STORY.slice(0, 9));
    assert.match(cut.over(5), /get does not end/);
    assert.match(cut.out(5), /run, around it, does not end/);
});

test("we are in the call entered last, or around what happened last, or in the poll at the end", () => {
    const of = recording(STORY);
    assert.deepEqual([of.here(of.stateAt(0)), of.here(of.stateAt(5)), of.here(of.stateAt(9)), of.here(of.stateAt(15))], [null, 2, 3, 1]);
    // The worker enters a call while main is in its own; main's ends.
    const both = recording([...STORY.slice(0, 5), [21, WORKER, "laneOpen"], [21, WORKER, "open", 7, null, TASK, []], [22, WORKER, "enter", 7], [23, MAIN, "exit", 2], [23, MAIN, "close", 2]]);
    assert.deepEqual([both.here(both.stateAt(8)), both.over(5), both.here(both.stateAt(9))], [7, 9, 2]);
    assert.equal(of.stepAround(2).id, "run");
    assert.equal(of.stepAround(3).id, "loop.poll");
});

test("what a lane had of its thread is its busy time, and blocking is none", () => {
    const of = recording(STORY);
    assert.deepEqual(of.lanes[MAIN].runs, [[10, 30], [60, 90]]);
    assert.deepEqual(of.lanes[HUB].runs, []);
    assert.deepEqual(of.lanes.map((lane) => lane.rows.map((row) => row.map((span) => span.id))), [[[1], [2]], [[3]], []]);
    assert.deepEqual(of.flows.map(({ time, from, to }) => [time, from, to]), [[30, MAIN, HUB], [60, HUB, MAIN]]);
});

test("a comparison says what was added, kept and removed, and another call of the same function is kept", () => {
    const of = recording([...STORY, [100, MAIN, "open", 9, null, RUN, []], [100, MAIN, "enter", 9]]);
    const at = (cursor) => structuredClone(of.stateAt(cursor));
    const of_main = (earlier, later) => diff(of, earlier, later)[0].frames.map(({ span, change }) => `${change} ${of.siteOf(span).name}`);
    assert.deepEqual(of_main(null, at(9)), ["kept get", "kept run"]);
    assert.deepEqual(of_main(at(3), at(9)), ["added get", "kept run"]);
    assert.deepEqual(of_main(at(9), at(15)), ["removed get", "kept run"]);
    assert.deepEqual(of_main(at(3), at(20)), ["kept run"]);
    assert.equal(diff(of, at(3), at(9))[1].isNew, true);
});

test("fields have their last four values in the order in which they came", () => {
    const of = recording([...STORY.slice(0, 3), ...[1, 2, 3, 4, 5].map((value) => [12, MAIN, "record", 1, [word("fd"), [`${value}`]]])]);
    const { fields } = of.stateAt(of.length).lanes.get(MAIN).stack[0];
    assert.deepEqual(fieldRows(fields), [["fd", "2 → 3 → 4 → 5"]]);
});

test("a search has the words of the screens", () => {
    const of = recording(STORY);
    const found = (query) => {
        const spans = of.search(query);
        return typeof spans === "string" ? spans : spans.map((span) => span.id);
    };
    assert.deepEqual(found("name:get"), [2]);
    assert.deepEqual(found("GET"), [2]);
    assert.deepEqual(found("lane:hub"), [3]);
    assert.deepEqual(found("field.fd:6"), [1]);
    assert.deepEqual(found("dur>50ns"), [1, 2]);
    assert.deepEqual(found("app !lane:hub -name:run"), [2]);
    assert.deepEqual(found("open:"), []);
    assert.deepEqual(found(""), []);
    assert.match(found("dur>fast"), /write a time/);
    assert.match(found("colour:red"), /ask for/);
});

test("places of the whole log become those of an excerpt", () => {
    // Of the whole log the excerpt has events 0 to 4 and from 10 on.
    const claim = { outcomes: [[3, "not run", "", []], [12, "holds", "so", [12]]] };
    const of = recording(STORY, { gaps: [[5, 10]], marks: [[11, "loop starts"]], pages: [{ claims: [claim] }], from: 30 });
    assert.deepEqual([of.cursorOfSeq(4), of.cursorOfSeq(7), of.cursorOfSeq(11)], [4, 5, 6]);
    assert.equal(of.first, 6);
    assert.deepEqual(of.marks, [{ cursor: 6, word: "loop starts" }]);
    const [{ claims: [told] }] = of.pages;
    assert.deepEqual([2, 3, 6, 7].map((cursor) => of.outcome(told, cursor).word), ["not run", "not run", "not run", "holds"]);
    assert.deepEqual(of.outcome(told, 9).events, [{ number: 12, cursor: 7 }]);
});

test("a lane from which a call that is not in the excerpt took the thread is not said to run", () => {
    // The hub is not in; main goes on to be entered while the hub has its thread.
    const of = recording([...STORY.slice(0, 5), [30, null, "takes", 3], [60, null, "gives", 3], [70, MAIN, "exit", 2], [75, MAIN, "takes", 4, "poll"], [80, MAIN, "gives", 4]]);
    assert.deepEqual([5, 6, 7, 9, 10].map((cursor) => words(of, cursor).main), ["RUNNING", "WAITING for AsyncResult.get", "RUNNING", "POLLING", "RUNNING"]);
    assert.deepEqual(of.lanes[MAIN].runs, [[10, 30], [60, 75]]);
});

test("a state far into a long recording is that of every event before it", () => {
    const events = [[0, MAIN, "laneOpen"], [0, MAIN, "open", 1, null, RUN, []], [0, MAIN, "enter", 1]];
    for (let at = 0; at < 3000; at++) {
        const id = at + 2;
        events.push([at, MAIN, "open", id, 1, GET, []], [at, MAIN, "enter", id], [at, MAIN, "exit", id], [at, MAIN, "close", id]);
    }
    const of = recording(events);
    for (const cursor of [11_000, 5, 1024, 1025, 8191, 3, 12_003]) {
        const isIn = cursor > 4 && [2, 3].includes((cursor - 3) % 4);
        assert.deepEqual(stacks(of, cursor), { main: isIn ? "run get" : "run" }, `${cursor}`);
    }
});

test("times and counts read as on the screens", () => {
    assert.deepEqual([740, 12_300, 1_900_000, 2_500_000_000].map(timeText), ["740 ns", "12.3 µs", "1.90 ms", "2.50 s"]);
    assert.deepEqual([5, 1234, 1234567].map(countText), ["5", "1,234", "1,234,567"]);
});
