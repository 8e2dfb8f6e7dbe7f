// The windows: a bar for each credential at each endpoint.

import { at, empty, h, keep, mark, say } from "./dom.js";
import { count, seconds } from "./words.js";

export function update({ windows }) {
  if (!windows) return;
  const endpoints = [...new Set(windows.map((window) => window.endpoint))].sort();
  const groups = endpoints.map((endpoint) => ({
    endpoint,
    windows: windows.filter((window) => window.endpoint === endpoint),
  }));
  empty("windows", !groups.length);
  keep(at("window-groups"), groups, (group) => group.endpoint, group);
}

function group({ endpoint }) {
  const bars = h("div", { class: "windows" });
  const element = h("div", { class: "window-group" }, h("h3", {}, endpoint), bars);
  element.update = ({ windows }) => keep(bars, windows, (window) => window.credential, bar);
  return element;
}

function bar({ credential }) {
  const fill = h("div");
  const numbers = h("span");
  const resets = h("span", { class: "faint" });
  const meter = h("div", { class: "meter", role: "meter", "aria-valuemin": 0, "aria-label": credential }, fill);
  const element = h("div", { class: "window" }, h("code", {}, credential), numbers, meter, resets);
  element.update = ({ left, limit, opens_in_s: opens }) => {
    fill.style.width = `${limit ? (100 * left) / limit : 0}%`;
    mark(meter, "aria-valuemax", limit);
    mark(meter, "aria-valuenow", left);
    mark(element, "data-bad", left === 0 ? "" : null);
    say(numbers, left ? `${count(left)} of ${count(limit)}` : `empty, of ${count(limit)}`);
    say(resets, opens > 0 ? `resets in ${seconds(opens)}` : "whole");
  };
  return element;
}
