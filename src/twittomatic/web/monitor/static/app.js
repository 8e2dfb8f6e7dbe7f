// The page: gets its permissions, follows the crawl, and passes each view to the parts that draw it.

import * as charts from "./charts.js";
import { at, say } from "./dom.js";
import * as found from "./found.js";
import * as glance from "./glance.js";
import * as jobs from "./jobs.js";
import { follow } from "./live.js";
import * as log from "./log.js";
import * as session from "./session.js";
import * as sinks from "./sinks.js";
import * as windows from "./windows.js";
import * as workers from "./workers.js";

const PHASES = { running: "▶", paused: "❚❚", finished: "✔", idle: "○" };

function head(report) {
  document.title = `${report.crawl}: ${report.phase} – Twittomatic`;
  say(at("crawl"), report.crawl);
  say(at("phase"), `${PHASES[report.phase] || ""} ${report.phase}`);
  at("phase").dataset.phase = report.phase;
  const until = report.until ? ` (until ${report.until})` : "";
  say(at("reason"), report.reason ? `${report.reason}${until}` : "");
  session.fit(report.phase);
}

function away(sentence) {
  say(at("away"), sentence);
  at("away").hidden = !sentence;
  document.body.classList.toggle("stale", Boolean(sentence));
}

function show(view) {
  away(view.away ? `${view.away} This page continues by itself.` : "");
  if (!view.report) return;
  document.body.classList.remove("blind");
  head(view.report);
  for (const part of [glance, charts, windows, workers, jobs, sinks]) part.update(view);
}

function choose(theme) {
  localStorage.setItem("theme", theme);
  document.documentElement.dataset.theme = theme;
}

at("theme").value = localStorage.getItem("theme") || "";
at("theme").onchange = () => choose(at("theme").value);
say(at("crawl"), (await session.begin()).crawl);
for (const part of [charts, workers, jobs, found, log]) part.begin();
follow(show, away);
