/** @import { Status } from "../src/ops/board/statusView.ts" */
import { change } from "./api.js";
import { ask, cancel } from "./ask.js";
import { byId, h, show } from "./dom.js";
import { setExplorer } from "./links.js";
import { session, takeTokenFromAddress } from "./session.js";
import { follow } from "./stream.js";
import { followTheme, nextTheme } from "./theme.js";
import { concernsOf, showConcerns } from "./views/attention.js";
import { addToFeed, beginFeed, filterFeed } from "./views/feed.js";
import { showFlow } from "./views/flow.js";
import { showHeader, stateOf } from "./views/header.js";
import { askAbout, showHeld } from "./views/held.js";
import { chooseSpan, showMoney } from "./views/money.js";
import { showCaps, showEndpoints, showLane, showPolicies } from "./views/panels.js";
import { closeTask, openTask, refreshTask } from "./views/task.js";
import { showTiles } from "./views/tiles.js";

/** @type {Status | undefined} */
let status;
let connected = false;
let heldVersion = -1;
let lastState = "";
let moneyIsOld = true;

/** What fails here is tried again with the next status. @param {Promise<unknown> | undefined} work */
const quietly = (work) => void work?.catch(() => undefined);

/** @param {Status} next */
function showStatus(next) {
  status = next;
  setExplorer(next.explorer);
  showHeader(next, connected);
  showConcerns(byId("attention"), concernsOf(next));
  showTiles(byId("tiles"), next);
  showFlow(byId("flow"), next);
  showCaps(next);
  showLane(next);
  showEndpoints(next);
  showPolicies(next);
  show(byId("foot"), [
    h(
      "p",
      {},
      `Version ${next.version}. Figures “since the start” begin with this process; money is read from the journal. The raw figures: `,
      h("a", { href: "/status" }, "status"),
      ", ",
      h("a", { href: "/api/config" }, "configuration"),
      ", ",
      h("a", { href: "/metrics" }, "metrics"),
      ".",
    ),
  ]);
  announce();
  if (next.held.version !== heldVersion) {
    heldVersion = next.held.version;
    quietly(showHeld(next.canChange).catch(() => (heldVersion = -1)));
  }
  if (moneyIsOld) {
    moneyIsOld = false;
    quietly(showMoney());
  }
}

/** Tells a screen reader what an operator would look up for. */
function announce() {
  const { text } = stateOf(status, connected);
  const held = status?.held.count ?? 0;
  const state = held > 0 ? `${text}. ${held} responses wait for a person.` : text;
  if (state !== lastState) byId("announce").textContent = state;
  lastState = state;
}

takeTokenFromAddress();
followTheme();
follow({
  connection: (up) => {
    connected = up;
    if (!up) heldVersion = -1;
    showHeader(status, up);
    announce();
  },
  begin: beginFeed,
  entries: (entries, skipped) => {
    addToFeed(entries, skipped);
    if (entries.some(({ kind, state }) => kind === "confirmation" && state === "final")) moneyIsOld = true;
    for (const task of new Set(entries.map((entry) => entry.task))) quietly(refreshTask(task));
  },
  status: showStatus,
});
// A chart of the last hour moves on although nothing is paid.
setInterval(() => {
  moneyIsOld = true;
}, 15_000);

/**
 * @param {string} group
 * @param {HTMLElement} chosen
 */
function press(group, chosen) {
  for (const button of document.querySelectorAll(`[data-action="${group}"]`))
    button.setAttribute("aria-pressed", String(button === chosen));
}

const actions = /** @type {Record<string, (button: HTMLElement) => unknown>} */ ({
  task: ({ dataset }) => openTask(dataset.task ?? ""),
  "close-task": closeTask,
  "ask-cancel": cancel,
  theme: nextTheme,
  filter: (button) => {
    press("filter", button);
    filterFeed(button.dataset.filter ?? "all");
  },
  span: (button) => {
    press("span", button);
    return chooseSpan(button.dataset.span ?? "hour");
  },
  answer: ({ dataset }) => askAbout(Number(dataset.id), dataset.kind === "approve" ? "approve" : "reject"),
  pause: () =>
    ask({
      title: "Pause paying?",
      text: [
        h(
          "p",
          { class: "note" },
          "Nothing new is signed until somebody resumes. What is signed already goes on. Events are still taken in and judged.",
        ),
      ],
      submit: "Pause paying",
      stops: true,
      act: (answer) => change("/api/pause", answer),
    }),
  resume: () =>
    ask({
      title: "Resume paying?",
      text: [
        h(
          "p",
          { class: "note" },
          `It was paused${status?.paused ? ` by ${status.paused.who}: ${status.paused.why}` : ""}.`,
        ),
      ],
      submit: "Resume paying",
      act: (answer) => change("/api/resume", answer),
    }),
  session: () => {
    if (session.isOpen()) {
      session.setToken("");
      return showHeader(status, connected);
    }
    return ask({
      title: "Unlock this tab",
      text: [h("p", { class: "note" }, "Looking needs no token; approving, rejecting, pausing and resuming do.")],
      submit: "Unlock",
      asksWhy: false,
      act: () => change("/api/session", {}).then(() => showHeader(status, connected)),
    });
  },
});

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-action]") : null;
  if (!(button instanceof HTMLElement) || (button instanceof HTMLButtonElement && button.disabled)) return;
  const act = actions[button.dataset.action ?? ""];
  if (act) quietly(Promise.resolve(act(button)));
});
