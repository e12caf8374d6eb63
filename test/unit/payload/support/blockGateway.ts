import { parseCid } from "../../../../src/payload/ipfs/cid.ts";
import { readFile } from "../../../../src/payload/ipfs/readFile.ts";
import type { Arena } from "./arena.ts";
import type { Blocks } from "./blocks.ts";

export type BlockGatewayOptions = {
  /** Whether `?format=raw` gives a block; otherwise the query is not looked at. @default true */
  readonly trustless?: boolean;
  /** Every request in its order, as path and query. */
  readonly requests?: string[];
};

/** An IPFS gateway: whole files by path, single blocks by `?format=raw`. */
export const serveBlocks = (arena: Arena, blocks: Blocks, options: BlockGatewayOptions = {}): Promise<string> =>
  arena.serve(async ({ url = "/" }, response) => {
    options.requests?.push(url);
    const { pathname, searchParams } = new URL(url, "http://gateway");
    const [, , text = "", ...path] = pathname.split("/").map(decodeURIComponent);
    const cid = parseCid(text);
    if (!cid || !blocks.has(cid)) return void response.writeHead(404).end();
    if (options.trustless !== false && searchParams.get("format") === "raw") {
      response.writeHead(200, { "content-type": "application/vnd.ipld.raw" });
      return void response.end(await blocks.get(cid));
    }
    const file = await readFile(cid, path, blocks.get, 100_000_000).catch(() => undefined);
    if (!file)
      return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><h1>Index of</h1>");
    response.writeHead(200, { "content-type": "application/json" }).end(file);
  });
