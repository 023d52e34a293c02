// Elements, numbers and times, as people read them. Texts of others only ever become text.

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { dataset, ...plain } = properties;
  Object.assign(made, plain);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

export function options(select, choices, chosen) {
  const made = choices.map(([value, text]) => element("option", { value, textContent: text, selected: value === chosen }));
  select.replaceChildren(...made);
}

export function price(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 1000 ? 2 : size >= 1 ? 4 : 8;
  return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: digits });
}

export function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? String(Number(value.toPrecision(8))) : "–";
}

export function percent(value) {
  return typeof value === "number" && Number.isFinite(value) ? `${Math.round(value * 100)} %` : "–";
}

export function moment(text) {
  return String(text ?? "").replace("T", " ").slice(0, 16);
}

export function shortMoment(text) {
  return moment(text).slice(5);
}

export function span(seconds) {
  const size = Math.max(0, seconds);
  if (size < 90) return `${Math.round(size)} s`;
  if (size < 5400) return `${Math.round(size / 60)} min`;
  if (size < 172800) return `${Math.round(size / 3600)} h`;
  return `${Math.round(size / 86400)} days`;
}

export function counted(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
