import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Board } from "../board/createBoard.ts";
import type { Metrics } from "../metrics/createMetrics.ts";
import type { Scrub } from "../scrub.ts";
import { isSameOrigin } from "./authorize.ts";

type EventStreamOptions = {
  readonly entries: Board["entries"];
  readonly status: () => unknown;
  readonly metrics: Metrics;
  readonly scrub: Scrub;
};

const mostReaders = 32;
/** Entries in one message. */
const mostAtOnce = 200;
const flushMs = 250;
const statusMs = 1_000;
/** Bytes that may wait for a reader; whoever lets more wait is dropped. */
const mostBacklog = 1024 * 1024;

/**
 * `GET /api/events`: the live pipe as server-sent events. A reader gets the newest entries and the status at once, then
 * what is new, a few times a second. Nothing waits for a reader: one that is slow is dropped, and may come again.
 */
export function eventStream(server: FastifyInstance, { entries, status, metrics, scrub }: EventStreamOptions): void {
  const readers = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  let sent = 0;
  let statusAt = 0;

  const message = (event: string, data: unknown) => scrub(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const tellAll = (text: string) => {
    for (const reader of readers) {
      reader.write(text);
      if (reader.writableLength <= mostBacklog) continue;
      readers.delete(reader);
      reader.destroy();
      metrics.add("page_readers_dropped_total", 1);
    }
  };
  const flush = () => {
    const fresh = entries.since(sent);
    const skipped = entries.last() - sent - Math.min(fresh.length, mostAtOnce);
    sent = entries.last();
    if (fresh.length > 0) tellAll(message("entries", { skipped, entries: fresh.slice(-mostAtOnce) }));
    if (performance.now() - statusAt < statusMs) return;
    statusAt = performance.now();
    tellAll(message("status", status()));
  };
  const leave = (reader: ServerResponse) => {
    readers.delete(reader);
    metrics.set("page_readers", readers.size);
    if (readers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  // A HEAD would hold a place, and be told nothing: the response that the handler takes for itself has no body then.
  server.get("/api/events", { exposeHeadRoute: false }, (request, reply) => {
    // Another site's page can read nothing of it, but could keep every place. A person may open it by its address (`none`).
    if (!isSameOrigin(request) && request.headers["sec-fetch-site"] !== "none")
      return reply.code(403).send({ error: "this request comes from another site" });
    if (readers.size >= mostReaders) return reply.code(503).send({ error: "too many pages are open" });
    const headers = reply.getHeaders() as Record<string, string>;
    reply.hijack();
    const reader = reply.raw;
    reader.writeHead(200, { ...headers, "content-type": "text/event-stream", "x-accel-buffering": "no" });
    // Those who are here already get what is new first, so that nobody gets an entry twice.
    flush();
    sent = entries.last();
    readers.add(reader);
    metrics.set("page_readers", readers.size);
    reader.on("close", () => leave(reader));
    reader.on("error", () => leave(reader));
    reader.write(message("hello", { entries: entries.since(0).slice(-mostAtOnce), status: status() }));
    timer ??= setInterval(flush, flushMs).unref();
    return reply;
  });
  server.addHook("preClose", async () => {
    for (const reader of readers) reader.destroy();
  });
}
