// The followers that were found, as a picture and as a list.

import { at, empty, h, s, say } from "./dom.js";
import { ask } from "./live.js";
import { lookUp } from "./jobs.js";
import { compact, count, plural } from "./words.js";

const SIZE = 640;
const EDGE = 26;
const DEPTHS = 5; // colours; what lies deeper has the last one
const TOP = 10;
const REFRESH_MS = 5_000;
let drawn = "";

export function begin() {
  let isSeen = false;
  new IntersectionObserver((entries) => {
    isSeen = entries.at(-1).isIntersecting;
    if (isSeen) load();
  }).observe(at("found"));
  setInterval(() => isSeen && !document.hidden && load(), REFRESH_MS);
}

async function load() {
  let picture;
  try {
    picture = await ask("/api/graph");
  } catch {
    return; // the page says already that the monitor is away
  }
  const text = JSON.stringify(picture);
  if (text === drawn) return;
  drawn = text;
  const { nodes, crawled } = picture;
  empty("found", !nodes.length);
  const part = nodes.length < crawled ? `${count(nodes.length)} of ${count(crawled)}: the seeds, those with the most followers, some others` : "";
  say(at("found-count"), nodes.length ? part || plural(crawled, "user") + " with a followers list" : "");
  at("graph").replaceChildren(...(nodes.length ? [draw(picture), legend(picture)] : []));
  at("top").replaceChildren(...(nodes.length ? [top(nodes)] : []));
}

function draw({ nodes, links }) {
  const place = (share) => (EDGE + share * (SIZE - 2 * EDGE)).toFixed(1);
  const most = Math.max(1, ...nodes.map((node) => node.followers));
  const lines = links.map(([from, to]) => `M${place(nodes[from].x)} ${place(nodes[from].y)}L${place(nodes[to].x)} ${place(nodes[to].y)}`);
  const discs = nodes.map((node) => {
    const radius = (3 + 15 * Math.sqrt(node.followers / most)).toFixed(1);
    const title = s("title", {}, `${called(node)}: ${plural(node.followers, "follower")}, depth ${node.depth}`);
    const disc = s("circle", { cx: place(node.x), cy: place(node.y), r: radius, class: `node depth-${Math.min(node.depth, DEPTHS - 1)}` }, title);
    disc.addEventListener("click", () => {
      lookUp(node.id);
      at("user-form").scrollIntoView();
    });
    return [node.followers, disc];
  });
  discs.sort(([a], [b]) => b - a); // small ones in front
  return s(
    "svg",
    { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": `The follower graph: ${plural(nodes.length, "user")}, ${plural(links.length, "link")}` },
    s("path", { class: "links", d: lines.join("") }),
    ...discs.map(([, disc]) => disc),
  );
}

function legend({ nodes, links_cut: isCut }) {
  const depths = [...new Set(nodes.map((node) => Math.min(node.depth, DEPTHS - 1)))].sort();
  const entries = depths.map((depth) => {
    const disc = s("svg", { width: 14, height: 14 }, s("circle", { cx: 7, cy: 7, r: 5, class: `node depth-${depth}` }));
    return h("span", { class: "entry" }, disc, ` depth ${depth}${depth === DEPTHS - 1 ? " and more" : ""}`);
  });
  const size = h("span", { class: "faint" }, `Larger: more followers. A line: one follows the other${isCut ? " (some are left out)" : ""}.`);
  return h("figcaption", {}, ...entries, size);
}

function top(nodes) {
  const rows = [...nodes]
    .sort((a, b) => b.followers - a.followers)
    .slice(0, TOP)
    .map((node) => {
      const button = h("button", { type: "button", class: "link", onclick: () => lookUp(node.id) }, called(node));
      return h("tr", {}, h("td", {}, button), h("td", { class: "number" }, compact(node.followers)), h("td", { class: "number" }, count(node.depth)));
    });
  const head = h("tr", {}, h("th", {}, "User"), h("th", { class: "number" }, "Followers"), h("th", { class: "number" }, "Depth"));
  return h("table", {}, h("caption", {}, "The most followers so far"), h("thead", {}, head), h("tbody", {}, ...rows));
}

function called({ id, username, name }) {
  return username ? `${name || username} (@${username})` : id;
}
