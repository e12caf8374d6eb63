import { ConfigError, RetryableError } from "../../errors.ts";

/** What an operator should read when a port cannot be opened. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case "EADDRINUSE":
      // A restart may overlap with the end of the instance before.
      return new RetryableError(`port ${port} of ${host} is in use`, {
        code: "PORT_IN_USE",
        remedy: "another instance may be running: stop it, or set http.port to another port (0 takes any)",
        cause: error,
      });
    case "EACCES":
      return new ConfigError(`this user may not listen at port ${port} of ${host}`, {
        code: "PORT_FORBIDDEN",
        remedy: "set http.port to a port above 1023",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigError(`this machine has no address ${host}`, {
        code: "HOST_UNAVAILABLE",
        remedy: "set http.host to one of its addresses, such as 127.0.0.1",
        cause: error,
      });
    default:
      return error;
  }
}
