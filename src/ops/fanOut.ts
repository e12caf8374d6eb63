import type { Report, Reporter } from "../report.ts";

/**
 * Passes each report to every listener. One that throws disturbs neither the others nor the pipe.
 *
 * @param onError Told of what a listener threw; what it throws itself is dropped.
 */
export function fanOut(listeners: readonly Reporter[], onError: (error: unknown) => void): Reporter {
  return (report: Report) => {
    for (const listen of listeners) {
      try {
        listen(report);
      } catch (error) {
        try {
          onError(error);
        } catch {
          // Nobody is left to tell.
        }
      }
    }
  };
}
