import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { maskedConfig } from "../../config/maskedConfig.ts";
import type { Config } from "../../config/schema.ts";
import type { Journal } from "../../journal/journal.ts";
import { type TaskAddress, toAddress } from "../../protocol/brand.ts";
import type { Board } from "../board/createBoard.ts";
import { heldView } from "../board/heldView.ts";
import { type MoneySpan, moneySpans } from "../board/money.ts";
import type { Status } from "../board/statusView.ts";
import { taskView } from "../board/taskView.ts";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics/createMetrics.ts";
import type { Scrub } from "../scrub.ts";
import { createAuthorize } from "./authorize.ts";
import { changeRoutes } from "./changeRoutes.ts";
import { eventStream } from "./eventStream.ts";
import { staticFiles } from "./staticFiles.ts";

export type OperatorParts = {
  readonly config: Config;
  readonly journal: Journal;
  readonly board: Board;
  readonly status: () => Status;
  /** After something was changed: what is shown is read again. */
  readonly refresh: () => void;
  /** What whoever changes something must show; `undefined`: nobody may. */
  readonly token: string | undefined;
};

type OperatorOptions = {
  /** `undefined` until the daemon has opened its journal. */
  readonly parts: () => OperatorParts | undefined;
  readonly now: () => number;
  readonly metrics: Metrics;
  readonly scrub: Scrub;
  readonly logger: Logger;
};

/** Changes of one kind that may be asked for in a minute with the token, and, apart from them, by each address without it. */
const changesPerMinute = 60;

/** The page, what it shows, and what it may change. */
export async function operatorRoutes(server: FastifyInstance, options: OperatorOptions): Promise<void> {
  const { parts, now, metrics, scrub, logger } = options;
  await server.register(rateLimit, { global: false });
  staticFiles(server);
  const ready = (): OperatorParts => {
    const found = parts();
    if (found !== undefined) return found;
    throw Object.assign(new Error("the daemon is still starting"), { statusCode: 503 });
  };

  server.get("/status", async () => ready().status());
  server.get("/api/config", async () => maskedConfig(ready().config));
  server.get("/api/held", async () => heldView(ready().journal));
  server.get("/api/money", async (request: FastifyRequest<{ Querystring: { span?: string } }>) => {
    const { span = "hour" } = request.query;
    if (!Object.hasOwn(moneySpans, span)) throw badRequest("span is hour, day or month");
    const { board } = ready();
    return { span, ...moneySpans[span as MoneySpan], at: now(), points: board.money.series(span as MoneySpan, now()) };
  });
  server.get("/api/tasks/:task", async (request: FastifyRequest<{ Params: { task: string } }>, reply) => {
    const found = await taskView(ready().journal, taskOf(request.params.task));
    return found ?? reply.code(404).send({ error: "the journal does not know this task" });
  });

  const whenReady = <T>(ask: (found: OperatorParts) => T, otherwise: T): T => {
    const found = parts();
    return found === undefined ? otherwise : ask(found);
  };
  eventStream(server, {
    entries: {
      since: (sequence) => whenReady(({ board }) => board.entries.since(sequence), []),
      last: () => whenReady(({ board }) => board.entries.last(), 0),
    },
    status: () => whenReady<Status | null>(({ status }) => status(), null),
    metrics,
    scrub,
  });

  const { refuseForeign, showsToken, requireToken } = createAuthorize({
    token: () => parts()?.token,
    ...{ now, metrics, logger },
  });
  const rateLimited = {
    max: changesPerMinute,
    timeWindow: 60_000,
    // Whoever shares the operator's address, or its proxy, must not be able to keep the operator from pausing.
    keyGenerator: (request: FastifyRequest) => (showsToken(request) ? "the token" : normalizeIP(request.ip)),
    onExceeded: () => metrics.add("refused_changes_total", 1, { reason: "rate" }),
  };
  changeRoutes(server, {
    // The limit is one more hook on the request: it goes after the one that is there.
    route: { onRequest: refuseForeign, preParsing: requireToken, config: { rateLimit: rateLimited } },
    ready,
    ...{ now, logger },
  });
}

export const badRequest = (message: string): Error => Object.assign(new Error(message), { statusCode: 400 });

function taskOf(text: string): TaskAddress {
  try {
    return toAddress<TaskAddress>(text);
  } catch {
    throw badRequest("this is no address of a task");
  }
}
