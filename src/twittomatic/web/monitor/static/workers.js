// Who works on what, who leads, and who is gone.

import { at, h, keep, mark, row, say } from "./dom.js";
import { count, moment, plural, seconds } from "./words.js";

const ICONS = { working: "●", idle: "○", silent: "◐", dead: "✖" };
let last = null;

export function begin() {
  at("worker-filter").oninput = () => last && list(last);
}

export function update({ report, workers, gone, leaders }) {
  last = workers;
  list(workers);
  lead(report, leaders);
  at("gone").hidden = !gone.length;
  keep(at("gone-rows"), gone, (one) => one.name, farewell);
}

function list(workers) {
  const states = ["working", "idle", "silent", "dead"].map((state) => [state, workers.filter((one) => one.state === state).length]);
  say(at("worker-count"), states.filter(([, many]) => many).map(([state, many]) => `${count(many)} ${state}`).join(", "));
  const wanted = at("worker-filter").value.trim().toLowerCase();
  const shown = workers.filter(
    (one) => !wanted || one.name.toLowerCase().includes(wanted) || one.jobs.some((job) => `${job.module} ${job.user_id}`.includes(wanted)),
  );
  keep(at("worker-rows"), shown, (one) => one.name, worker);
  at("no-workers").hidden = shown.length > 0;
  say(at("no-workers"), workers.length ? "No worker is like that." : "Nobody works at the moment.");
}

function worker() {
  const jobs = h("ul", { class: "doing" });
  const element = row(["name", "state", "", "number", ""], (one) => [
    one.name,
    `${ICONS[one.state]} ${one.state}`,
    null,
    count(one.count),
    lease(one),
  ], { 3: "jobs", 4: "lease" });
  const texts = element.update;
  element.children[2].append(jobs);
  element.update = (one) => {
    texts(one);
    mark(element, "data-state", one.state);
    const more = one.count - one.jobs.length;
    const entries = one.jobs.map((job) => ({ key: `${job.module}:${job.user_id}`, text: describe(job) }));
    if (more > 0) entries.push({ key: "more", text: `and ${count(more)} more` });
    keep(jobs, entries, (entry) => entry.key, line);
  };
  return element;
}

function lease({ state, silent_s: silent, lease_s: whole }) {
  if (state === "dead") return `over: silent for ${seconds(silent)}`;
  if (state === "silent") return `silent for ${seconds(silent)} of ${seconds(whole)}`;
  return `${seconds(whole - silent)} of ${seconds(whole)} left`;
}

function line() {
  const element = h("li");
  element.update = ({ text }) => say(element, text);
  return element;
}

function describe({ module, user_id: user, pages, records, for_s: held }) {
  return `${module} of ${user}: ${plural(records, "record")} in ${plural(pages, "page")}, ${seconds(held)}`;
}

function lead(report, leaders) {
  const { name, epoch } = report.master;
  const standbys = report.standbys.length ? ` Standing by: ${report.standbys.join(", ")}.` : " Nobody stands by.";
  const changes = epoch > 1 ? ` The crawl has been led ${count(epoch)} times` + (leaders[0] ? `, this way since ${moment(leaders[0].at)}.` : ".") : "";
  say(at("master"), name ? `Master: ${name} leads, epoch ${epoch}.${standbys}${changes}` : `Master: nobody leads.${standbys}`);
}

function farewell() {
  const element = row(["name", "state", "", "number", ""], (one) => [
    one.name,
    one.died ? "✖ died" : "left",
    moment(one.gone_at),
    plural(one.held.length, "job"),
    one.heirs.join(", ") || "–",
  ], { 3: "held", 4: "taken over by" });
  const texts = element.update;
  element.update = (one) => {
    texts(one);
    mark(element, "data-state", one.died ? "dead" : "left");
  };
  return element;
}
