// The timeline: lanes by time, drawn for what is in sight, however many calls there are.
//
//   ▓▓▓▓▓ on a thread     ├─────┤ open, waiting     ├┄┄┄┄┄┤ open, either     │ a switch, an arrow at the lane that gets the thread     ┆ a wake
import { LANE, timeText } from "./model.js";

export const ROW = 20;
const AXIS = 26;
/** Arrows beyond this in one picture would be a carpet. */
const ARROWS = 400;

export class Timeline {
    constructor(recording, box, { onCursor, onSpan }) {
        this.recording = recording;
        this.box = box;
        this.canvas = box.querySelector("canvas");
        this.window = [recording.from, recording.until];
        this.cursor = 0;
        this.here = null;
        this.matches = new Set();
        this.rows = recording.lanes.flatMap((lane) => (lane.rows.length > 0 ? lane.rows.map((spans, depth) => ({ lane, depth, spans })) : [{ lane, depth: 0, spans: [] }]));
        this.rowOfLane = new Map();
        this.rows.forEach(({ lane, depth }, at) => depth === 0 && this.rowOfLane.set(lane.id, at));
        box.querySelector("#room").style.height = `${AXIS + this.rows.length * ROW}px`;
        [this.onCursor, this.onSpan] = [onCursor, onSpan];
        this.listen();
    }

    get gutter() {
        return this.width < 500 ? 64 : 112;
    }

    listen() {
        const { box } = this;
        box.addEventListener("scroll", () => this.draw());
        new ResizeObserver(() => this.draw()).observe(box);
        const fingers = new Map();
        let drag = null;
        const x = (event) => event.clientX - box.getBoundingClientRect().left;
        box.addEventListener("pointerdown", (event) => {
            if (event.button !== 0 || event.offsetX > box.clientWidth) return;
            fingers.set(event.pointerId, x(event));
            drag = { x: x(event), window: [...this.window], moved: false };
        });
        box.addEventListener("pointermove", (event) => {
            if (!fingers.has(event.pointerId) || !drag) return;
            const [one, two] = [...fingers.values()];
            fingers.set(event.pointerId, x(event));
            if (fingers.size === 2) {
                const [a, b] = [...fingers.values()];
                const [before, now] = [Math.abs(one - two), Math.abs(a - b)];
                if (before > 0 && now > 0) this.zoom(before / now, this.timeOf((a + b) / 2));
                drag.moved = true;
                return;
            }
            const by = x(event) - drag.x;
            if (!drag.moved && Math.abs(by) < 5) return;
            if (!drag.moved) box.setPointerCapture(event.pointerId);
            drag.moved = true;
            const scale = (drag.window[1] - drag.window[0]) / Math.max(1, this.width - this.gutter);
            this.show(drag.window[0] - by * scale, drag.window[1] - by * scale);
        });
        const end = (event) => {
            if (fingers.delete(event.pointerId) && drag && !drag.moved && event.type === "pointerup") this.click(event);
            if (fingers.size === 0) drag = null;
        };
        box.addEventListener("pointerup", end);
        box.addEventListener("pointercancel", end);
        box.addEventListener("wheel", (event) => {
            if (event.ctrlKey || event.altKey || event.metaKey) this.zoom(1.0015 ** event.deltaY, this.timeOf(x(event)));
            else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan((event.deltaX || event.deltaY) / 1000);
            else return;
            event.preventDefault();
        }, { passive: false });
    }

    click(event) {
        const box = this.box.getBoundingClientRect();
        const [x, y] = [event.clientX - box.left, event.clientY - box.top];
        const row = this.rows[Math.floor((y + this.box.scrollTop - AXIS) / ROW)];
        if (x < this.gutter) return;
        const time = Math.max(this.timeOf(x), this.recording.from);
        const [slack] = [(this.window[1] - this.window[0]) / Math.max(1, this.width - this.gutter) * 2];
        const hit = y < AXIS ? undefined : row?.spans.findLast((span) => span.openedAt - slack <= time && (span.closedAt ?? Infinity) + slack >= time);
        this.onCursor(time, hit?.id ?? null);
    }

    timeOf(x) {
        const [from, to] = this.window;
        return from + ((x - this.gutter) / Math.max(1, this.width - this.gutter)) * (to - from);
    }

    xOf(time) {
        const [from, to] = this.window;
        return this.gutter + ((time - from) / (to - from)) * (this.width - this.gutter);
    }

    /** A window of time, as near to what is asked as the recording goes. */
    show(from, to) {
        const { recording } = this;
        const all = recording.until - recording.from;
        const length = Math.min(all, Math.max(to - from, Math.min(all, 50)));
        const begin = Math.min(Math.max(from, recording.from), recording.until - length);
        this.window = [begin, begin + length];
        this.draw();
    }

    zoom(by, around = this.recording.timeAt(this.cursor)) {
        const [from, to] = this.window;
        const at = around >= from && around <= to ? around : (from + to) / 2;
        this.show(at - (at - from) * by, at + (to - at) * by);
    }

    pan(share) {
        const by = (this.window[1] - this.window[0]) * share;
        this.show(this.window[0] + by, this.window[1] + by);
    }

    fit() {
        this.show(this.recording.from, this.recording.until);
    }

    /** Puts the cursor, and the call we are in, into sight. */
    set(cursor, here) {
        [this.cursor, this.here] = [cursor, here];
        const time = this.recording.timeAt(cursor);
        const [from, to] = this.window;
        if (time < from || time > to) this.window = shifted(this.window, time, this.recording);
        const span = here === null ? null : this.recording.spans.get(here);
        if (span && this.box.clientHeight > AXIS) {
            const y = (this.rowOfLane.get(span.lane) + span.depth) * ROW;
            const { scrollTop, clientHeight } = this.box;
            if (y < scrollTop) this.box.scrollTop = y;
            else if (y + ROW + AXIS > scrollTop + clientHeight) this.box.scrollTop = y + ROW + AXIS - clientHeight;
        }
        this.draw();
    }

    draw() {
        const { canvas, box } = this;
        const scale = window.devicePixelRatio || 1;
        [this.width, this.height] = [box.clientWidth, box.clientHeight];
        if (this.width === 0 || this.height === 0) return;
        const [w, h] = [Math.round(this.width * scale), Math.round(this.height * scale)];
        if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
        const pen = canvas.getContext("2d");
        pen.setTransform(scale, 0, 0, scale, 0, 0);
        this.paint(pen, box.scrollTop, getComputedStyle(box));
    }

    /** One picture, of the rows from `top` on. */
    paint(pen, top, style) {
        const colour = (name) => style.getPropertyValue(`--${name}`).trim();
        const { width, height, gutter, recording } = this;
        const font = colour("text") || "sans-serif";
        pen.clearRect(0, 0, width, height);
        const first = Math.max(0, Math.floor(top / ROW));
        const last = Math.min(this.rows.length, Math.ceil((top + height - AXIS) / ROW) + 1);
        const yOf = (row) => AXIS + row * ROW - top;
        pen.save();
        pen.beginPath();
        pen.rect(0, AXIS, width, height - AXIS);
        pen.clip();
        for (let at = first; at < last; at++) this.paintRow(pen, this.rows[at], yOf(at), colour, font);
        // A lane whose first row is out of sight keeps its name.
        const at = this.rows[first];
        const isCut = at && (at.depth > 0 || (yOf(first) + 6 < AXIS && this.rows[first + 1]?.lane === at.lane));
        if (isCut) this.paintName(pen, at.lane, AXIS + 14, colour, font);
        pen.beginPath();
        pen.rect(gutter, AXIS, width - gutter, height - AXIS);
        pen.clip();
        for (const [from, to] of recording.holds) this.paintHold(pen, from, to, colour);
        this.paintFlows(pen, yOf, colour);
        // What has not happened yet is pale.
        const now = Math.max(gutter, this.xOf(recording.timeAt(this.cursor)));
        pen.globalAlpha = .55;
        pen.fillStyle = colour("paper");
        if (this.cursor < recording.length) pen.fillRect(now, AXIS, width - now, height);
        pen.globalAlpha = 1;
        pen.restore();
        this.paintAxis(pen, colour, font);
        // A name that has no room beside another is left to its line, and to the scrubber.
        let named = gutter;
        recording.marks.forEach(({ cursor, word }, at) => {
            const x = this.xOf(recording.timeAt(cursor));
            if (x < gutter - 1 || x > width + 1) return;
            line(pen, x, 0, x, height, { colour: colour("mark"), width: 1.5, dash: [2, 3] });
            pen.font = `11px ${font}`;
            pen.fillStyle = colour("mark");
            const room = pen.measureText(word).width + 6;
            const next = recording.marks[at + 1];
            const isLeft = x + room > width || (next !== undefined && this.xOf(recording.timeAt(next.cursor)) < x + room);
            const begin = isLeft ? x + 2 - room : x + 4;
            if (begin < named) return;
            pen.fillText(word, begin, AXIS - 15);
            named = begin + room;
        });
        const x = this.xOf(recording.timeAt(this.cursor));
        if (x >= gutter - 1 && x <= width + 1) {
            line(pen, x, AXIS - 12, x, height, { colour: colour("accent"), width: 2 });
            triangle(pen, x, AXIS - 3, 6, 1, colour("accent"));
        }
    }

    paintAxis(pen, colour, font) {
        const { width, gutter } = this;
        const [from, to] = this.window;
        line(pen, 0, AXIS - .5, width, AXIS - .5, { colour: colour("line"), width: 1 });
        const step = roundStep((to - from) / Math.max(1, (width - gutter) / 110));
        pen.font = `11px ${font}`;
        pen.fillStyle = colour("quiet");
        for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
            const x = this.xOf(time);
            line(pen, x, AXIS - 4, x, AXIS, { colour: colour("quiet"), width: 1 });
            const text = timeText(time);
            const room = pen.measureText(text).width;
            pen.fillText(text, Math.min(x + 3, width - room - 1), AXIS - 4);
        }
    }

    paintRow(pen, { lane, depth, spans }, y, colour, font) {
        const { width, gutter, window: [from, to] } = this;
        if (depth === 0) {
            line(pen, 0, y + .5, width, y + .5, { colour: colour("line"), width: 1 });
            this.paintName(pen, lane, y + 14, colour, font);
        }
        let painted = gutter - 1;
        for (let at = firstVisible(spans, from); at < spans.length && spans[at].openedAt <= to; at++) {
            const span = spans[at];
            const end = span.closedAt ?? this.recording.until;
            if (end < from) continue;
            const left = Math.max(gutter, this.xOf(span.openedAt));
            const right = Math.min(width, Math.max(this.xOf(end), left + 2));
            // What would be under what is painted already is seen by zooming in.
            if (right - left <= 2 && left < painted + 1) continue;
            painted = right;
            this.paintSpan(pen, span, left, right, y + 3, colour, font);
        }
    }

    paintName(pen, lane, y, colour, font) {
        pen.fillStyle = colour("paper");
        pen.fillRect(0, y - 12, this.gutter, 16);
        pen.font = `600 12px ${font}`;
        pen.fillStyle = colour("ink");
        pen.fillText(cut(pen, lane.name, this.gutter - 10), 5, y);
    }

    paintSpan(pen, span, left, right, y, colour, font) {
        const [height, middle] = [ROW - 5, y + (ROW - 5) / 2];
        const isHere = span.id === this.here;
        pen.fillStyle = colour("open");
        pen.fillRect(left, y, right - left, height);
        const dash = this.recording.lanes[span.lane].kind === LANE.async ? [2, 4] : [];
        line(pen, left, middle, right, middle, { colour: colour("waiting"), width: 1.5, dash });
        pen.fillStyle = colour("busy");
        const { runs } = this.recording.lanes[span.lane];
        const busy = [];
        let painted = left - 1;
        for (const [begin, end] of overlaps(span.stretches, runs, this.window, this.recording.until)) {
            const [a, b] = [Math.max(left, this.xOf(begin)), Math.min(right, Math.max(this.xOf(end), this.xOf(begin) + 1))];
            if (b <= painted) continue;
            busy.push([a, y, Math.max(b - a, 1), height]);
            pen.fillRect(...busy.at(-1));
            painted = b;
        }
        const isFound = this.matches.has(span.id);
        pen.strokeStyle = colour(isHere ? "accent" : isFound ? "doubt" : "waiting");
        pen.lineWidth = isHere || isFound ? 2.5 : 1;
        if (right - left < 4 && busy.length > 0 && !isHere && !isFound) {
            // A frame around it would be all that is seen.
        } else if (span.closed === null && !isHere) {
            pen.setLineDash([]);
            pen.beginPath();
            pen.moveTo(right, y);
            pen.lineTo(left, y);
            pen.lineTo(left, y + height);
            pen.lineTo(right, y + height);
            pen.stroke();
        } else {
            pen.strokeRect(left + .5, y + .5, Math.max(right - left - 1, 1), height - 1);
        }
        const name = this.recording.sites[span.site].name;
        pen.font = `${isHere ? "600 " : ""}11px ${font}`;
        if (right - left < 22) return;
        const text = cut(pen, `${isFound ? "◆ " : ""}${name}`, right - left - 8);
        if (text === "") return;
        const room = [Math.round(left) + 2, y + 1, Math.ceil(pen.measureText(text).width) + 5, height - 2];
        pen.fillStyle = colour("open");
        pen.fillRect(...room);
        pen.fillStyle = colour("ink");
        pen.fillText(text, left + 4, y + 11.5);
        // Where the bar is full it stays full under its name.
        pen.save();
        pen.beginPath();
        for (const rect of busy) if (rect[0] < room[0] + room[2]) pen.rect(...rect);
        pen.clip();
        pen.fillStyle = colour("busy");
        pen.fillRect(...room);
        pen.fillStyle = colour("paper");
        pen.fillText(text, left + 4, y + 11.5);
        pen.restore();
    }

    /** Hatched: the program was held, the clock on the wall went on. */
    paintHold(pen, from, to, colour) {
        const [left, right] = [Math.max(this.gutter, this.xOf(from)), Math.min(this.width, this.xOf(to))];
        if (right <= left) return;
        pen.save();
        pen.beginPath();
        pen.rect(left, AXIS, Math.max(right - left, 1), this.height);
        pen.clip();
        pen.globalAlpha = .6;
        pen.fillStyle = colour("pane");
        pen.fillRect(left, AXIS, right - left, this.height);
        pen.globalAlpha = 1;
        for (let x = left - this.height; x < right; x += 8) line(pen, x, this.height, x + this.height, 0, { colour: colour("waiting"), width: 1 });
        pen.restore();
    }

    paintFlows(pen, yOf, colour) {
        const { flows } = this.recording;
        const [from, to] = this.window;
        const seen = new Set();
        let at = lowerBound(flows, (flow) => flow.time < from);
        for (; at < flows.length && flows[at].time <= to && seen.size < ARROWS; at++) {
            const flow = flows[at];
            const x = this.xOf(flow.time);
            const key = `${Math.round(x / 3)} ${flow.from} ${flow.to} ${flow.isSwitch}`;
            const [a, b] = [this.rowOfLane.get(flow.from), this.rowOfLane.get(flow.to)];
            if (seen.has(key) || a === undefined || b === undefined || a === b) continue;
            seen.add(key);
            const [begin, end] = [yOf(a) + ROW / 2, yOf(b) + ROW / 2];
            const ink = colour(flow.isSwitch ? "ink" : "doubt");
            line(pen, x, begin, x, end, { colour: ink, width: flow.isSwitch ? 1.25 : 1, dash: flow.isSwitch ? [] : [3, 3] });
            triangle(pen, x, end, 5, Math.sign(end - begin), ink);
        }
    }
}

function line(pen, x1, y1, x2, y2, { colour, width, dash = [] }) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
    pen.stroke();
    pen.setLineDash([]);
}

/** An arrow head whose tip is at x, y; it points down if `way` is 1, up if it is -1. */
function triangle(pen, x, y, size, way, colour) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x - size * .7, y - way * size);
    pen.lineTo(x + size * .7, y - way * size);
    pen.fill();
}

function cut(pen, text, room) {
    if (pen.measureText(text).width <= room) return text;
    let end = text.length;
    while (end > 0 && pen.measureText(`${text.slice(0, end)}…`).width > room) end -= 1;
    return end === 0 ? "" : `${text.slice(0, end)}…`;
}

/** 1, 2 or 5 times a power of ten, not less than asked for. */
export function roundStep(least) {
    const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
    return [1, 2, 5, 10].map((by) => by * power).find((step) => step >= least);
}

/** Where two lists of stretches overlap, within a window. */
export function overlaps(stretches, runs, [from, to], now) {
    const found = [];
    let run = lowerBound(runs, (run) => run[1] < from);
    for (let at = lowerBound(stretches, (stretch) => (stretch[1] ?? now) < from); at < stretches.length; at++) {
        const [begin, end] = stretches[at];
        if (begin > to) break;
        const [a, b] = [Math.max(begin, from), Math.min(end ?? now, to)];
        if (a > b) continue;
        while (run > 0 && runs[run - 1][1] > a) run -= 1;
        while (run < runs.length && runs[run][1] < a) run += 1;
        for (let next = run; next < runs.length && runs[next][0] <= b; next++) {
            const both = [Math.max(a, runs[next][0]), Math.min(b, runs[next][1])];
            if (both[0] < both[1]) found.push(both);
        }
    }
    return found;
}

/** The first span of a row that may reach into a window: calls of one depth hardly ever overlap, tasks may. */
function firstVisible(spans, from) {
    let at = lowerBound(spans, (span) => span.openedAt < from);
    for (let back = 0; at > 0 && back < 64; back++) {
        at -= 1;
        if ((spans[at].closedAt ?? Infinity) < from && back > 8) break;
    }
    return at;
}

/** How many of the first something holds for. */
function lowerBound(list, holds) {
    let [low, high] = [0, list.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (holds(list[middle])) low = middle + 1;
        else high = middle;
    }
    return low;
}

function shifted([from, to], time, { from: first, until }) {
    const length = to - from;
    const begin = Math.min(Math.max(time - length / 2, first), until - length);
    return [begin, begin + length];
}
