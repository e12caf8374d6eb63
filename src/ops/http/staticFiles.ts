import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";

/** The package's own folder: it stands beside `src/` and beside `dist/`. */
const folder = fileURLToPath(new URL("../../../web", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Serves the page's files, each from memory under its own path: no path of a request ever reaches the disk. */
export function staticFiles(server: FastifyInstance): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(join(folder, name));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const path = `/${name.replaceAll("\\", "/")}`;
    server.get(path === "/index.html" ? "/" : path, (request, reply) => {
      reply.headers({ etag, "cache-control": "no-cache" });
      if (request.headers["if-none-match"] === etag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
}
