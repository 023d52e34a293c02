// The parameters of a strategy as fields, each held to its range while it is typed.

import { element, number } from "./live-words.js";

export class ParameterForm {
  constructor(parameters, config, onEdit) {
    this.parameters = parameters;
    this.config = config;
    this.onEdit = onEdit;
    this.fields = new Map();
    this.node = element("div", { className: "parameters" }, ...parameters.map((one) => this.row(one)));
  }

  // What differs from what is in force.
  edited() {
    const found = {};
    for (const [name, { input }] of this.fields) {
      const value = Number(input.value);
      if (input.value.trim() !== "" && value !== this.config.parameters[name]) found[name] = value;
    }
    return found;
  }

  get isPossible() {
    return this.parameters.every((one) => problemOf(one, this.fields.get(one.name).input.value) === "");
  }

  // Say what the sidecar found, beside the fields it is about; what is about none of them is given back.
  say(findings) {
    const others = [];
    for (const { parameter, message, expected } of findings) {
      const names = parameter.split(",").map((name) => name.trim()).filter((name) => this.fields.has(name));
      names.forEach((name) => this.complain(name, `${message}${expected && names.length === 1 ? ` (expected ${expected})` : ""}.`));
      if (!names.length) others.push(message);
    }
    return others;
  }

  reset() {
    for (const [name, { input }] of this.fields) input.value = number(this.config.parameters[name]);
    this.fields.forEach((_, name) => this.complain(name, ""));
  }

  row(parameter) {
    const { name, type, min, max } = parameter;
    const inForce = this.config.parameters[name];
    const own = this.config.symbol !== null && name in (this.config.stored_parameters ?? {});
    const input = element("input", {
      type: "number",
      id: `parameter-${name}`,
      name,
      value: number(inForce),
      step: type === "int" ? "1" : "any",
      min: String(min),
      max: String(max),
      inputMode: type === "int" ? "numeric" : "decimal",
    });
    const error = element("p", { className: "error", id: `error-${name}`, hidden: true });
    input.setAttribute("aria-describedby", error.id);
    this.fields.set(name, { input, error });
    input.addEventListener("input", () => {
      this.complain(name, problemOf(parameter, input.value));
      input.classList.toggle("edited", name in this.edited());
      this.onEdit();
    });
    const marks = inForce !== parameter.default ? [element("span", { className: "tag", textContent: own ? "own value" : "changed" })] : [];
    return element(
      "div",
      { className: "parameter" },
      element(
        "label",
        { htmlFor: input.id },
        element("span", { className: "mono", textContent: name }),
        ...marks,
        element("span", { className: "quiet", textContent: parameter.description }),
      ),
      element("span", { className: "range quiet", textContent: `${number(min)} to ${number(max)}, default ${number(parameter.default)}` }),
      element("div", { className: "value" }, input, error),
    );
  }

  complain(name, message) {
    const { input, error } = this.fields.get(name);
    error.textContent = message;
    error.hidden = message === "";
    input.setAttribute("aria-invalid", String(message !== ""));
  }
}

function problemOf({ type, min, max }, text) {
  const value = Number(text);
  const kind = type === "int" ? "a whole number" : "a number";
  const fits = text.trim() !== "" && Number.isFinite(value) && value >= min && value <= max;
  return fits && (type !== "int" || Number.isInteger(value)) ? "" : `Expected ${kind} from ${number(min)} to ${number(max)}.`;
}
