import { describeError, RetryableError } from "../errors.ts";
import type { ClientContext } from "./context.ts";
import { InputError } from "./errors.ts";
import { isUrl } from "./inputs.ts";
import { requireTimeout } from "./options.ts";

export type UploadOptions = {
  /** @default data.json */
  readonly filename?: string;
  /** @default application/json */
  readonly contentType?: string;
  /** Milliseconds. @default 30_000 */
  readonly timeoutMs?: number;
};

/** An answer holds a link and nothing else of use. */
const mostAnswer = 65_536;

/**
 * Uploads data to the network's IPFS service.
 *
 * @param data Anything that JSON can hold; a string is uploaded as it is.
 * @returns the URL that names it, e.g. `https://cipfs.ogpuscan.io/ipfs/…`.
 * @throws RetryableError `UPLOAD_FAILED` if the service is down or answers no link. Nothing was sent to the chain. InputError
 *   `NOT_JSON`, `OPTION_INVALID`.
 * @example const url = await client.publishToIpfs({ function_name: "sentiment", data: { text: "great" } });
 */
export async function publishToIpfs(
  { uploadUrl }: Pick<ClientContext, "uploadUrl">,
  data: unknown,
  { filename = "data.json", contentType = "application/json", timeoutMs = 30_000 }: UploadOptions = {},
): Promise<string> {
  requireTimeout(timeoutMs);
  const content = typeof data === "string" ? data : jsonOf(data);
  const body = new FormData();
  body.set("file", new File([content], filename, { type: contentType }));
  const failed = (why: string) =>
    new RetryableError(`the upload to ${new URL(uploadUrl).host} failed: ${why}`, {
      code: "UPLOAD_FAILED",
      remedy: "try again later, or upload it elsewhere and give its URL; nothing was sent to the chain",
    });
  let answer: string;
  try {
    const response = await fetch(uploadUrl, {
      method: "POST",
      body,
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "error",
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw failed(`HTTP ${response.status}`);
    }
    answer = await textOf(response);
  } catch (error) {
    throw error instanceof RetryableError ? error : failed(reasonOf(error, timeoutMs));
  }
  const link = linkIn(answer);
  if (link === undefined) throw failed("its answer holds no link");
  return link;
}

function jsonOf(data: unknown): string {
  let problem = `${typeof data} has no JSON`;
  try {
    const json = JSON.stringify(data) as string | undefined;
    if (json !== undefined) return json;
  } catch (error) {
    problem = describeError(error);
  }
  throw new InputError(`nothing was uploaded, for it is no JSON: ${problem}`, {
    code: "NOT_JSON",
    remedy: "give what JSON can hold: large numbers as texts, and nothing that holds itself",
  });
}

async function textOf(response: globalThis.Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostAnswer) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function linkIn(answer: string): string | undefined {
  try {
    const { link } = JSON.parse(answer) as { link?: unknown };
    return isUrl(link) && link.length < 2_048 ? link : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as Error & { cause?: { code?: string } };
  if (name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  return cause?.code ?? "the connection failed";
}
