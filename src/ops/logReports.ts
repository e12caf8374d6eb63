import { firstWords, saidIn } from "../chain/jsonRpc.ts";
import { describeError } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import type { Report, Reporter } from "../report.ts";
import { digestText } from "./housekeeping/digestText.ts";
import type { Logger } from "./logger.ts";

const hopelessMessages = {
  "signed-anew": "nodes refuse a transaction for good: the call is signed anew in its nonce",
  "gave-up": "nodes refuse a confirmation for good: its nonce is used up without paying",
  nothing: "nodes refuse a transaction for good, and nothing helps: it holds up everything after it",
  "no-key": "a former key's transaction is not mined, and nothing can replace it: it holds up everything after it",
} as const;

/** Writes what the pipe reports to the log: a constant message and fields. */
export function logReports(logger: Logger): Reporter {
  return (report: Report) => {
    switch (report.type) {
      case "head":
        return logger.trace({ number: report.number.toString() }, "head");
      case "intake": {
        const { via, tasks, responses, block } = report;
        const fields = { via, tasks, responses, block: block?.toString() };
        return tasks + responses > 0 ? logger.info(fields, "found work") : logger.trace(fields, "looked");
      }
      case "task":
        return logger.info({ task: checksummed(report.task), reason: report.reason }, `task ${report.state}`);
      case "reopened": {
        const fields = { task: checksummed(report.task), block: report.block.toString() };
        return logger.warn(fields, "a node showed a task as over that a final block shows open: it is judged again");
      }
      case "policy-changed": {
        const { task, response, before, policy } = report;
        const fields = { task: checksummed(task), response: checksummed(response), before, policy };
        return logger.info(fields, "a waiting response goes on under the changed policies");
      }
      case "overtaken": {
        const { task, before, policy } = report;
        const fields = { task: checksummed(task), before, policy };
        return logger.info(fields, "the policies changed during a look: nothing was decided, the task is judged anew");
      }
      case "policies":
        return report.ok
          ? logger.info({ policies: report.policies }, "the changed policies are in force")
          : logger.error(
              { problems: report.problems },
              "the changed policies are refused: the ones before stay in force",
            );
      case "reload":
        if (report.stage === "began") return logger.info("reading the policies again");
        return report.problems === undefined
          ? logger.info("the policies were read again")
          : logger.error({ problems: report.problems }, "the policies were read again, and are refused");
      case "evaluation-killed":
        return logger.warn({ reason: report.reason }, "an evaluation was cut off and its thread replaced");
      case "no-turn": {
        const { task, response, reason } = report;
        return logger.debug(
          { task: checksummed(task), response: checksummed(response), reason },
          "a document or a judge was not asked",
        );
      }
      case "unmatched":
        return logger.warn({ task: checksummed(report.task), reason: report.reason }, "no policy matches the task");
      case "verdict": {
        const { task, response, kind, reason, policy, mode, payment, until } = report.decision;
        const fields = { task: checksummed(task), response: checksummed(response), kind, reason, policy, mode, until };
        return logger[kind === "hold" ? "warn" : "info"]({ ...fields, price: formatOgpu(payment) }, "verdict");
      }
      case "confirmation": {
        const { task, response, state, reason, nonce, mined, attempts, payment } = report.confirmation;
        const hash = report.receipt?.hash ?? mined?.hash ?? attempts.at(-1)?.hash;
        const addresses = { task: checksummed(task), response: checksummed(response) };
        const fields = { ...addresses, state, reason, nonce, hash, price: formatOgpu(payment) };
        const odd = state === "rejected" || state === "cancelled" || state === "superseded";
        const level = state === "dead" ? "error" : odd ? "warn" : "info";
        return logger[level](fields, "confirmation");
      }
      case "answer": {
        const { confirmation, answer, message } = report;
        return logger.warn({ nonce: confirmation.nonce, answer, message }, "the node did not accept a transaction");
      }
      case "postponed":
        return logger.warn(
          { response: checksummed(report.confirmation.response), reason: report.reason, forMs: report.forMs },
          "confirmation postponed",
        );
      case "held": {
        const { confirmation, cap, used, limit, until } = report;
        const fields = { task: checksummed(confirmation.task), price: formatOgpu(confirmation.payment), cap };
        const room = until === undefined ? "never" : new Date(until).toISOString();
        const level = until === undefined ? "warn" : "info";
        return logger[level](
          { ...fields, used: formatOgpu(used), limit: formatOgpu(limit), until: room },
          "a ceiling holds a confirmation",
        );
      }
      case "ceiling": {
        const { cap, scope, limit } = report;
        const fields = { cap, of: scope, limit: formatOgpu(limit) };
        if (!report.reached) return logger.info(fields, "nothing waits under the ceiling any more");
        const { used, until } = report;
        const room = until === undefined ? "never" : new Date(until).toISOString();
        return logger.warn(
          { ...fields, used: formatOgpu(used), until: room },
          until === undefined
            ? "a confirmation costs more than a ceiling: it waits until that is raised"
            : "a ceiling is reached: confirmations wait for room, in order",
        );
      }
      case "paused":
        return logger.error(
          { by: report.by, who: report.who, why: report.why, since: new Date(report.at).toISOString() },
          "paying is paused: ogpu-confirmd resume takes it up again",
        );
      case "resumed":
        return logger.warn({ who: report.who, why: report.why }, "paying is resumed");
      case "funds": {
        const { signer, balance, confirmations } = report;
        return logger.trace({ signer: checksummed(signer), balance: formatOgpu(balance), confirmations }, "funds");
      }
      case "balance": {
        const { signer, balance, confirmations, low } = report;
        const fields = { signer: checksummed(signer), balance: formatOgpu(balance), confirmations };
        return low
          ? logger.error(fields, "the key's balance will not pay for gas much longer: send it some")
          : logger.info(fields, "the key's balance suffices again");
      }
      case "key":
        return logKey(logger, report);
      case "stranger": {
        const { signer, from, to, where } = report;
        return logger.error(
          { signer: checksummed(signer), from, to, where },
          "somebody else sends transactions with the daemon's key",
        );
      }
      case "fee-ceiling": {
        const { confirmation, cap } = report;
        return logger.error(
          { task: checksummed(confirmation.task), nonce: confirmation.nonce, cap },
          "a confirmation is stuck at the ceiling of its fees: nothing dearer is signed",
        );
      }
      case "reverted": {
        const { confirmation, hash, reason } = report;
        return logger.warn({ task: checksummed(confirmation.task), hash, reason }, "a mined confirmation reverted");
      }
      case "hopeless": {
        const { confirmation, message, did } = report;
        const fields = { task: checksummed(confirmation.task), nonce: confirmation.nonce, message };
        return logger[did === "signed-anew" ? "warn" : "error"](fields, hopelessMessages[did]);
      }
      case "gap-filled":
        return logger.warn(
          { nonce: report.nonce, hash: report.hash, answer: report.answer },
          "a nonce that nobody held was filled",
        );
      case "reorg": {
        const fields = { from: report.from.toString(), rewindTo: report.rewindTo.toString() };
        return report.deep
          ? logger.error(fields, "a reorg below finality: the scanner goes back further")
          : logger.warn(fields, "reorg: the scanner goes back");
      }
      case "head-behind":
        return logger.debug(
          { checkpoint: report.checkpoint.toString(), head: report.head.toString() },
          "the endpoint's head is behind the checkpoint",
        );
      case "bloom":
        return logger[report.found > 0 ? "warn" : "debug"](
          { blocks: report.blocks, found: report.found },
          "an endpoint answered without the events that a block's bloom promises",
        );
      case "disagree":
        return logger.error(
          { block: report.block.toString(), hashes: report.hashes },
          "two endpoints disagree about a final block: look at rpc.http",
        );
      case "missed":
        return logger.warn(
          { via: report.via, tasks: report.tasks, responses: report.responses },
          "found what the intake had missed",
        );
      case "scanned":
        return logger.trace({ block: report.block.toString() }, "scanned");
      case "job":
        return report.ok
          ? logger.info({ job: report.job, did: report.detail, ms: report.ms }, "housekeeping done")
          : logger.error({ job: report.job, err: report.error }, "housekeeping failed: it is tried at its next time");
      case "digest":
        return logger.info({ since: new Date(report.digest.since).toISOString() }, digestText(report.digest));
      case "gateway":
        return report.up
          ? logger.debug({ gateway: report.gateway }, "a gateway answers")
          : logger.warn({ gateway: report.gateway, problem: report.problem }, "a gateway does not answer");
      case "expiry": {
        const fields = { what: report.what, until: new Date(report.at).toISOString() };
        return report.soon ? logger.warn(fields, "it expires soon: renew it") : logger.debug(fields, "still good");
      }
      case "progress": {
        const { block, head, blocksPerSecond, eventsPerSecond, eta } = report;
        const fields = { block: block.toString(), head: head.toString(), blocksPerSecond, eventsPerSecond, eta };
        return logger.info(fields, "catching up");
      }
      case "overflow":
        return logger.warn({ events: report.events }, "too many live events at once: left to the scanner");
      case "endpoint":
        return logEndpoint(logger, report);
      case "socket":
        return report.up
          ? logger.info({ endpoint: report.endpoint }, "the WebSocket is up")
          : logger.warn({ error: describeError(report.error), inMs: report.inMs }, "the WebSocket is down");
      case "retry":
        return logger.warn(
          { what: report.what, error: describeError(report.error), inMs: report.inMs },
          "trying again",
        );
      default:
        return report satisfies never;
    }
  };
}

const logEndpoint = (logger: Logger, report: Extract<Report, { type: "endpoint" }>): unknown => {
  const { endpoint } = report;
  switch (report.event) {
    case "down":
      return logger.warn(
        { endpoint, error: describeError(report.error), said: saidIn(report.error), forMs: report.forMs },
        "an endpoint fails",
      );
    case "refused":
      return logger.error(
        { endpoint, error: describeError(report.error), said: saidIn(report.error), forMs: report.forMs },
        "an endpoint refuses its key or its plan, or its quota is used up",
      );
    case "ahead":
      return logger.warn(
        { endpoint, error: describeError(report.error), forMs: report.forMs },
        "an endpoint tells of blocks that it does not have",
      );
    case "lacks":
      return logger.info(
        { endpoint, method: report.method, said: firstWords(report.error.message, 200) },
        "an endpoint does not do this call: others are asked where there are any",
      );
    case "up":
      return logger.info({ endpoint }, "an endpoint answers again");
    case "limited":
      return logger.warn({ endpoint, forMs: report.forMs }, "an endpoint asks for fewer requests");
    case "batch":
      return logger.warn({ endpoint, size: report.size }, "an endpoint takes smaller batches only");
    case "chosen":
      return logger.info({ endpoint, before: report.before }, "another endpoint answers from now on");
    default:
      return report satisfies never;
  }
};

const logKey = (logger: Logger, { signer, state, by, until }: Extract<Report, { type: "key" }>): unknown => {
  const fields = { signer: checksummed(signer), by, until: until && new Date(until).toISOString() };
  switch (state) {
    case "held":
      return logger.debug(fields, "the key is this daemon's");
    case "waiting":
      return logger.warn(fields, "another daemon or a command holds the key: this daemon waits for it");
    case "lost":
      return logger.error(fields, "another daemon has taken the key: this one signs nothing with it any more");
    case "no-funds":
      return logger.error(fields, "the key cannot pay for gas: it is given nothing until it can");
    case "funded":
      return logger.info(fields, "the key can pay for gas again");
    default:
      return state satisfies never;
  }
};
