// The recording: what is open, who runs and what is found, as a function of (events, cursor). No page, no clock.
//
// A cursor is a number of events: those before it have happened. The events are packed as `data.rs` says.

export const KIND = {
    laneOpen: 0, laneClose: 1, open: 2, enter: 3, exit: 4, close: 5, record: 6, note: 7, switch: 8, wake: 9, hold: 10,
    release: 11, dropped: 12, takes: 13, gives: 14,
};
const K = KIND;
/** On a thread, polled by the loop, or written down by another tool, which does not say when it ran. */
export const LANE = { thread: 0, task: 1, async: 2 };
/** Values of a field that are remembered: what it is, and how it came to be so. */
const REMEMBERED = 4;
/** Lanes that are over and still listed. */
const LATELY_DONE = 32;
/** Events between two states that are kept. */
const APART = 1024;

export class Recording {
    constructor(data) {
        this.title = data.title || "a recording";
        this.clock = data.clock;
        this.whole = data.whole;
        this.dropped = data.dropped;
        this.holds = data.holds;
        const word = (number) => (number === null ? null : data.words[number]);
        this.threads = data.threads.map(word);
        this.lanes = data.lanes.map(([name, kind], id) => ({ id, name, kind, open: null, close: null, runs: [], rows: [] }));
        this.sites = data.sites.map(([name, target, file, line]) => ({ name: word(name), target: word(target), file: word(file), line }));
        this.events = data.events;
        this.length = data.events.length;
        this.words = data.words;
        this.number(data.gaps);
        this.read();
        this.tell(data);
        // An excerpt has what its spans need from before it; its own begin is where one begins to look.
        this.first = this.countUntil((at) => this.times[at] < data.from && data.from > 0);
        this.from = Math.max(data.from, 0);
        this.until = Math.max(data.until, this.from + 1);
        this.kept = new Map();
    }

    /** The log's own number of each event. */
    number(gaps) {
        this.seqs = new Float64Array(this.length);
        let [next, gap] = [0, 0];
        for (let at = 0; at < this.length; at++) {
            if (gap < gaps.length && gaps[gap][0] === at) next = gaps[gap++][1];
            this.seqs[at] = next++;
        }
    }

    /** How many of the first events something holds for, which holds for none behind. */
    countUntil(holds) {
        let [low, high] = [0, this.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            if (holds(middle)) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /** The cursor here for a cursor of the whole log. */
    cursorOfSeq(cursor) {
        return this.countUntil((at) => this.seqs[at] < cursor);
    }

    /** The cursor behind everything that had happened at a time. */
    cursorAt(time) {
        return Math.max(this.first, this.countUntil((at) => this.reached[at] <= time));
    }

    timeAt(cursor) {
        return cursor === 0 ? this.from : Math.min(Math.max(this.reached[cursor - 1], this.from), this.until);
    }

    /** Fields of an event as [name, text, is it a text]. */
    fields(packed) {
        const fields = [];
        for (let at = 0; at < packed.length; at += 2) {
            const value = packed[at + 1];
            const isText = typeof value === "string";
            fields.push([this.words[packed[at]], isText ? value : value[0], isText]);
        }
        return fields;
    }

    /** One pass: spans with their stretches, when lanes ran, what passed between them, where one stops. */
    read() {
        this.times = new Float64Array(this.length);
        this.reached = new Float64Array(this.length);
        this.spans = new Map();
        this.flows = [];
        this.notes = [];
        this.stops = [];
        const open = this.lanes.map(() => []);
        const threads = new Map();
        const blocking = new Set();
        let [time, reached] = [0, 0];
        const turn = (thread, change) => {
            const has = threads.get(thread) ?? threads.set(thread, { stack: [], since: time }).get(thread);
            const top = has.stack.at(-1);
            if (top && !blocking.has(top[0]) && top[1] !== null && has.since < time) addRun(this.lanes[top[1]].runs, has.since, time);
            has.since = time;
            change(has.stack);
        };
        for (let at = 0; at < this.length; at++) {
            const event = this.events[at];
            const [kind, later, thread, lane, id] = event;
            time += later;
            reached = Math.max(reached, time);
            this.times[at] = time;
            this.reached[at] = reached;
            const span = kind >= K.enter && kind <= K.record ? this.spans.get(id) : undefined;
            if (kind === K.laneOpen) {
                if (lane !== null) this.lanes[lane].open ??= time;
            } else if (kind === K.laneClose) {
                if (lane !== null) this.lanes[lane].close = time;
            } else if (kind === K.open && lane !== null) {
                const fields = this.fields(event[7]);
                const depth = open[lane].length;
                const made = { id, parent: event[5], lane, site: event[6], depth, opened: at, openedAt: time, entered: null, left: null, closed: null, closedAt: null, stretches: [], on: 0, fields };
                this.spans.set(id, made);
                open[lane].push(made);
                if (fields.some(([name]) => name === "blocks")) blocking.add(id);
            } else if (kind === K.record && span) {
                const fields = this.fields(event[5]);
                if (fields.some(([name]) => name === "blocks")) {
                    for (const [other, { stack }] of threads) if (stack.at(-1)?.[0] === id) turn(other, () => blocking.add(id));
                    blocking.add(id);
                }
                span.fields.push(...fields);
            } else if (kind === K.enter && span) {
                turn(thread, (stack) => stack.push([id, lane]));
                if (span.entered === null) {
                    span.entered = at;
                    this.stops.push(at + 1);
                    (this.lanes[lane].rows[span.depth] ??= []).push(span);
                }
                if (span.on++ === 0) span.stretches.push([time, null]);
            } else if (kind === K.takes) {
                if (event[5] !== undefined) blocking.add(id);
                turn(thread, (stack) => stack.push([id, lane]));
            } else if (kind === K.gives) {
                turn(thread, (stack) => remove(stack, (entered) => entered[0] === id));
                blocking.delete(id);
            } else if (kind === K.exit && span) {
                turn(thread, (stack) => remove(stack, (entered) => entered[0] === id));
                span.left = at;
                if (span.on > 0 && --span.on === 0) span.stretches.at(-1)[1] = time;
            } else if (kind === K.close && span) {
                [span.closed, span.closedAt] = [at, time];
                remove(open[lane], (other) => other === span);
                blocking.delete(id);
                if (span.left !== null) this.stops.push(span.left + 1);
            } else if (kind === K.switch || kind === K.wake) {
                if (lane !== null && id !== null) this.flows.push({ at, time, from: lane, to: id, isSwitch: kind === K.switch, reason: event[5] === null ? null : this.words[event[5]] });
            } else if (kind === K.note) {
                this.notes.push({ at, time, lane, span: id });
            }
        }
        for (const thread of [...threads.keys()]) turn(thread, () => {});
        for (const lane of this.lanes) {
            for (let depth = 0; depth < lane.rows.length; depth++) lane.rows[depth] ??= [];
        }
        this.stops = [...new Set(this.stops)].sort((a, b) => a - b);
    }

    /** What is told beside the log: its places become cursors of this excerpt. */
    tell(data) {
        this.steps = data.steps.map(([id, name, target, page], number) => ({ id, name, target, page, number }));
        const byKey = new Map(this.steps.map((step) => [`${step.target} ${step.name}`, step]));
        this.stepOfSite = this.sites.map((site) => byKey.get(`${site.target} ${site.name}`) ?? null);
        this.pages = data.pages;
        for (const page of this.pages) {
            for (const claim of page.claims) {
                claim.outcomes = claim.outcomes.map(([cursor, word, detail, events]) => ({ cursor: this.cursorOfSeq(cursor), word, detail, events: events.map((at) => ({ number: at, cursor: this.cursorOfSeq(at) })) }));
            }
        }
        this.marks = data.marks.map(([cursor, word]) => ({ cursor: this.cursorOfSeq(cursor), word }));
        this.moments = data.moments.map((moment) => ({ ...moment, cursor: moment.cursor === null ? null : this.cursorOfSeq(moment.cursor) }));
        this.listings = new Map(data.listings.map((listing) => [`${listing.file}:${listing.line}`, listing]));
        this.firstOfStep = this.steps.map(() => null);
        for (const span of this.spans.values()) {
            const step = this.stepOfSite[span.site];
            if (step && span.entered !== null) this.firstOfStep[step.number] ??= span.entered + 1;
        }
    }

    /** The state after the first `cursor` events. It is not to be changed. */
    stateAt(cursor) {
        const near = cursor - (cursor % APART);
        if (this.latest?.at !== cursor) {
            let state = this.latest && this.latest.at <= cursor && this.latest.at >= near ? this.latest : structuredClone(this.keptBefore(near));
            for (; state.at < cursor; state.at++) this.apply(state, this.events[state.at]);
            this.latest = state;
        }
        return this.latest;
    }

    keptBefore(cursor) {
        let at = cursor;
        while (at > 0 && !this.kept.has(at)) at -= APART;
        let state = this.kept.get(at) ?? { at: 0, lanes: new Map(), done: [], threads: new Map(), held: [], paused: null, lastEntered: null };
        this.kept.set(at, state);
        while (at < cursor) {
            state = structuredClone(state);
            for (; state.at < at + APART; state.at++) this.apply(state, this.events[state.at]);
            at += APART;
            this.kept.set(at, state);
        }
        return state;
    }

    apply(state, event) {
        const [kind, , thread, lane, id] = event;
        const of = state.lanes.get(lane);
        const frame = of?.stack.find((frame) => frame.span === id);
        switch (kind) {
            case K.laneOpen:
                if (!of && lane !== null) state.lanes.set(lane, { id: lane, stack: [], hasRun: false, isDone: false, thread });
                break;
            case K.laneClose:
                if (of && !of.isDone) {
                    of.isDone = true;
                    state.done.push(lane);
                    if (state.done.length > LATELY_DONE) state.lanes.delete(state.done.shift());
                }
                break;
            case K.open:
                of?.stack.push({ span: id, enters: 0, isEntered: false, fields: this.fields(event[7]) });
                break;
            case K.enter:
                if (!frame) break;
                if (!state.threads.has(thread)) state.threads.set(thread, []);
                state.threads.get(thread).push([id, lane]);
                state.lastEntered = id;
                [of.hasRun, of.thread] = [true, thread];
                frame.enters += 1;
                frame.isEntered = true;
                break;
            case K.exit: {
                const stack = state.threads.get(thread);
                if (stack) {
                    remove(stack, (entered) => entered[0] === id);
                    if (stack.length === 0) state.threads.delete(thread);
                }
                if (frame) frame.isEntered = [...state.threads.values()].some((stack) => stack.some((entered) => entered[0] === id));
                break;
            }
            // A call that is not in the excerpt has the thread meanwhile.
            case K.takes:
                if (!state.threads.has(thread)) state.threads.set(thread, []);
                state.threads.get(thread).push([id, lane, event[5] ?? null]);
                break;
            case K.gives: {
                const stack = state.threads.get(thread);
                if (stack) remove(stack, (entered) => entered[0] === id);
                if (stack?.length === 0) state.threads.delete(thread);
                break;
            }
            case K.close:
                if (of) of.stack = of.stack.filter((frame) => frame.span !== id);
                break;
            case K.record:
                if (frame) frame.fields = keepLast([...frame.fields, ...this.fields(event[5])]);
                break;
            case K.hold:
                if (!state.held.some((held) => held.thread === thread)) state.held.push({ lane, thread, span: id, edge: event[5] });
                if (event[6]) state.paused = thread;
                break;
            case K.release:
                state.held = state.held.filter((held) => held.thread !== thread);
                if (state.paused === thread) state.paused = null;
                break;
        }
    }

    pausedIn(state) {
        return state.held.find((held) => held.thread === state.paused) ?? null;
    }

    /** What a lane is doing: a kind, and what it waits for. */
    activity(state, lane) {
        if (lane.isDone) return { kind: "done" };
        const paused = this.pausedIn(state);
        if (paused?.lane === lane.id) return { kind: "paused", edge: paused.edge };
        if (state.held.some((held) => held.lane === lane.id)) return { kind: "held" };
        const innermost = calls(lane).at(-1);
        if (!innermost) return { kind: lane.hasRun ? "idle" : "created" };
        if (this.lanes[lane.id].kind === LANE.async) return { kind: "unknown" };
        const control = [...state.threads.values()].map((stack) => stack.at(-1)).find((top) => top[1] === lane.id);
        if (control) {
            const onTop = lane.stack.find((frame) => frame.span === control[0]);
            const blocks = onTop ? textOf(onTop, "blocks") : control[2] !== undefined ? control[2] : textOf(innermost, "blocks");
            if (blocks === "poll") return { kind: "polling" };
            return blocks === null ? { kind: "running" } : { kind: "waiting", what: blocks };
        }
        return { kind: "waiting", what: textOf(innermost, "reason") ?? this.siteOf(innermost.span).name };
    }

    /** The word for it. A lane that waits for no stated reason would name its innermost call, which stands right below. */
    word(state, lane) {
        const activity = this.activity(state, lane);
        const innermost = calls(lane).at(-1);
        const isUnsaid = innermost && textOf(innermost, "reason") === null && textOf(innermost, "blocks") === null && activity.what === this.siteOf(innermost.span).name;
        switch (activity.kind) {
            case "created": return "created, not run";
            case "running": return "RUNNING";
            case "polling": return "POLLING";
            case "waiting": return isUnsaid ? "WAITING" : `WAITING for ${activity.what}`;
            case "paused": return activity.edge === 0 ? "PAUSED ON STEP" : "PAUSED, returning";
            default: return activity.kind;
        }
    }

    siteOf(id) {
        return this.sites[this.spans.get(id).site];
    }

    /**
     * The call we are in: where the shown lane is paused; at the end the poll; the call that has just begun or ended; the call
     * entered last; or what is around the event before. Other lanes go on meanwhile, so the call entered last may be theirs.
     */
    here(state) {
        const frames = new Set();
        for (const lane of state.lanes.values()) for (const frame of lane.stack) frames.add(frame.span);
        const paused = this.pausedIn(state);
        if (paused) return paused.span;
        if (state.at >= this.length && state.held.length === 0) {
            for (const lane of state.lanes.values()) if (this.activity(state, lane).kind === "polling") return calls(lane).at(-1).span;
        }
        if (state.at === 0) return null;
        const event = this.events[state.at - 1];
        if ((event[0] === K.enter || event[0] === K.exit) && frames.has(event[4])) return event[4];
        if (state.lastEntered !== null && frames.has(state.lastEntered)) return state.lastEntered;
        let id = event[0] >= K.open && event[0] <= K.note ? event[4] : null;
        while (id !== null && this.spans.has(id) && !frames.has(id)) id = this.spans.get(id).parent;
        return id !== null && this.spans.has(id) ? id : null;
    }

    /** The step of a span, or of the nearest documented call around it. */
    stepAround(id) {
        for (let span = this.spans.get(id); span; span = this.spans.get(span.parent)) {
            const step = this.stepOfSite[span.site];
            if (step) return step;
        }
        return null;
    }

    /** The next place where a call begins or ends; the end of all if there is none. */
    into(cursor) {
        return this.stops.find((stop) => stop > cursor) ?? this.length;
    }

    back(cursor) {
        return this.stops.findLast((stop) => stop < cursor && stop >= this.first) ?? this.first;
    }

    /** To the end of a call, where what it recorded is there and it is still open. */
    endOf(id) {
        const span = this.spans.get(id);
        return span && span.closed !== null && span.left !== null ? span.left + 1 : null;
    }

    /** To the end of the call we are in; from there to the next stop of its lane. A text says why there is none. */
    over(cursor) {
        const here = this.here(this.stateAt(cursor));
        if (here === null) return this.into(cursor);
        const end = this.endOf(here);
        if (end === null) return `${this.siteOf(here).name} does not end in this recording`;
        if (end > cursor) return end;
        const { lane } = this.spans.get(here);
        return this.stops.find((stop) => stop > cursor && this.events[stop - 1][3] === lane) ?? this.into(cursor);
    }

    /** To the end of the call around the one we are in. */
    out(cursor) {
        const here = this.here(this.stateAt(cursor));
        const span = here === null ? null : this.spans.get(here);
        if (!span) return this.into(cursor);
        const around = this.spans.get(span.parent);
        if (!around || around.lane !== span.lane) return `nothing is around ${this.siteOf(here).name} in its lane`;
        const end = this.endOf(around.id);
        if (end === null) return `${this.siteOf(around.id).name}, around it, does not end in this recording`;
        return end > cursor ? end : this.into(cursor);
    }

    /** How a claim comes out at a cursor. */
    outcome(claim, cursor) {
        return claim.outcomes.findLast((outcome) => outcome.cursor <= cursor) ?? { word: "not run", detail: "", events: [] };
    }

    /** Where we are in the story: what the last mark before a cursor says. */
    phase(cursor) {
        if (this.marks.length === 0) return "";
        const last = this.marks.findLast((mark) => mark.cursor <= cursor);
        return { "loop serves": "serving", "loop starts": "loop started" }[last?.word] ?? "before the loop";
    }

    /** Spans that answer every word of a query, in the order of their first enters; a text says what is wrong with it. */
    search(query) {
        const tests = [];
        for (const word of query.match(/(?:[^\s"]|"[^"]*")+/g) ?? []) {
            const test = this.test(word);
            if (typeof test === "string") return test;
            tests.push(test);
        }
        if (tests.length === 0) return [];
        const found = [...this.spans.values()].filter((span) => span.entered !== null && tests.every((test) => test(span)));
        return found.sort((a, b) => a.entered - b.entered);
    }

    test(word) {
        const isNot = /^[!-]./.test(word);
        const made = this.positive(isNot ? word.slice(1) : word);
        return isNot && typeof made !== "string" ? (span) => !made(span) : made;
    }

    positive(word) {
        const has = (text, part) => text !== null && text.toLowerCase().includes(part.toLowerCase());
        const plain = (text) => text.replaceAll('"', "");
        const [, key, operator, value] = word.match(/^([a-z]+(?:\.[^:=<>"]+)?)(:|=|<|>)(.*)$/) ?? [];
        if (key === undefined) {
            const part = plain(word);
            return (span) => has(this.sites[span.site].name, part) || has(this.sites[span.site].target, part) || has(this.lanes[span.lane].name, part) || span.fields.some((field) => has(field[1], part));
        }
        if (key === "dur") {
            const wanted = duration(value);
            if (wanted === null || operator === "=" || operator === ":") return `${word}: write a time, such as dur>1ms or dur<20us`;
            const took = (span) => (span.closedAt ?? this.until) - span.openedAt;
            return operator === ">" ? (span) => took(span) > wanted : (span) => took(span) < wanted;
        }
        const fits = compare(operator, plain(value));
        const texts = {
            name: (span) => [this.sites[span.site].name],
            target: (span) => [this.sites[span.site].target],
            lane: (span) => [this.lanes[span.lane].name],
            file: (span) => [this.sites[span.site].file ?? ""],
        };
        if (key in texts) return (span) => texts[key](span).some(fits);
        if (key.startsWith("field.")) return (span) => span.fields.some(([name, text]) => name === key.slice(6) && fits(text));
        if (key === "open") return (span) => span.closed === null;
        return `${word}: ask for name: target: lane: file: field.NAME: open: or dur>1ms`;
    }
}

/** The calls of a lane that are under way, outermost first: open spans that were entered. */
export function calls(lane) {
    return lane.stack.filter((frame) => frame.enters > 0);
}

/** Every lane of the later state, compared with the earlier one. Without that all frames are kept. */
export function diff(recording, earlier, later) {
    return [...later.lanes.values()].map((lane) => {
        const old = earlier?.lanes.get(lane.id) ?? null;
        const before = old ? calls(old).map((frame) => frame.span) : [];
        const now = calls(lane).map((frame) => frame.span);
        const is = (span) => earlier === null || before.includes(span);
        const kept = now.filter(is).map((span) => ({ span, change: "kept" }));
        const added = now.filter((span) => !is(span)).map((span) => ({ span, change: "added" }));
        const removed = before.filter((span) => !now.includes(span)).map((span) => ({ span, change: "removed" }));
        // Another call of the same function in the same place is no change of the picture.
        const site = (frame) => recording.spans.get(frame.span).site;
        while (removed.length > 0 && added.length > 0 && site(removed[0]) === site(added[0])) {
            removed.shift();
            kept.push({ ...added.shift(), change: "kept" });
        }
        return { lane, isNew: earlier !== null && old === null, frames: [...kept, ...removed, ...added].reverse() };
    });
}

/** A field's values as a person reads them: `11 → 10`. */
export function fieldRows(fields) {
    const rows = new Map();
    for (const [name, text] of fields) {
        const values = rows.get(name) ?? rows.set(name, []).get(name);
        if (values.at(-1) !== text) values.push(text);
    }
    return [...rows].map(([name, values]) => [name, values.join(" → ")]);
}

/** A time as a person reads it. */
export function timeText(ns) {
    if (ns < 1e3) return `${Math.round(ns)} ns`;
    if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
    if (ns < 1e9) return `${(ns / 1e6).toFixed(2)} ms`;
    return `${(ns / 1e9).toFixed(2)} s`;
}

/** A number with its digits in groups. */
export function countText(number) {
    return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** The last part of a file's name. */
export function fileName(file) {
    return file === null ? "?" : file.split(/[/\\]/).at(-1);
}

function duration(text) {
    const [, number, unit] = text.match(/^([\d.]+)\s*(ns|us|µs|ms|s)$/) ?? [];
    return number === undefined ? null : Number(number) * { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 }[unit];
}

function compare(operator, value) {
    if (operator === ":") return (text) => text.toLowerCase().includes(value.toLowerCase());
    if (operator === "=") return (text) => text === value;
    return operator === ">" ? (text) => Number(text) > Number(value) : (text) => Number(text) < Number(value);
}

function textOf(frame, name) {
    const field = frame.fields.findLast((field) => field[0] === name);
    return field && field[2] ? field[1] : null;
}

function keepLast(fields) {
    if (fields.length <= REMEMBERED) return fields;
    const counts = new Map();
    const kept = fields.toReversed().filter(([name]) => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        return counts.get(name) <= REMEMBERED || name === "follows_from";
    });
    return kept.toReversed();
}

function addRun(runs, from, to) {
    const last = runs.at(-1);
    if (last && last[1] === from) last[1] = to;
    else runs.push([from, to]);
}

/** Takes the last that fits out of a list. */
function remove(list, fits) {
    const at = list.findLastIndex(fits);
    if (at >= 0) list.splice(at, 1);
}
