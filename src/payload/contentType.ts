/** The media type without its parameters, in lower case; empty where none is given. */
export const typeOf = (header: string | undefined): string => header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** Whether a body of this type may be JSON or text. The bytes decide in the end: this only spares what is plainly neither. */
export const acceptsType = (type: string): boolean =>
  /^(|text\/.*|application\/(.*\+)?json|application\/(octet-stream|x-ndjson|javascript|xhtml\+xml))$/.test(type);

/** Whether something that is not JSON is a web page: what servers show to people when they fail with status 200. */
export const isHtml = (type: string, text: string): boolean =>
  type === "text/html" || type === "application/xhtml+xml" || /^\s*<(!doctype html|html)\b/i.test(text.slice(0, 1_024));
