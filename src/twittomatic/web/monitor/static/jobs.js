// Jobs by module, the dead ones with a button, and everything about one user.

import { at, h, keep, mark, row } from "./dom.js";
import { ask, toast } from "./live.js";
import { hasButtons, press } from "./session.js";
import { bytes, count, dollars, moment, plural } from "./words.js";

export function begin() {
  at("retry-all").onclick = () => retry({});
  at("user-form").onsubmit = (event) => {
    event.preventDefault();
    lookUp(at("user").value.trim());
  };
}

export function update({ report, dead }) {
  const spent = report.money.modules;
  const modules = Object.entries(report.jobs)
    .filter(([name, jobs]) => report.modules.includes(name) || Object.values(jobs).some(Boolean))
    .map(([name, jobs]) => ({ name, jobs, spent: spent[name]?.spent_usd || 0 }));
  const others = Object.keys(spent)
    .filter((name) => !(name in report.jobs))
    .map((name) => ({ name, jobs: null, spent: spent[name].spent_usd })); // without jobs, such as the seeds' profiles
  keep(at("module-rows"), [...modules, ...others], (module) => module.name, moduleRow);
  if (!dead) return;
  at("dead").hidden = !dead.length;
  at("retry-all").disabled = !hasButtons();
  keep(at("dead-rows"), dead, (job) => job.name, deadJob);
}

function moduleRow() {
  const texts = ({ name, jobs, spent }) => [
    name,
    ...["ready", "leased", "delayed", "dead", "completed"].map((place) => (jobs ? count(jobs[place]) : "")),
    dollars(spent),
  ];
  const heads = { 1: "ready", 2: "leased", 3: "delayed", 4: "dead", 5: "done", 6: "spent" };
  return row(["name", ...Array(6).fill("number")], texts, heads);
}

function deadJob(job) {
  const element = row(["name", "", "", "number"], ({ name, at: when, reason, tries }) => [name, moment(when), reason, count(tries)], { 3: "tries" });
  const button = h("button", { type: "button", "aria-label": `Retry ${job.name}`, onclick: () => retry({ job: job.name }) }, "Retry");
  mark(button, "disabled", hasButtons() ? null : "");
  element.append(h("td", {}, button));
  return element;
}

async function retry(body) {
  const done = await press("/api/retry", body);
  if (done) toast(`${plural(done.revived, "job")} ${done.revived === 1 ? "has" : "have"} another chance.`);
}

/** Show what is known of a user. */
export async function lookUp(user) {
  at("user").value = user;
  try {
    at("user-result").replaceChildren(...describe(await ask(`/api/user?user=${encodeURIComponent(user)}`)));
  } catch (error) {
    at("user-result").replaceChildren(h("p", { class: "error" }, error.message));
  }
}

function describe({ user_id: user, state, jobs, files, journal }) {
  return [
    h("h3", {}, `User ${user} ${state}`),
    table("Jobs", ["Module", "State", "Depth", "So far", "Failures"], jobs.map(jobRow)),
    ...jobs.filter((job) => job.tries.length).map((job) => tries(job)),
    table("Files", ["File", "Size", "Changed"], files.map((file) => [file.file, bytes(file.bytes), moment(file.changed_at)])),
    table("Journal", ["When", "Module", "What", "How complete", "Cost"], journal.map(entryRow)),
  ];
}

function jobRow(job) {
  const of = job.claimed === null ? "" : ` of ${count(job.claimed)}`;
  const failed = [job.failures && plural(job.failures, "failure"), job.crashes && plural(job.crashes, "crash", "crashes")];
  return [
    job.module,
    job.worker ? `${job.state} by ${job.worker}` : job.state + (job.due_at ? `, due ${moment(job.due_at)}` : ""),
    count(job.depth),
    `${plural(job.records, "record")}${of} in ${plural(job.pages, "page")}`,
    failed.filter(Boolean).join(", ") || "none",
  ];
}

function tries({ module, tries }) {
  return table(`Tries: ${module}`, ["When", "Worker", "Why it ended"], tries.map((one) => [moment(one.at), one.worker, one.reason]));
}

const ENDINGS = {
  complete: "all of them",
  ceiling: "as many as the network serves",
  cut: "cut at the limit that was set",
  stalled: "the network repeated itself",
  lost: "lost since",
};

function entryRow(entry) {
  const claimed = entry.claimed === null ? "" : `, ${count(entry.claimed)} claimed`;
  return [
    moment(entry.repaired_at || entry.ended_at),
    entry.module,
    entry.file ? `${plural(entry.lines, "line")} in ${entry.file}` : "no file",
    entry.ending === "unavailable" ? `is ${entry.reason}` : `${ENDINGS[entry.ending] || entry.ending}${claimed}`,
    dollars(entry.cost_usd),
  ];
}

function table(title, heads, rows) {
  if (!rows.length) return h("p", { class: "faint" }, `${title}: none.`);
  const body = rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, cell))));
  const head = h("tr", {}, ...heads.map((text) => h("th", {}, text)));
  return h(
    "div",
    { class: "scroll short", tabindex: 0, role: "region", "aria-label": title },
    h("table", {}, h("caption", {}, title), h("thead", {}, head), h("tbody", {}, ...body)),
  );
}
