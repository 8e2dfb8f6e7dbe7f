// One line chart over time, in SVG: axes, lines, a legend with the newest values, and a reading under the pointer.

import { h, mark, s, say } from "./dom.js";
import { moment } from "./words.js";

const HEIGHT = 150;
const MARGIN = { left: 52, right: 10, top: 8, bottom: 20 };
const GAP = 6; // steps without a row: then no monitor was running, and the line is interrupted

export class Plot {
  /**
   * @param parent Where it is put.
   * @param title What it shows.
   * @param lines `{label, column, isRate}` of each: the column of a row, as it stands or its growth in a second.
   * @param options `format` of a value, `tick` of one at the axis; `isLog` for values of very different size; `module` it is about.
   */
  constructor(parent, title, lines, { format, tick = format, isLog = false, module = null }) {
    this.lines = lines;
    this.format = format;
    this.tick = tick;
    this.scale = isLog ? (value) => Math.log10(1 + value) : (value) => value;
    this.isLog = isLog;
    this.module = module;
    this.rows = [];
    this.svg = s("svg", { class: "plot", role: "img", tabindex: "0", height: HEIGHT });
    this.grid = s("g", { class: "grid" });
    this.paths = lines.map((_, index) => s("path", { class: `line line-${index}` }));
    this.cursor = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
    this.svg.append(this.grid, ...this.paths, this.cursor);
    this.values = lines.map(() => h("b"));
    this.when = h("span", { class: "faint" });
    const legend = h("figcaption", {}, h("strong", {}, title + (isLog ? " (log scale)" : "")), this.when);
    lines.forEach((line, index) => {
      const key = s("svg", { class: "key", width: 22, height: 8 }, s("path", { class: `line line-${index}`, d: "M1 4H21" }));
      legend.append(h("span", { class: "entry" }, key, ` ${line.label} `, this.values[index]));
    });
    this.title = title;
    this.element = h("figure", {}, legend, this.svg);
    parent.append(this.element);
    this.picked = null;
    this.svg.onpointermove = (event) => this.pick(this.near(event.offsetX));
    this.svg.onpointerleave = this.svg.onblur = () => this.pick(null);
    this.svg.onkeydown = (event) => this.move(event);
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  /** Draw rows `[moment, ...]`, oldest first, `step` seconds apart. */
  draw(rows, step) {
    this.rows = rows;
    this.step = step;
    this.series = this.lines.map((line) => values(rows, step, line));
    this.render();
  }

  render() {
    const width = this.element.clientWidth;
    if (!width || !this.rows.length) return;
    mark(this.svg, "width", width);
    const { rows, scale } = this;
    const [first, last] = [rows[0][0], rows.at(-1)[0]];
    const inner = width - MARGIN.left - MARGIN.right;
    const tall = HEIGHT - MARGIN.top - MARGIN.bottom;
    const highest = Math.max(...this.series.flat().filter((value) => value !== null), 0);
    const ticks = this.isLog ? powers(highest) : evenly(highest);
    const top = scale(Math.max(ticks.at(-1), highest)) || 1;
    this.x = (time) => MARGIN.left + (last > first ? ((time - first) / (last - first)) * inner : inner);
    this.y = (value) => MARGIN.top + tall - (scale(value) / top) * tall;
    this.grid.replaceChildren(...this.across(ticks, width), ...this.along(first, last, width));
    this.series.forEach((line, index) => mark(this.paths[index], "d", this.path(line)));
    this.read();
  }

  across(ticks, width) {
    return ticks.flatMap((value) => {
      const y = this.y(value);
      return [
        s("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
        s("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, this.tick(value)),
      ];
    });
  }

  along(first, last, width) {
    const many = Math.max(2, Math.min(6, Math.floor((width - MARGIN.left) / 110)));
    return Array.from({ length: many }, (_, index) => {
      const time = first + ((last - first) * index) / (many - 1);
      const anchor = index === 0 ? "start" : index === many - 1 ? "end" : "middle";
      return s("text", { x: this.x(time), y: HEIGHT - 5, "text-anchor": anchor }, label(time, last - first));
    });
  }

  path(line) {
    let text = "";
    let isDown = false;
    line.forEach((value, index) => {
      const time = this.rows[index][0];
      if (value === null || (index && time - this.rows[index - 1][0] > GAP * this.step)) isDown = false;
      if (value === null) return;
      text += `${isDown ? "L" : "M"}${this.x(time).toFixed(1)} ${this.y(value).toFixed(1)}`;
      if (!isDown) text += "h.1"; // so that one point alone is seen
      isDown = true;
    });
    return text;
  }

  /** Show the values of the picked row, or the newest. */
  read() {
    const index = this.picked === null ? this.rows.length - 1 : Math.min(this.picked, this.rows.length - 1);
    const texts = this.series.map((line) => (line[index] === null ? "–" : this.format(line[index])));
    texts.forEach((text, line) => say(this.values[line], text));
    say(this.when, this.picked === null ? "" : moment(this.rows[index][0]));
    mark(this.cursor, "visibility", this.picked === null ? "hidden" : "visible");
    for (const end of ["x1", "x2"]) mark(this.cursor, end, this.x(this.rows[index][0]).toFixed(1));
    mark(this.svg, "aria-label", `${this.title}: ${this.lines.map((line, i) => `${line.label} ${texts[i]}`).join(", ")}`);
  }

  pick(index) {
    if (!this.rows.length || !this.x) return;
    this.picked = index;
    this.read();
  }

  near(x) {
    if (!this.x) return null;
    const distances = this.rows.map((row) => Math.abs(this.x(row[0]) - x));
    return distances.indexOf(Math.min(...distances));
  }

  move(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!steps) return;
    event.preventDefault();
    const from = this.picked === null ? this.rows.length - 1 : this.picked;
    this.pick(Math.max(0, Math.min(this.rows.length - 1, from + steps)));
  }
}

/** Return the values of a line, or their growth per second; null where it is unknown. */
function values(rows, step, { column, isRate }) {
  if (!isRate) return rows.map((row) => row[column]);
  return rows.map((row, index) => {
    const before = rows[index - 1];
    if (!before || row[0] - before[0] > GAP * step) return null;
    const growth = (row[column] - before[column]) / (row[0] - before[0]);
    return growth < 0 ? null : growth;
  });
}

function evenly(highest) {
  if (!highest) return [0, 1];
  const rough = highest / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, index) => index * step);
}

function powers(highest) {
  const ticks = [0, 10];
  while (ticks.at(-1) < highest) ticks.push(ticks.at(-1) * 10);
  return ticks;
}

function label(time, span) {
  const text = moment(time);
  return span > 600 ? text.replace(/:\d\d$/, "") : text;
}
