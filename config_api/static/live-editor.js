// One strategy's configuration: look, try, change, go back.

import { Refusal, get, post, remove } from "./live-api.js";
import { auditView } from "./live-audit.js";
import { ParameterForm } from "./live-parameters.js";
import { trialView } from "./live-trial.js";
import { counted, element, options } from "./live-words.js";

const BARS = [200, 500, 1000, 2000];
const BY = "ta-bot-changed-by";

export class Editor {
  constructor({ root, chosenKey, symbols, onTrial, onSelect, onChanged }) {
    Object.assign(this, { root, chosenKey, symbols, onTrial, onSelect, onChanged });
    this.strategy = null;
    this.symbol = null;
    this.turn = 0;
    this.pending = "";
    this.isBusy = false;
  }

  async open(strategy, symbol = null) {
    this.strategy = strategy;
    this.symbol = symbol;
    await this.load();
  }

  // Somebody changed it, perhaps here.
  async heard({ strategy_id: strategyId, symbol, version }) {
    const isThis = strategyId === this.strategy?.id && (symbol === null || symbol === this.symbol);
    if (this.isBusy) return; // what is under way looks anew when it is done
    if (!isThis || (symbol === this.symbol && version <= (this.config?.version ?? 0))) return;
    if (Object.keys(this.form?.edited() ?? {}).length) {
      this.say(`Somebody changed this meanwhile${symbol === this.symbol ? `: it is version ${version} now` : ""}.`, true);
    } else {
      await this.load();
    }
  }

  get path() {
    return `/strategies/${this.strategy.id}/config${this.symbol ? `/${encodeURIComponent(this.symbol)}` : ""}`;
  }

  async load(message = "") {
    if (message) this.pending = message; // whichever look is the last one shows it
    const turn = ++this.turn;
    const id = this.strategy.id;
    try {
      const config = await get(this.path); // the first look stores the defaults, which the audit is to show
      const [schema, audit] = await Promise.all([
        get(`/strategies/${id}/schema`),
        get(`/strategies/${id}/audit`, { symbol: this.symbol, limit: 20 }),
      ]);
      if (turn === this.turn) this.show(schema, config, audit);
    } catch (error) {
      if (turn !== this.turn) return;
      this.root.replaceChildren(element("p", { className: "error", textContent: words(error) }));
    }
  }

  show(schema, config, audit) {
    this.config = config.data;
    this.tried = null;
    this.onTrial(null);
    this.form = new ParameterForm(schema.data, this.config, () => this.edited());
    this.result = element("p", { id: "result", className: "result", role: "status", hidden: true });
    this.outcome = element("div", { id: "trial" });
    const entries = audit.data.filter((entry) => entry.symbol === this.symbol);
    this.root.replaceChildren(
      this.head(),
      ...schema.metadata.rules.map((rule) => element("p", { className: "mono quiet", textContent: `${rule} must hold` })),
      this.form.node,
      this.trying(),
      this.outcome,
      this.changing(),
      this.result,
      element("h3", { textContent: "History of changes" }),
      auditView(entries, (entry) => this.rollBack(entry)),
    );
    if (config.metadata.note) this.say(config.metadata.note, true);
    if (this.pending) this.say(this.pending);
    this.pending = "";
    this.edited();
  }

  head() {
    const { strategy, config } = this;
    const scope = element("select", { id: "scope", onchange: () => this.open(strategy, scope.value || null) });
    const symbols = [...new Set([...this.symbols(), ...strategy.symbol_overrides, ...(this.symbol ? [this.symbol] : [])])].sort();
    const own = new Set(strategy.symbol_overrides);
    options(scope, [["", "all symbols"], ...symbols.map((name) => [name, own.has(name) ? `${name} (own values)` : name])], this.symbol ?? "");
    return element(
      "div",
      { className: "head" },
      element("h3", { textContent: strategy.name }),
      element("p", { textContent: strategy.description }),
      element("label", {}, "For ", scope),
      element("p", { id: "version", className: "quiet", textContent: `${config.version ? `Version ${config.version}` : "Nothing stored"}, in force from ${config.source}` }),
    );
  }

  trying() {
    this.bars = element("select", { id: "bars", ariaLabel: "How many bars" });
    options(this.bars, BARS.map((count) => [String(count), `last ${count} bars`]), "500");
    this.tryIt = element("button", { type: "button", id: "try", textContent: "Try it", onclick: () => this.run(() => this.try()) });
    this.undo = element("button", { type: "button", id: "undo", className: "plain", textContent: "Undo", onclick: () => this.undoAll() });
    this.hint = element("span", { id: "hint", className: "quiet" });
    return element("div", { className: "actions" }, this.tryIt, this.bars, this.undo, this.hint);
  }

  changing() {
    this.by = element("input", { id: "by", autocomplete: "off", maxLength: 100, value: sessionStorage.getItem(BY) ?? "" });
    this.reason = element("input", { id: "reason", autocomplete: "off", maxLength: 500, placeholder: "why this is changed" });
    this.change = element("button", { type: "button", id: "change", className: "primary", textContent: "Change", onclick: () => this.run(() => this.apply()) });
    const stored = this.config.stored_parameters !== null;
    const what = this.symbol ? `Delete the values of ${this.symbol}` : "Delete, back to the defaults";
    this.delete = element("button", { type: "button", id: "delete", className: "plain", textContent: what, hidden: !stored, onclick: () => this.run(() => this.takeBack()) });
    return element(
      "div",
      { className: "actions who" },
      element("label", {}, "Who ", this.by),
      element("label", { className: "wide" }, "Reason ", this.reason),
      this.change,
      this.delete,
    );
  }

  edited() {
    const edits = this.form.edited();
    const count = Object.keys(edits).length;
    const isTried = this.tried !== null && this.tried === JSON.stringify(edits);
    this.tryIt.disabled = count === 0 || !this.form.isPossible;
    this.undo.hidden = count === 0 && this.form.isPossible;
    this.change.disabled = !isTried;
    if (!isTried) this.forgetTrial();
    this.hint.textContent = !this.form.isPossible
      ? "Some values are out of range."
      : count === 0
        ? "Edit a value, then try it on the last bars."
        : isTried
          ? "Tried. It can be changed now."
          : `${counted(count, "value")} edited: try it first.`;
  }

  forgetTrial() {
    this.tried = null;
    this.outcome.replaceChildren();
    this.onTrial(null);
  }

  undoAll() {
    this.form.reset();
    this.say("");
    this.edited();
  }

  async try() {
    const edits = this.form.edited();
    const { symbol, timeframe } = this.chosenKey();
    const on = this.symbol ?? symbol;
    const trial = { strategy_id: this.strategy.id, parameters: edits, timeframe: timeframe || "15m", bars: Number(this.bars.value) };
    if (this.symbol) trial.symbol = this.symbol;
    if (on) trial.dry_run_symbol = on;
    const { data } = await post("/config/validate", trial);
    if (!data.valid) {
      this.complain(data.errors);
      return;
    }
    this.tried = JSON.stringify(edits);
    if (data.dry_run) {
      this.outcome.replaceChildren(trialView(data.dry_run, this.onSelect));
      this.onTrial(data.dry_run);
    } else {
      this.outcome.replaceChildren(element("p", { textContent: "It is possible. There are no bars to try it on." }));
    }
    this.edited();
  }

  async apply() {
    const who = this.who();
    if (!who) return;
    const body = { parameters: this.form.edited(), expected_version: this.config.version, ...who };
    await this.done(await post(this.path, body));
  }

  async takeBack() {
    const who = this.who();
    if (!who) return;
    await this.done(await remove(this.path, { ...who, expected_version: this.config.version }));
  }

  async rollBack(entry) {
    await this.run(async () => {
      const who = this.who();
      if (!who) return;
      const body = { version: entry.version, expected_version: this.config.version, ...who };
      if (this.symbol) body.symbol = this.symbol;
      await this.done(await post(`/strategies/${this.strategy.id}/rollback`, body));
    });
  }

  async done({ data, metadata }) {
    await this.load(outcomeOf(data, metadata));
    this.onChanged();
  }

  // Who changes it and why; null, and a word about it, where that is not said.
  who() {
    const [by, reason] = [this.by.value.trim(), this.reason.value.trim()];
    const lacking = by ? (reason ? null : this.reason) : this.by;
    if (lacking) {
      this.say(lacking === this.by ? "Say who changes it." : "Say why: a change needs a reason.", true);
      lacking.focus();
      return null;
    }
    sessionStorage.setItem(BY, by);
    return { changed_by: by, reason };
  }

  async run(action) {
    this.say("");
    this.isBusy = true;
    this.root.classList.add("busy");
    try {
      await action();
    } catch (error) {
      if (error instanceof Refusal && Array.isArray(error.details)) this.complain(error.details);
      else this.say(words(error), true);
    } finally {
      this.isBusy = false;
      this.root.classList.remove("busy");
    }
  }

  complain(findings) {
    const others = this.form.say(findings);
    this.say(others.length ? `That is not possible: ${others.join("; ")}.` : "That is not possible: see the values that are marked.", true);
  }

  say(message, isBad = false) {
    this.result.textContent = message;
    this.result.hidden = message === "";
    this.result.classList.toggle("error", isBad);
  }
}

function outcomeOf(data, metadata) {
  if (!metadata.changes_applied) return "Nothing had to be changed: it was like this already.";
  const how = metadata.announced ? "the bot was told" : "the bot could not be told now, and finds it at its next look";
  if (data.stored_parameters === null) return `What was stored is deleted; ${how}.`;
  return `Version ${data.version} is in force; ${how}.`;
}

function words(error) {
  return error instanceof Refusal ? error.message : `This page made a mistake: ${error.message}.`;
}
