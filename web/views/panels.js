/** @import { Status } from "../../src/ops/board/statusView.ts" */
import { byId, h, show, table } from "../dom.js";
import { many, ogpu, ogpuNumber, short, span } from "../format.js";
import { chainLink, taskLink } from "../links.js";

/** @param {Status} status */
export function showCaps({ caps }) {
  show(
    byId("caps"),
    caps.map(({ name, of, limit, used }) => {
      const left = used === null ? null : BigInt(limit) - BigInt(used);
      const full = ogpuNumber(limit);
      const words =
        left === null ? `at most ${ogpu(limit)} OGPU` : `${ogpu(left < 0n ? 0n : left)} of ${ogpu(limit)} OGPU left`;
      return h(
        "div",
        { class: "cap" },
        h(
          "div",
          { class: "row" },
          h("span", {}, h("code", {}, name), h("span", { class: "of" }, ` ${of}`)),
          h("span", {}, words),
        ),
        used !== null &&
          h("meter", {
            min: 0,
            max: full || 1,
            low: full * 0.75,
            high: full * 0.95,
            optimum: 0,
            value: Math.min(ogpuNumber(used), full),
            "aria-label": `${name}, ${of}: used`,
          }),
      );
    }),
  );
}

const stateTones = /** @type {Record<string, string>} */ ({
  signed: "accent",
  broadcast: "accent",
  mined: "good",
  intended: "plain",
});

/** @param {Status} status */
export function showLane({ lane, at }) {
  const { items, bumped, open, stuck } = lane;
  byId("lane-note").textContent = `${stuck > 0 ? `${many(stuck)} stuck, ` : ""}${many(bumped)} bumped since the start`;
  const total = open.intended + open.signed + open.broadcast + open.mined;
  if (items.length === 0) return show(byId("lane"), [h("p", { class: "empty" }, "Nothing is in flight.")]);
  const shown = items.slice(0, 12);
  const rows = shown.map(({ task, state, nonce, hash, attempts, signedAt, stuck: isStuck, payment, note }) => [
    nonce ?? "–",
    h(
      "span",
      { class: "badge", "data-tone": isStuck ? "warn" : (stateTones[state] ?? "plain"), title: note || false },
      isStuck ? "stuck" : state === "intended" ? "waiting" : state,
    ),
    taskLink(task),
    chainLink("tx", hash),
    ogpu(payment),
    attempts > 1 ? `${attempts - 1}×` : "–",
    signedAt === undefined ? "–" : span(at - signedAt),
  ]);
  show(byId("lane"), [
    table(
      "Confirmations that are not settled",
      ["#Nonce", "State", "Task", "Transaction", "#OGPU", "#Bumped", "#Since"],
      rows,
    ),
    total > shown.length ? h("p", { class: "empty" }, `and ${many(total - shown.length)} more`) : null,
  ]);
}

const endpointWords = /** @type {const} */ ({
  healthy: ["good", "healthy"],
  cooling: ["bad", "lost"],
  limited: ["warn", "limited"],
});

/** @param {Status} status */
export function showEndpoints({ endpoints, socket, sockets, at }) {
  byId("socket").textContent =
    sockets === 0
      ? "no WebSocket: polling only"
      : socket.up
        ? `WebSocket up, ${socket.endpoint ?? ""} for ${span(at - socket.since)}`
        : "WebSocket down";
  const rows = endpoints.map(({ name, state, isRefusing, head, lag, latencyMs, failureRate }) => {
    const [tone, word] = isRefusing ? /** @type {const} */ (["bad", "refuses"]) : endpointWords[state];
    return [
      h("span", { class: "mono" }, name),
      h("span", { class: "badge", "data-tone": tone }, word),
      head === null ? "–" : many(Number(head)),
      lag,
      latencyMs === null ? "–" : `${latencyMs} ms`,
      `${Math.round(failureRate * 100)} %`,
    ];
  });
  show(byId("endpoints"), [
    table("Endpoints and their health", ["Endpoint", "State", "#Head", "#Behind", "#Latency", "#Failing"], rows),
  ]);
}

/** @param {Status} status */
export function showPolicies({ policies, tallies }) {
  const rows = policies.map(({ name, mode, strategy, digest }) => ({ name, mode, strategy, digest }));
  const seen = new Set(rows.map(({ name, mode }) => `${mode} ${name}`));
  const extra = tallies
    .filter(({ policy, mode }) => !seen.has(`${mode} ${policy}`))
    .map(({ policy, mode }) => ({ name: policy, mode, strategy: "", digest: "" }));
  const cells = [...rows, ...extra].map(({ name, mode, strategy, digest }) => {
    const tally = tallies.find((each) => each.policy === name && each.mode === mode);
    const count = (/** @type {"confirm" | "reject" | "hold"} */ kind) => many(tally?.counts[kind] ?? 0);
    return [
      h(
        "span",
        { title: digest ? `${strategy}, digest ${digest}` : false },
        name,
        digest ? h("div", {}, h("small", { class: "mono" }, short(digest))) : null,
      ),
      h("span", { class: mode === "shadow" ? "badge outline" : "badge", "data-tone": "accent" }, mode),
      ...[count("confirm"), count("reject"), count("hold")],
      `${mode === "shadow" ? "would be " : ""}${ogpu(tally?.approved ?? "0")}`,
    ];
  });
  show(byId("policies"), [
    cells.length === 0
      ? h("p", { class: "empty" }, "No policy is in force: nothing is judged.")
      : table("What each policy decided", ["Policy", "Mode", "#Confirm", "#Reject", "#Hold", "#Approved"], cells),
  ]);
}
