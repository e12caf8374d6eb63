import type { Agents } from "./agents.ts";
import { collectBody } from "./collectBody.ts";
import { acceptsType, typeOf } from "./contentType.ts";
import { type Egress, refusal } from "./egress.ts";
import { type Failure, failed } from "./failure.ts";
import { openResponse } from "./openResponse.ts";
import { followRedirect, locationOf, maxRedirects } from "./redirect.ts";

export type Fetched =
  | { readonly ok: true; readonly body: Uint8Array /** Without parameters, in lower case. */; readonly type: string }
  | Failure;

type Ask = {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** @default JSON rather than anything else */
  readonly accept?: string;
  /** Refuses types that are neither JSON nor text, before their body. @default false */
  readonly textOnly?: boolean;
};

/** Fetches a stranger's URL within its limits. Never rejects. */
export type FetchUrl = (url: URL, ask: Ask) => Promise<Fetched>;

type FetchUrlDeps = { readonly egress: Egress; readonly agents: Agents; readonly firstByteMs: number };

const json = "application/json, */*;q=0.1";

/** Each hop of a redirect is checked as the first one was: scheme, port, and the address that is connected to. */
export function createFetchUrl({ egress, agents, firstByteMs }: FetchUrlDeps): FetchUrl {
  return async (first, { maxBytes, signal, accept = json, textOnly = false }) => {
    let url = first;
    for (let hop = 0; ; hop++) {
      const refused = refusal(url, egress);
      if (refused) return failed(hop === 0 ? refused : `a redirect is refused: ${refused}`);
      const opened = await openResponse(url, { accept, firstByteMs, signal, agents, egress });
      if (!opened.ok) return opened;
      const { response } = opened;
      const give = <T extends Failure>(failure: T): T => {
        response.destroy();
        return failure;
      };
      const location = locationOf(response);
      if (location !== undefined) {
        if (hop === maxRedirects) return give(failed(`more than ${maxRedirects} redirects`));
        const next = followRedirect(url, location);
        response.destroy();
        if (!next.ok) return next;
        url = next.url;
        continue;
      }
      const { statusCode: status = 0, headers } = response;
      if (status !== 200) return give({ ...failed(`HTTP ${status}`, mayPass(status)), status });
      const type = typeOf(headers["content-type"]);
      if (textOnly && !acceptsType(type)) return give(failed("the content type is neither JSON nor text"));
      const collected = await collectBody(response, maxBytes, signal);
      return collected.ok ? { ...collected, type } : collected;
    }
  };
}

const mayPass = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;
