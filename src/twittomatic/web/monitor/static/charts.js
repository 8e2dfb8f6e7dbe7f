// The charts: which there are, what they show, and how they follow the crawl.

import { at } from "./dom.js";
import { ask, toast } from "./live.js";
import { Plot } from "./plot.js";
import { compact, dollars, fewDollars } from "./words.js";

const SPANS = { minutes: 900, day: 86_400, all: Infinity };
const PLACES = ["ready", "leased", "delayed", "dead"];
const RELOAD_MS = 30_000; // of the long spans, whose newest step keeps growing

const plots = [];
let span = "minutes";
let step = 2;
let rows = [];
let loadedAt = 0;
let series = []; // names of a row's columns after its time; the monitor sends them with the rows

const line = (name, label, isRate) => ({ label, isRate, get column() { return series.indexOf(name) + 1; } });
const rated = (name, label = name) => line(name, `${label}/s`, true);
const plain = (name, label = name) => line(name, label, false);
const add = (title, lines, options) => plots.push(new Plot(at("plots"), title, lines, options));

export function begin() {
  add("Pages a second", [rated("pages")], { format: compact });
  add("Records a second", [rated("followers"), rated("posts")], { format: compact });
  add("Dollars", [plain("spent")], { format: dollars, tick: fewDollars });
  add("Users", [plain("seen"), plain("frontier")], { format: compact });
  for (const radio of document.querySelectorAll("input[name=span]")) {
    radio.onchange = () => load(radio.value);
  }
  document.addEventListener("visibilitychange", () => document.hidden || load(span)); // what it missed
  load(span);
}

async function load(wanted) {
  loadedAt = Date.now();
  try {
    const tier = await ask(`/api/history?span=${wanted}`);
    span = wanted;
    step = tier.step_s;
    rows = tier.rows;
    if (!series.length) addModules(tier.series);
    draw();
  } catch (error) {
    toast(error.message);
  }
}

/** Add a plot for each module that has a series. */
function addModules(names) {
  series = names;
  for (const module of names.filter((name) => name.startsWith("ready:")).map((name) => name.slice(6))) {
    const lines = PLACES.map((place) => plain(`${place}:${module}`, place));
    add(`Jobs: ${module}`, lines, { format: compact, isLog: true, module });
  }
}

/** Add the newest row; it represents its step until the next one begins. */
export function update({ row, report }) {
  for (const plot of plots) {
    if (plot.module) plot.element.hidden = !report.modules.includes(plot.module);
  }
  if (!row.length) return;
  if (!series.length) { // the first load failed, or is under way
    if (Date.now() - loadedAt > RELOAD_MS) load(span);
    return;
  }
  const last = rows.at(-1);
  if (last && Math.floor(last[0] / step) === Math.floor(row[0] / step)) rows.pop();
  rows.push(row);
  while (rows[0][0] < row[0] - SPANS[span]) rows.shift();
  if (span !== "minutes" && Date.now() - loadedAt > RELOAD_MS) load(span);
  else draw();
}

function draw() {
  for (const plot of plots) if (!plot.element.hidden) plot.draw(rows, step);
}
