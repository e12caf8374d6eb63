import { type IpfsReference, referenceOf } from "./reference.ts";

/** A place to ask for content by CID: https://specs.ipfs.tech/http-gateways/ */
export type Gateway = {
  /** Tells gateways apart. */
  readonly name: string;
  /** @param path Names below the CID. @param query With its question mark, or empty. */
  readonly urlOf: (cid: string, path: readonly string[], query: string) => URL;
};

const pathOf = (names: readonly string[]): string => names.map((name) => `/${encodeURIComponent(name)}`).join("");

/** The usual kind, `https://host/ipfs/CID/path`. */
export function pathGateway(base: string): Gateway {
  const name = new URL(base).href.replace(/\/+$/, "");
  return { name, urlOf: (cid, path, query) => new URL(`${name}/ipfs/${cid}${pathOf(path)}${query}`) };
}

/** The kind that keeps contents apart, `https://CID.ipfs.host/path`. */
function subdomainGateway(protocol: string, host: string): Gateway {
  const name = `${protocol}//*.ipfs.${host}`;
  return {
    name,
    urlOf: (cid, path, query) => new URL(`${protocol}//${cid}.ipfs.${host}${pathOf(path) || "/"}${query}`),
  };
}

/** What a URL asks of which gateway; `undefined` where it is no gateway's, or asks for something else than content. */
export function parseGatewayUrl(
  url: URL,
): { readonly gateway: Gateway; readonly reference: IpfsReference } | undefined {
  if (url.search !== "") return undefined;
  const [, cid = "", path = ""] = /^\/ipfs\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
  const named = referenceOf(cid, path);
  if (named) return { gateway: pathGateway(url.origin), reference: named };
  const [, label = "", host = ""] = /^([a-z0-9]+)\.ipfs\.(.+)$/.exec(url.host) ?? [];
  const below = referenceOf(label, url.pathname);
  return below && { gateway: subdomainGateway(url.protocol, host), reference: below };
}
