// The connection to the monitor: a WebSocket that receives each view of the crawl, and requests for the rest.

import { at } from "./dom.js";

const RETRY_MS = [250, 500, 1000, 2000];

/** Call `show` with each view while the page is open, and `lost` with a sentence while there is no connection. */
export function follow(show, lost) {
  let failures = 0;
  function connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    socket.onmessage = (message) => {
      failures = 0;
      if (!document.hidden) show(JSON.parse(message.data));
    };
    socket.onclose = () => {
      if (failures++) {
        lost("The monitor does not answer; this page continues when it does. The crawl runs without it.");
        ask("/api/session").then((session) => session.may_look || location.reload(), () => {});
      }
      setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]);
    };
  }
  connect();
}

/** Ask for something; a refusal is thrown as its sentence. */
export async function ask(path, method = "GET", body = undefined) {
  let answer;
  try {
    answer = await fetch(path, { method, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The monitor does not answer.");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error(found.error || `The monitor answered ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return found;
}

let toasting;

/** Say something for some seconds. */
export function toast(sentence) {
  const element = at("toast");
  element.textContent = sentence;
  element.hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => (element.hidden = true), 6000);
}
