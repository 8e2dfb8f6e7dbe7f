// Who may look, who may press the buttons, and the buttons of the crawl.

import { at } from "./dom.js";
import { ask, toast } from "./live.js";

let session = { may_look: false, has_buttons: false, may_press: false };

/** Learn what this page may do, and ask for the token where it may not even look. */
export async function begin() {
  at("pause").onclick = () => press("/api/pause");
  at("resume").onclick = () => press("/api/resume");
  at("log-out").onclick = () => ask("/api/session", "DELETE").then(() => location.reload());
  at("token-cancel").onclick = () => at("token-dialog").close();
  await learn();
  if (!session.may_look) await token();
  return session;
}

/** Press a button: ask for the token first where that is needed, and say what came of it. */
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

/** Show which of the two buttons has something to do. */
export function fit(phase) {
  at("pause").disabled = !session.has_buttons || phase !== "running";
  at("resume").disabled = !session.has_buttons || phase !== "paused";
}

export const hasButtons = () => session.has_buttons;

async function learn() {
  session = await ask("/api/session");
  at("log-out").hidden = !session.may_press;
  at("read-only").hidden = session.has_buttons;
  at("read-only").title = "Start the monitor with MONITOR_TOKEN, and who has that token can pause and resume here.";
}

/** Ask for the token until it is right; false when the user would rather not. */
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
