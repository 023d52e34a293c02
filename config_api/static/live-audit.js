// Who changed what, when and why, and the way back.

import { element, moment, number } from "./live-words.js";

export function auditView(entries, onRollBack) {
  if (!entries.length) return element("p", { className: "quiet", textContent: "Nothing was changed yet." });
  return element("ol", { className: "audit list", id: "audit" }, ...entries.map((entry, place) => row(entry, place === 0, onRollBack)));
}

function row(entry, isNewest, onRollBack) {
  const back = element("button", {
    type: "button",
    className: "small",
    textContent: "Roll back to this",
    onclick: () => onRollBack(entry),
  });
  return element(
    "li",
    {},
    element(
      "div",
      {},
      element("strong", { textContent: `Version ${entry.version}` }),
      element("span", { textContent: ` by ${entry.changed_by}, ${moment(entry.changed_at)}` }),
      element("p", { className: "reason", textContent: entry.reason ? `“${entry.reason}”` : "No reason given." }),
      element("p", { className: "mono quiet", textContent: differences(entry) }),
    ),
    isNewest ? null : back,
  );
}

function differences({ old_parameters: before, new_parameters: after }) {
  if (after === null) return "Everything that was stored here was deleted.";
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])];
  const changed = names.filter((name) => (before ?? {})[name] !== after[name]);
  if (before === null && changed.length > 6) return `${changed.length} values were stored.`;
  return changed.map((name) => `${name}: ${shown((before ?? {})[name])} → ${shown(after[name])}`).join(", ") || "No value changed.";
}

function shown(value) {
  return typeof value === "number" ? number(value) : "–";
}
