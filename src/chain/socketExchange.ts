import { EndpointError } from "./endpoints/endpointError.ts";
import type { Exchange } from "./exchange.ts";
import { openRequestSocket, type RequestSocket, type RequestSocketOptions } from "./requestSocket.ts";

/**
 * Exchanges over WebSockets that are opened by the first one, kept, and opened anew by the next one after they ended. Over one
 * that is open an answer comes sooner than over HTTP: there are no headers to write and to read.
 *
 * What is sent over one stands in line there. So logs, which may be megabytes, have one of their own: a payment does not wait
 * behind them.
 */
export function socketExchange(options: RequestSocketOptions): Exchange {
  const short = overKeptSocket(options);
  const long = overKeptSocket(options);
  return (requests) => (requests.some(({ method }) => method === "eth_getLogs") ? long : short)(requests);
}

function overKeptSocket(options: RequestSocketOptions): Exchange {
  let kept: RequestSocket | undefined;
  const usable = (): RequestSocket => {
    if (kept?.isUsable()) return kept;
    kept?.close();
    kept = openRequestSocket(options);
    return kept;
  };
  return async (requests) => {
    try {
      return await usable().ask(requests);
    } catch (error) {
      if (!(error instanceof EndpointError) || !error.wasStale) throw error;
      // As over HTTP: the server had closed a kept connection at that moment; whatever is asked may be asked twice.
      return usable().ask(requests);
    }
  };
}
