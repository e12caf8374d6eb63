import { Refusal } from "./api.js";
import { byId, show } from "./dom.js";
import { session } from "./session.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {readonly Node[]} [text] What exactly is about to happen.
 * @property {string} submit The button's words.
 * @property {boolean} [stops] Whether the button is to be red.
 * @property {boolean} [asksWhy] Also for a name and a reason; `true` where it is left out.
 * @property {(answer: { who: string, why: string }) => Promise<unknown>} act
 */

const dialog = /** @type {HTMLDialogElement} */ (byId("ask"));
const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));
/** @type {Question | undefined} */
let asked;

/**
 * Asks a person for a word before something is changed: who, why, and, where this tab does not have it, the token. The
 * dialog stays open until the daemon has taken it.
 *
 * @param {Question} question
 */
export function ask(question) {
  asked = question;
  const { title, text = [], submit, stops = false, asksWhy = true } = question;
  byId("ask-title").textContent = title;
  show(byId("ask-text"), text);
  byId("ask-error").textContent = "";
  byId("ask-token-row").hidden = session.isOpen();
  byId("ask-who-row").hidden = !asksWhy;
  byId("ask-why-row").hidden = !asksWhy;
  field("ask-token").value = "";
  field("ask-who").value = session.who();
  field("ask-why").value = "";
  byId("ask-submit").textContent = submit;
  byId("ask-submit").className = stops ? "button stop" : "button strong";
  dialog.showModal();
  const first = ["ask-token", "ask-who", "ask-why"]
    .map(field)
    .find((each) => !each.parentElement?.hidden && each.value === "");
  first?.focus();
}

export const cancel = () => dialog.close();

byId("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const question = asked;
  if (question === undefined) return;
  const [who, why] = [field("ask-who").value.trim(), field("ask-why").value.trim()];
  const asksWhy = question.asksWhy ?? true;
  if (!session.isOpen() && field("ask-token").value.trim() === "")
    return complain("The token is missing.", "ask-token");
  if (asksWhy && who === "") return complain("Your name is missing.", "ask-who");
  if (asksWhy && why === "") return complain("A reason is missing: it is kept with the decision.", "ask-why");
  if (!session.isOpen()) session.setToken(field("ask-token").value.trim());
  if (asksWhy) session.setWho(who);
  const submit = field("ask-submit");
  submit.disabled = true;
  try {
    await question.act({ who, why });
    dialog.close();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      session.setToken("");
      byId("ask-token-row").hidden = false;
      complain(`Refused: ${error.message}.`, "ask-token");
    } else complain(`Refused: ${error instanceof Error ? error.message : String(error)}.`, "ask-submit");
  } finally {
    submit.disabled = false;
  }
});

/**
 * @param {string} message
 * @param {string} id
 */
function complain(message, id) {
  byId("ask-error").textContent = message;
  field(id).focus();
}
