// Builds elements. Texts only ever become text nodes, so nothing that a user or a log wrote is markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element: attributes (null leaves one out, `on...` is a listener), then children. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const at = (id) => document.getElementById(id);

/** Set a text, unless it is the same. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, unless it is the same; null removes it. */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/**
 * Match the children of an element to a list; each item keeps its child.
 * `make(item)` returns a new child with a function `update(item)`.
 */
export function keep(parent, items, key, make) {
  const known = (parent.known ||= new Map());
  const wanted = new Map(items.map((item) => [key(item), item]));
  for (const [name, child] of known) {
    if (!wanted.has(name)) {
      child.remove();
      known.delete(name);
    }
  }
  let before = parent.firstChild;
  for (const [name, item] of wanted) {
    let child = known.get(name);
    if (!child) {
      child = make(item);
      known.set(name, child);
    }
    child.update(item);
    if (child === before) before = before.nextSibling;
    else parent.insertBefore(child, before);
  }
}

/**
 * Make a table row whose cells are updated by a function that returns their texts; null leaves a cell alone.
 * `heads` label the cells where the head of the table is hidden.
 */
export function row(classes, texts, heads = {}) {
  const cells = classes.map((name, index) => h("td", { class: name || null, "data-head": heads[index] }));
  const element = h("tr", {}, ...cells);
  element.update = (item) => texts(item).forEach((text, index) => text === null || say(cells[index], text));
  return element;
}

/** Show either the content of a section, or its note for when it is empty. */
export function empty(id, isEmpty) {
  const note = at(id).querySelector(":scope > .empty");
  note.hidden = !isEmpty;
  note.previousElementSibling.hidden = isEmpty;
}
