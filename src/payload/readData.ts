import { type Gateway, parseGatewayUrl } from "./ipfs/gateway.ts";
import { type IpfsReference, parseIpfsUrl } from "./ipfs/reference.ts";

export type RemoteData =
  | { readonly kind: "url"; readonly url: URL }
  /** `url` is what the stranger wrote, and `gateway` the one that it names; both are missing for `ipfs://`. */
  | { readonly kind: "ipfs"; readonly reference: IpfsReference; readonly gateway?: Gateway; readonly url?: URL };

/** What a response's `data` is. */
type Data =
  | RemoteData
  /** The answer itself. */
  | { readonly kind: "inline" }
  | { readonly kind: "broken"; readonly error: string };

const maxUrlLength = 4_096;

/** Tells a URL from an answer. A URL that names content by CID is told from one that names a place. */
export function readData(data: string): Data {
  const text = data.trim();
  const isUrl = /^(ipfs|https?):\/\//i.test(text);
  if (!isUrl) return { kind: "inline" };
  if (text.length > maxUrlLength) return { kind: "broken", error: `a URL longer than ${maxUrlLength} characters` };
  if (/^ipfs:\/\//i.test(text)) {
    const reference = parseIpfsUrl(text);
    return reference ? { kind: "ipfs", reference } : { kind: "broken", error: "not an IPFS URL" };
  }
  const url = URL.parse(text);
  if (!url) return { kind: "broken", error: "not a URL" };
  const named = parseGatewayUrl(url);
  return named ? { kind: "ipfs", ...named, url } : { kind: "url", url };
}
