import { read } from "../api.js";
import { byId, h, show, table } from "../dom.js";
import { moment, ogpu } from "../format.js";
import { chainLink } from "../links.js";

const dialog = /** @type {HTMLDialogElement} */ (byId("task"));
/** @type {string | undefined} */
let open;

/** @param {string} address */
export async function openTask(address) {
  open = address;
  byId("task-title").textContent = "Task";
  show(byId("task-body"), [h("p", { class: "note" }, "Reading …")]);
  if (!dialog.open) dialog.showModal();
  await refresh();
}

export const closeTask = () => dialog.close();

/** Reads the task again, if this is the one that is open. @param {string | undefined} address */
export const refreshTask = (address) => (dialog.open && open === address ? refresh() : undefined);

dialog.addEventListener("close", () => {
  open = undefined;
});

async function refresh() {
  if (open === undefined) return;
  try {
    const task = await read(`/api/tasks/${open}`);
    show(byId("task-body"), bodyOf(task));
  } catch (error) {
    show(byId("task-body"), [h("p", { class: "error" }, error instanceof Error ? error.message : String(error))]);
  }
}

/** @param {any} task What `/api/tasks/…` answers. */
function bodyOf({ task, source, state, reason, responses, confirmation, answers, verdicts }) {
  return [
    pairs([
      ["Task", chainLink("task", task, task)],
      ["Source", chainLink("source", source, source)],
      ["State", reason ? `${state}: ${reason}` : state],
      ["Responses", String(responses.length)],
    ]),
    h("h3", {}, "Confirmation"),
    ...(confirmation ? confirmationOf(confirmation) : [h("p", { class: "note" }, "Nothing is paid for this task.")]),
    ...(answers.length === 0 ? [] : [h("h3", {}, "Waiting to be carried out"), ...answers.map(answerOf)]),
    h("h3", {}, "Verdicts, the newest first"),
    ...(verdicts.length === 0 ? [h("p", { class: "note" }, "None yet.")] : verdicts.map(verdictOf)),
  ];
}

/** @param {any} confirmation */
function confirmationOf({ response, state, reason, payment, offered, nonce, mined, attempts }) {
  const saved = offered === null ? null : BigInt(offered) - BigInt(payment);
  return [
    pairs([
      ["State", reason ? `${state}: ${reason}` : state],
      ["Response", chainLink("address", response, response)],
      ["Price", `${ogpu(payment, 18)} OGPU`],
      ...(saved === null ? [] : [["Saved", `${ogpu(saved, 18)} of ${ogpu(offered, 18)} OGPU`]]),
      ["Nonce", nonce === null ? "–" : String(nonce)],
      ...(mined ? [["Mined in", `block ${mined.block}`]] : []),
    ]),
    attempts.length === 0
      ? null
      : table(
          "Signed transactions",
          ["Signed", "Kind", "#Nonce", "Transaction"],
          attempts.map((/** @type {any} */ each) => [
            moment(each.signedAt),
            each.kind,
            each.nonce,
            chainLink("tx", each.hash),
          ]),
        ),
  ];
}

/** @param {any} answer */
const answerOf = ({ response, kind, who, why }) =>
  h("p", {}, `${who} says ${kind}: ${why} `, chainLink("address", response));

const tones = /** @type {Record<string, string>} */ ({ confirm: "good", reject: "bad", hold: "warn", wait: "plain" });

/** @param {any} verdict */
function verdictOf({
  at,
  response,
  provider,
  kind,
  reason,
  until,
  policy,
  policyDigest,
  mode,
  payment,
  block,
  payloadDigest,
  factsDigest,
  facts,
  transaction,
}) {
  return h(
    "div",
    { class: "verdict" },
    h(
      "div",
      { class: "head" },
      h("span", { class: "badge", "data-tone": tones[kind] ?? "plain" }, kind),
      h("span", { class: mode === "shadow" ? "badge outline" : "badge", "data-tone": "accent" }, mode),
      h("b", {}, `${ogpu(payment)} OGPU`),
      h("time", { datetime: new Date(at).toISOString() }, moment(at)),
    ),
    h("p", {}, reason),
    pairs([
      ["Policy", policy],
      ["Policy digest", h("span", { class: "mono" }, policyDigest)],
      ["Response", chainLink("address", response, response)],
      ...(provider ? [["Provider", chainLink("address", provider, provider)]] : []),
      ...(until ? [["Looked at again", moment(until * 1000)]] : []),
      ...(transaction ? [["Transaction", chainLink("tx", transaction, transaction)]] : []),
    ]),
    h(
      "details",
      {},
      h("summary", {}, facts.length > 0 ? `Facts (${facts.length})` : "Block and digests"),
      h(
        "div",
        { class: "facts" },
        pairs([
          ["Read at block", `${block.number} ${block.hash}`],
          ["Payload digest", payloadDigest || "–"],
          ["Facts digest", factsDigest || "–"],
          ...facts.map((/** @type {any} */ fact) => [fact.name, fact.value]),
        ]),
      ),
    ),
  );
}

/** @param {readonly any[]} list Names and values. */
const pairs = (list) =>
  h("dl", { class: "pairs" }, ...list.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
