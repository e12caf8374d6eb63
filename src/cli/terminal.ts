import { styleText } from "node:util";
import type { Context } from "./context.ts";

/** Colours and emphasis, on a terminal that wants them. */
type Style = "bold" | "dim" | "green" | "yellow" | "red";

/** Whether what is printed may have colours: on a terminal, unless `NO_COLOR` is set. */
const hasColours = ({ isTTY, env }: Context): boolean => isTTY && !env.NO_COLOR;

/** A text in a style, or as it is. */
const styled = (context: Context, style: Style, text: string): string =>
  hasColours(context) ? styleText(style, text, { validateStream: false }) : text;

export type Cell = string | { readonly text: string; readonly style: Style };

const textOf = (cell: Cell): string => plain(typeof cell === "string" ? cell : cell.text);

/**
 * Rows under a heading: aligned on a terminal; elsewhere one line each, tabs between, so that `cut` and `awk` can read it.
 */
export function table(context: Context, heading: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (!context.isTTY) return [heading, ...rows].map((row) => `${row.map(textOf).join("\t")}\n`).join("");
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column] ?? "").length)),
  );
  const line = (cells: readonly Cell[], style?: Style) =>
    `${cells
      .map((cell, column) => {
        const padding = column === heading.length - 1 ? "" : " ".repeat((widths[column] ?? 0) - textOf(cell).length);
        const own = typeof cell === "string" ? style : cell.style;
        return (own ? styled(context, own, textOf(cell)) : textOf(cell)) + padding;
      })
      .join("  ")}\n`;
  return line(heading, "bold") + rows.map((row) => line(row)).join("");
}

/** The same person's other output, where plans and progress go. */
export const onErrors = (context: Context): Context => ({ ...context, isTTY: context.errorsOnTTY ?? false });

/** Names and values, one a line. */
export function facts(context: Context, rows: readonly (readonly [name: string, value: Cell])[]): string {
  if (!context.isTTY) return rows.map(([name, value]) => `${name}\t${textOf(value)}\n`).join("");
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value]) => {
      const shown = typeof value === "string" ? plain(value) : styled(context, value.style, textOf(value));
      return `${styled(context, "dim", name.padEnd(width))}  ${shown}\n`;
    })
    .join("");
}

/** JSON for programs. Bigints never get here: amounts carry their unit. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A text on one line, without what a terminal would obey. */
export const plain = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");

/** The same of a stranger's text, and not longer than it is useful. */
export function oneLine(text: string, most = 60): string {
  const shown = plain(text);
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
}
