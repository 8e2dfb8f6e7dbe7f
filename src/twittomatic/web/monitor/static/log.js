// The last lines of the logs, newest first.

import { at, empty, keep, mark, row } from "./dom.js";
import { ask } from "./live.js";
import { moment } from "./words.js";

const REFRESH_MS = 1_000;
const ICONS = { info: "", warning: "▲ ", error: "✖ " };

export function begin() {
  let isSeen = false;
  new IntersectionObserver((entries) => {
    isSeen = entries.at(-1).isIntersecting;
    if (isSeen) load();
  }).observe(at("log"));
  setInterval(() => isSeen && !document.hidden && load(), REFRESH_MS);
  for (const id of ["level", "log-worker", "log-search"]) at(id).oninput = load;
}

async function load() {
  const query = new URLSearchParams({ level: at("level").value, worker: at("log-worker").value, search: at("log-search").value });
  let lines;
  try {
    lines = await ask(`/api/log?${query}`);
  } catch {
    return; // the page says already that the monitor is away
  }
  const met = new Map(); // of equal lines each has its number
  for (const line of lines.toReversed()) {
    const text = JSON.stringify(line);
    met.set(text, (met.get(text) || 0) + 1);
    line.key = text + met.get(text);
  }
  empty("log", !lines.length);
  keep(at("log-rows"), lines, (line) => line.key, logLine);
}

function logLine(line) {
  const element = row(["time", "state", "name", ""], ({ at: when, level, process, event, job, verdict, reason, phase, count }) => [
    moment(when),
    ICONS[level] + level,
    process,
    [event, job, verdict, phase, count, reason].filter(Boolean).join(" · "),
  ]);
  mark(element, "data-level", line.level);
  return element;
}
