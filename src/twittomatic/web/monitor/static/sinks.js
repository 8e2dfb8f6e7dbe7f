// The sinks: how far each is behind.

import { at, empty, keep, mark, row } from "./dom.js";
import { count, plural, seconds } from "./words.js";

const SILENT_S = 5; // without a word from who speaks every second

export function update({ sinks }) {
  if (!sinks) return;
  empty("sinks", !sinks.length);
  keep(at("sink-rows"), sinks, (sink) => sink.name, line);
}

function line() {
  const element = row(["", "state", "number", "", "number", ""], (sink) => [
    sink.name,
    isAlive(sink) ? "● runs" : sink.silent_s === null ? "○ never ran" : `✖ silent for ${seconds(sink.silent_s)}`,
    plural(sink.lag, "event"),
    sink.lag ? `${seconds(sink.oldest_s)} old` : "–",
    count(sink.records),
    [sink.error || sink.doing, sink.trimmed ? `${plural(sink.trimmed, "event")} missed` : ""].filter(Boolean).join("; "),
  ], { 2: "behind by", 3: "oldest", 4: "records" });
  const texts = element.update;
  element.update = (sink) => {
    texts(sink);
    mark(element, "data-state", isAlive(sink) ? "working" : "dead");
  };
  return element;
}

const isAlive = (sink) => sink.silent_s !== null && sink.silent_s < SILENT_S;
