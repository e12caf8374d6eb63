/**
 * Makes an element. Children that are text become text nodes: nothing that a stranger wrote is ever markup.
 *
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] `true` sets an empty one; `false`, `null` and `undefined` leave it out.
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/**
 * The same for SVG.
 *
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {SVGElement}
 */
export function svg(name, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, string | number | boolean | null | undefined>} attributes
 * @param {readonly (Node | string | number | null | undefined | false)[]} children
 * @returns {E}
 */
function build(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/**
 * Shows these children in an element, and changes only what differs: focus, scroll and open details stay.
 *
 * @param {Element} target
 * @param {readonly (Node | null | undefined | false)[]} next
 */
export function show(target, next) {
  const wanted = next.filter((node) => node instanceof Node);
  wanted.forEach((node, index) => {
    const there = target.childNodes[index];
    if (there === undefined) target.append(node);
    else morph(there, node);
  });
  while (target.childNodes.length > wanted.length) target.lastChild?.remove();
}

/**
 * @param {ChildNode} there
 * @param {Node} wanted
 */
function morph(there, wanted) {
  if (there.nodeName !== wanted.nodeName) return there.replaceWith(wanted);
  if (!(there instanceof Element) || !(wanted instanceof Element)) {
    if (there.nodeValue !== wanted.nodeValue) there.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...there.attributes]) {
    // Whether details are open is the reader's affair.
    if (name !== "open" && !wanted.hasAttribute(name)) there.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (there.getAttribute(name) !== value) there.setAttribute(name, value);
  }
  show(there, [...wanted.childNodes]);
}

/**
 * The element of an id; the page has it.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * A table; columns whose head starts with `#` hold numbers.
 *
 * @param {string} caption For screen readers.
 * @param {readonly string[]} heads
 * @param {readonly (readonly (Node | string | number | null)[])[]} rows
 */
export function table(caption, heads, rows) {
  const isNumber = heads.map((head) => head.startsWith("#"));
  const cells = (/** @type {string} */ name, /** @type {readonly (Node | string | number | null)[]} */ row) =>
    row.map((cell, index) =>
      h(name, { class: isNumber[index] && "number", scope: name === "th" && "col" }, cell ?? "–"),
    );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "visually-hidden" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...cells(
            "th",
            heads.map((head) => head.replace("#", "")),
          ),
        ),
      ),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells("td", row)))),
    ),
  );
}
