// The sinks and their lag.

import { at, empty, keep, mark, row } from "./dom.js";
import { plural, seconds } from "./words.js";

export function update({ report: { sinks } }) {
  empty("sinks", !sinks.length);
  keep(at("sink-rows"), sinks, (sink) => sink.name, line);
}

function line() {
  const texts = (sink) => [
    sink.name,
    sink.running ? "● runs" : "✖ does not run",
    plural(sink.lag, "event"),
    sink.lag ? seconds(sink.oldest_s) : "–",
    [sink.error || (sink.running ? sink.doing : ""), sink.trimmed ? `${plural(sink.trimmed, "event")} missed` : ""].filter(Boolean).join("; "),
  ];
  const element = row(["name", "state", "number", "", ""], texts, { 2: "behind by", 3: "oldest waits" });
  const write = element.update;
  element.update = (sink) => {
    write(sink);
    mark(element, "data-state", sink.running ? "working" : "dead");
  };
  return element;
}
