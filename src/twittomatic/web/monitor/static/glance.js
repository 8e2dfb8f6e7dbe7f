// At a glance: progress, money, what was found, what goes wrong.

import { at, h, mark, say } from "./dom.js";
import { compact, count, dollars, plural, rate, seconds } from "./words.js";

const tiles = new Map();

/** Return the tile with a name, made at its first use: a large number, lines below, and a bar if it has a share. */
function tile(name) {
  if (!tiles.has(name)) {
    const value = h("p", { class: "value" });
    const bar = h("div", { class: "meter", hidden: "" }, h("div"));
    const more = h("p", { class: "more" });
    const element = h("div", { class: "tile" }, h("h3", {}, name), value, bar, more);
    at("tiles").append(element);
    tiles.set(name, { element, value, bar, more });
  }
  return tiles.get(name);
}

function set(name, value, more, share = null, isBad = false) {
  const { element, value: large, bar, more: small } = tile(name);
  say(large, value);
  say(small, more);
  bar.hidden = share === null;
  if (share !== null) bar.firstChild.style.width = `${Math.min(100, 100 * share)}%`;
  mark(element, "data-bad", isBad ? "" : null);
}

function spending(left) {
  if (left === null) return "";
  return left ? `, used up in ${seconds(left)}` : ", the rest is reserved for requests in flight";
}

export function update({ report, forecast, errors_per_minute: errors, at: now }) {
  const { done, to_do: ahead } = forecast;
  const share = done + ahead ? done / (done + ahead) : 0;
  const left =
    report.phase === "finished" ? "all done" : forecast.left_s === null ? "time left not known" : `at least ${seconds(forecast.left_s)} left`;
  const torn = report.unfinished_lists ? `, ${plural(report.unfinished_lists, "list")} unfinished` : "";
  set("Progress", `${Math.floor(100 * share)} %`, `${compact(done)} of ${plural(done + ahead, "known job")}, ${left}${torn}`, share);

  const budget = report.budget_usd;
  const spent = budget === null ? "no budget" : `of ${dollars(budget)}`;
  const pace = report.phase === "running" ? `, ${dollars(forecast.usd_per_hour)} an hour` : "";
  const until = spending(forecast.money_left_s);
  const others = report.spent_usd - report.crawl_spent_usd > 1e-9 ? `, ${dollars(report.crawl_spent_usd)} by this crawl` : "";
  const expected = report.crawl_expected_usd;
  const charged = expected < report.crawl_spent_usd ? `; X probably charges about ${dollars(Math.round(100 * expected) / 100)}` : "";
  set("Spent", dollars(report.spent_usd), `${spent}${pace}${until}${others}${charged}`, budget ? report.spent_usd / budget : null);

  const counters = report.counters;
  const posts = (counters["records:timeline"] || 0) + (counters["records:update"] || 0);
  set("Followers", count(counters["records:follower"] || 0), `${rate(forecast.followers_per_s)} a second`);
  set("Posts", count(posts), `${rate(forecast.posts_per_s)} a second`);
  set("Users found", count(report.seen), `${count(counters.targets || 0)} begun, ${count(report.frontier)} in the frontier`);
  set("Pages", rate(forecast.pages_per_s), "a second");
  const dead = Object.values(report.jobs).reduce((sum, jobs) => sum + jobs.dead, 0);
  const refused = Object.keys(report.rejected).length;
  const more = `a minute, ${plural(dead, "dead job")}${refused ? `, ${plural(refused, "credential")} refused` : ""}`;
  set("Errors", count(errors), more, null, errors > 0 || dead > 0 || refused > 0);
}
