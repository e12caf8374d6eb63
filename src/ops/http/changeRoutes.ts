import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from "fastify";
import { BaseError } from "../../errors.ts";
import { pausePaying, resumePaying } from "../../sink/guardrails/pausing.ts";
import type { Logger } from "../logger.ts";
import { badRequest, type OperatorParts } from "./operatorRoutes.ts";

type ChangeParts = {
  /** Who may, and how often. */
  readonly route: RouteShorthandOptions;
  readonly ready: () => OperatorParts;
  readonly now: () => number;
  readonly logger: Logger;
};

type Ask = { readonly who: string; readonly why: string };
type Body = FastifyRequest<{ Body: unknown }>;

/** What a person may change over HTTP: answer for a held response, pause paying, resume it. Each with a name and a reason. */
export function changeRoutes(server: FastifyInstance, { route, ready, now, logger }: ChangeParts): void {
  server.post("/api/session", route, async (_, reply) => reply.code(204).send());

  server.post(
    "/api/held/:id",
    route,
    async (request: FastifyRequest<{ Params: { id: string }; Body: unknown }>, reply) => {
      const { journal, board, refresh } = ready();
      const ask = askOf(request.body);
      const kind = fieldOf(request.body, "kind");
      if (kind !== "approve" && kind !== "reject") throw badRequest("kind is approve or reject");
      if (!/^[1-9]\d{0,14}$/.test(request.params.id)) throw badRequest("this is no ID of a held response");
      const verdictId = Number(request.params.id);
      try {
        await journal.answerHeld({ verdictId, kind, ...ask }, now());
      } catch (error) {
        if (!(error instanceof BaseError) || error.code !== "NOT_HELD") throw error;
        return reply.code(409).send({ error: "it is not held any more: it was answered, or settled otherwise" });
      }
      logger.warn({ verdict: verdictId, kind, ...ask }, "a person answered for a held response, on the page");
      const title = kind === "approve" ? "a person approves a held response" : "a person rejects a held response";
      board.say({ kind: "notice", tone: "good", title, detail: `${ask.who}: ${ask.why}` });
      refresh();
      return { id: verdictId, kind, ...ask };
    },
  );

  server.post("/api/pause", route, async ({ body }: Body) => {
    const { journal, refresh } = ready();
    const { pause, isNew } = await pausePaying(journal, askOf(body), now());
    logger.warn({ who: pause.who, why: pause.why, isNew }, "a person pauses paying, on the page");
    refresh();
    return { paused: pause, isNew };
  });

  server.post("/api/resume", route, async ({ body }: Body) => {
    const { journal, refresh } = ready();
    const ask = askOf(body);
    const wasPaused = await resumePaying(journal, ask, now());
    logger.warn({ ...ask, wasPaused }, "a person resumes paying, on the page");
    refresh();
    return { paused: null, wasPaused };
  });
}

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;

/** @throws 400 where the name or the reason is missing, or not text that a person writes. */
function askOf(body: unknown): Ask {
  const text = (name: "who" | "why", longest: number, what: string): string => {
    const given = fieldOf(body, name);
    // Line breaks and the like would let a reason look like more than one record; of what nobody sees nothing is left.
    const cleaned = typeof given === "string" ? given.replace(/\p{C}+/gu, " ").trim() : "";
    if (cleaned === "") throw badRequest(`${name} is missing: write ${what}`);
    if (cleaned.length > longest) throw badRequest(`${name} is longer than ${longest} characters`);
    return cleaned;
  };
  return { who: text("who", 100, "your name"), why: text("why", 500, "a reason") };
}
