// Permissions to look and to use the buttons, and the buttons of the crawl.

import { at } from "./dom.js";
import { ask, toast } from "./live.js";

let session = { may_look: false, has_buttons: false, may_press: false };

/** Get the permissions of this page, and ask for the token if it may not even look. */
export async function begin() {
  at("pause").onclick = () => press("/api/pause");
  at("resume").onclick = () => press("/api/resume");
  at("log-out").onclick = () => ask("/api/session", "DELETE").then(() => location.reload());
  at("token-cancel").onclick = () => at("token-dialog").close();
  await learn();
  if (!session.may_look) await token();
  return session;
}

/** Press a button: ask for the token first if needed, and show the result. */
export async function press(path, body = {}) {
  try {
    if (!session.may_press && !(await token())) return null;
    return await ask(path, "POST", body);
  } catch (error) {
    toast(error.message);
    if (error.status === 401) await learn();
    return null;
  }
}

/** Enable the button that applies. */
export function fit(phase) {
  at("pause").disabled = !session.has_buttons || phase !== "running";
  at("resume").disabled = !session.has_buttons || phase !== "paused";
}

export const hasButtons = () => session.has_buttons;

async function learn() {
  session = await ask("/api/session");
  at("log-out").hidden = !session.may_press;
  at("read-only").hidden = session.has_buttons;
  at("read-only").title = "Start the monitor with MONITOR_TOKEN to pause and resume here with that token.";
}

/** Ask for the token until it is right; false when the user cancels. */
function token() {
  const dialog = at("token-dialog");
  at("token-error").textContent = "";
  at("token").value = "";
  at("token-cancel").hidden = !session.may_look;
  return new Promise((resolve) => {
    dialog.oncancel = (event) => session.may_look || event.preventDefault();
    dialog.onclose = () => resolve(session.may_press);
    at("token-form").onsubmit = async (event) => {
      event.preventDefault();
      try {
        await ask("/api/session", "POST", { token: at("token").value });
        await learn();
        dialog.close();
      } catch (error) {
        at("token-error").textContent = error.message;
        at("token").select();
      }
    };
    dialog.showModal();
  });
}
