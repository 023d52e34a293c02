/* The report: what is selected, and everything that follows from it. */
(function () {
  "use strict";

  const { element, number, percent, time, tone, sortable } = globalThis.TaBotElements;
  const at = (id) => document.getElementById(id);
  const PAGE = 50; // rows of the list of signals
  const STRENGTHS = [[0.8, "extreme"], [0.7, "strong"], [0.6, "medium"], [0, "weak"]];
  const ENDS = {
    stop: "stopped out",
    target: "reached its target",
    horizon: "closed at the horizon",
    expired: "expired: its price was not reached",
    open: "still open where the bars end",
  };

  /** Say in a sentence that something went wrong. */
  function fail(message) {
    const place = at("failed");
    place.textContent = `This page cannot show everything: ${message}`;
    place.hidden = false;
  }

  class Report {
    constructor(model) {
      this.model = model;
      this.state = { key: 0, strategy: null, confidence: 0, scope: "all", selected: null, page: 0 };
      this.table = { sortBy: 1, descending: true };
      this.hidden = new Set(["ATR"]);
      this.turn = 0;
    }

    start() {
      this.charts = {
        price: new globalThis.TaBotChart.PriceChart(at("price-chart"), { onPick: (time) => this.pick(time) }),
        equity: new globalThis.TaBotChart.ResultChart(at("equity-chart")),
      };
      this.fillControls();
      this.listen();
      return this.renderAll();
    }

    // The selection

    passes(signal) {
      const { strategy, confidence } = this.state;
      return (strategy === null || signal.strategy === strategy) && signal.confidence >= confidence - 1e-9;
    }

    /** Signals of the chart. */
    drawn() {
      return this.model.byKey[this.state.key].filter((signal) => this.passes(signal));
    }

    /** Keys that results are of. */
    scope() {
      const { keys } = this.model;
      const { key, scope } = this.state;
      const all = keys.map((_, place) => place);
      if (scope === "key") return [key];
      return scope === "symbol" ? all.filter((place) => keys[place].symbol === keys[key].symbol) : all;
    }

    fillControls() {
      const { keys, strategies } = this.model;
      const options = (texts) => texts.map(([value, text]) => element("option", { value: String(value) }, text));
      at("symbol").replaceChildren(...options([...new Set(keys.map((key) => key.symbol))].map((name) => [name, name])));
      at("strategy").replaceChildren(
        ...options([["", "all strategies"], ...strategies.map(({ name }, place) => [place, name])]),
      );
      this.fillTimeframes();
    }

    fillTimeframes() {
      const { keys } = this.model;
      const { symbol, timeframe } = keys[this.state.key];
      const of = keys.filter((key) => key.symbol === symbol).map((key) => key.timeframe);
      at("symbol").value = symbol;
      at("timeframe").replaceChildren(...of.map((name) => element("option", { value: name }, name)));
      at("timeframe").value = timeframe;
    }

    listen() {
      at("controls").addEventListener("submit", (event) => event.preventDefault());
      const on = (id, type, change) => at(id).addEventListener(type, (event) => guarded(() => change(event.target.value)));
      on("symbol", "change", (symbol) => this.choose(symbol, at("timeframe").value));
      on("timeframe", "change", (timeframe) => this.choose(at("symbol").value, timeframe));
      on("strategy", "change", (place) => this.chooseStrategy(place === "" ? null : Number(place)));
      on("scope", "change", (scope) => this.change({ scope }, () => this.renderResults()));
      on("confidence", "input", (value) => this.change({ confidence: Number(value), page: 0 }, () => this.renderFiltered()));
      on("before", "click", () => this.step(-1));
      on("after", "click", () => this.step(1));
      on("newer", "click", () => this.change({ page: this.state.page - 1 }, () => this.renderList()));
      on("older", "click", () => this.change({ page: this.state.page + 1 }, () => this.renderList()));
    }

    change(changed, render) {
      Object.assign(this.state, changed);
      return render();
    }

    choose(symbol, timeframe) {
      const { keys } = this.model;
      const of = keys.map((key, place) => ({ ...key, place })).filter((key) => key.symbol === symbol);
      const key = (of.find((each) => each.timeframe === timeframe) || of[0]).place;
      return this.change({ key, selected: null, page: 0 }, () => this.renderAll());
    }

    chooseStrategy(strategy) {
      at("strategy").value = strategy === null ? "" : String(strategy);
      return this.change({ strategy, selected: null, page: 0 }, () => this.renderStrategy());
    }

    /** Select the signal nearest to a time; the next one of the same bar where one of them is selected. */
    pick(time) {
      const drawn = this.drawn();
      if (!drawn.length) return;
      const distance = Math.min(...drawn.map((signal) => Math.abs(signal.time - time)));
      const near = drawn.filter((signal) => Math.abs(signal.time - time) === distance);
      const place = near.indexOf(this.state.selected);
      guarded(() => this.select(near[(place + 1) % near.length], false));
    }

    step(by) {
      const drawn = this.drawn();
      const place = drawn.indexOf(this.state.selected);
      const next = place < 0 ? drawn[by < 0 ? drawn.length - 1 : 0] : drawn[place + by];
      if (next) return this.select(next, true);
    }

    select(signal, scroll) {
      this.state.selected = signal;
      this.charts.price.select(signal.id);
      if (scroll) this.charts.price.show(signal.time);
      this.renderList();
      return this.renderSignal();
    }

    // What follows from it

    async renderAll() {
      const turn = (this.turn += 1);
      this.fillTimeframes();
      const { symbol, timeframe, bars: columns } = this.model.keys[this.state.key];
      const bars = await this.model.bars(this.state.key);
      if (turn !== this.turn) return undefined; // something else was selected meanwhile
      const isEmpty = bars.time.length === 0;
      at("no-chart").hidden = !isEmpty;
      at("no-chart").textContent = `The klines that were given have no bars of ${symbol} ${timeframe}: nothing can be drawn.`;
      this.charts.price.setOverlays([]);
      this.charts.price.setBars(bars, columns.close.decimals);
      return this.renderStrategy();
    }

    async renderStrategy() {
      const { key, strategy } = this.state;
      const turn = (this.turn += 1);
      const overlays = strategy === null ? [] : await this.model.overlays(key, strategy);
      if (turn !== this.turn) return undefined;
      this.overlays = overlays;
      this.drawOverlays();
      this.renderToggles();
      this.renderFiltered();
      const last = this.drawn().at(-1);
      if (last && strategy !== null) return this.select(last, true);
      this.charts.price.showLast();
      return this.renderSignal();
    }

    drawOverlays() {
      this.charts.price.setOverlays(this.overlays.filter(({ label }) => !this.hidden.has(label)));
    }

    renderToggles() {
      const { strategy } = this.state;
      const boxes = this.overlays.map((overlay) => {
        const box = element("input", { type: "checkbox", checked: !this.hidden.has(overlay.label) });
        box.addEventListener("change", () => {
          if (box.checked) this.hidden.delete(overlay.label);
          else this.hidden.add(overlay.label);
          guarded(() => this.drawOverlays());
        });
        return element("label", { title: overlay.indicator }, box, overlay.label);
      });
      const none = strategy === null ? "choose a strategy to see what it reads" : "none are known of this strategy";
      at("toggles").replaceChildren(
        element("legend", { className: "quiet" }, boxes.length ? "Indicators" : `Indicators: ${none}`),
        ...boxes,
      );
    }

    renderFiltered() {
      const { key, strategy, confidence, selected } = this.state;
      at("confidence-shown").textContent = confidence.toFixed(2);
      const drawn = this.drawn();
      if (selected && !drawn.includes(selected)) this.state.selected = null;
      const { symbol, timeframe } = this.model.keys[key];
      const by = strategy === null ? "all strategies" : this.model.strategies[strategy].name;
      at("chart-head").textContent = `${symbol} ${timeframe} · ${by} · ${number(drawn.length)} signals`;
      // A signal that was followed is drawn up to the bar before the one that opens at its exit.
      this.charts.price.setSignals(drawn.map((signal) => ({ ...signal, end: Number.isNaN(signal.exitTime) ? null : signal.exitTime - 1 })));
      this.charts.price.select(this.state.selected ? this.state.selected.id : null);
      this.renderList();
      this.renderResults();
      guarded(() => this.renderSignal());
    }

    renderResults() {
      const { strategy, confidence } = this.state;
      const keys = this.scope();
      const inScope = new Set(keys);
      const signals = this.model.byEnd.filter((signal) => inScope.has(signal.key) && signal.confidence >= confidence - 1e-9);
      const score = (of, place) => globalThis.TaBotResults.score(of, this.model.baseline(place, keys));
      const rows = this.model.strategies
        .map(({ name }, place) => ({ name, place, ...score(signals.filter((one) => one.strategy === place), place) }))
        .filter((row) => row.signals);
      const foot = { name: "all", place: null, ...score(signals, null) };
      const chosen = rows.find((row) => row.place === strategy) || (strategy === null ? foot : { name: "", ...score([], -1) });
      this.renderTiles(chosen);
      this.charts.equity.setPoints(
        globalThis.TaBotResults.equity(signals.filter((one) => strategy === null || one.strategy === strategy)),
      );
      at("equity-head").textContent = `Equity in R · ${strategy === null ? "all strategies" : this.model.strategies[strategy].name} · ${at("scope").selectedOptions[0].text}`;
      Object.assign(this.table, { rows, foot, isChosen: (row) => row.place === strategy });
      sortable(at("results"), this.columns(), this.table);
      at("results-note").textContent = confidence > 0 ? "Luck is that of signals of every confidence." : "";
    }

    columns() {
      const name = (row) => {
        const button = element("button", { type: "button", title: row.name }, row.name);
        button.addEventListener("click", () => guarded(() => this.chooseStrategy(row.place)));
        return button;
      };
      const column = (label, title, field, cell, more = {}) => ({ label, title, value: (row) => row[field], cell, ...more });
      return [
        column("Strategy", "", "name", name, { words: true }),
        column("Signals", "Alerts included", "signals", (row) => number(row.signals)),
        column("Closed", "Filled and ended", "closed", (row) => number(row.closed)),
        column("Won %", "Of those closed, after costs", "winRate", (row) => percent(row.winRate)),
        column("95 %", "Interval of the share that was won", "low", (row) => (row.closed ? `${percent(row.low)} – ${percent(row.high)}` : "–")),
        column("Luck %", "The same orders on other days; * outside the interval", "luck", (row) => percent(row.luck) + (row.beyondLuck ? "*" : "")),
        column("Gross R", "Mean before costs", "grossR", (row) => number(row.grossR, 3, true), { tone: (row) => row.grossR }),
        column("Net R", "Mean after costs", "meanR", (row) => number(row.meanR, 3, true), { tone: (row) => row.meanR }),
        column("Sum R", "Of all, after costs", "totalR", (row) => number(row.totalR, 1, true), { tone: (row) => row.totalR }),
        column("Gain", "R won for each R lost", "factor", (row) => number(row.factor, 2)),
        column("Drawdown", "Largest, in R", "drawdown", (row) => number(row.drawdown, 1)),
        column("Bars", "Median held", "bars", (row) => number(row.bars, row.bars % 1 ? 1 : 0)),
      ];
    }

    renderTiles(row) {
      const tiles = [
        ["Signals", number(row.signals)],
        ["Closed", number(row.closed)],
        ["Won", row.closed ? `${percent(row.winRate)} %` : "–"],
        ["By luck", Number.isNaN(row.luck) ? "–" : `${percent(row.luck)} %`],
        ["Net R a trade", number(row.meanR, 3, true), tone(row.meanR)],
        ["Sum", `${number(row.totalR, 1, true)} R`, tone(row.totalR)],
        ["Drawdown", `${number(row.drawdown, 1)} R`],
      ];
      at("tiles").replaceChildren(
        ...tiles.map(([name, value, className = ""]) =>
          element("div", {}, element("dt", {}, name), element("dd", { className }, value)),
        ),
      );
    }

    renderList() {
      const drawn = this.drawn().reverse();
      const pages = Math.max(1, Math.ceil(drawn.length / PAGE));
      const page = (this.state.page = Math.min(Math.max(0, this.state.page), pages - 1));
      at("newer").disabled = page === 0;
      at("older").disabled = page === pages - 1;
      const first = page * PAGE;
      const rows = drawn.slice(first, first + PAGE);
      at("shown").textContent = drawn.length
        ? `${number(first + 1)} to ${number(first + rows.length)} of ${number(drawn.length)} signals`
        : "No signals: lower the confidence, or choose another strategy, symbol or timeframe.";
      const decimals = this.decimals();
      const heads = [["Time (UTC)", "words"], ["Strategy", "words"], ["Action", "words"], ["Confidence"], ["Entry"], ["Stop"], ["Target"], ["End", "words"], ["Net R"]];
      at("list").replaceChildren(
        element("thead", {}, element("tr", {}, ...heads.map(([text, className = ""]) => element("th", { scope: "col", className: `${className} plain` }, text)))),
        element("tbody", {}, ...rows.map((signal) => this.listed(signal, decimals))),
      );
    }

    listed(signal, decimals) {
      const button = element("button", { type: "button" }, time(signal.time));
      button.addEventListener("click", () => guarded(() => this.select(signal, true)));
      const cells = [
        ["words", button],
        ["words", this.model.strategies[signal.strategy].name],
        ["words", signal.action],
        ["", number(signal.confidence, 2)],
        ["", number(signal.price, decimals)],
        ["", number(signal.stop, decimals)],
        ["", number(signal.target, decimals)],
        ["words", signal.reason || (signal.action === "hold" ? "alert" : "not followed")],
        [tone(signal.r), number(signal.r, 2, true)],
      ];
      const className = signal === this.state.selected ? "chosen" : "";
      return element("tr", { className }, ...cells.map(([name, content]) => element("td", { className: name }, content)));
    }

    decimals() {
      return this.model.keys[this.state.key].bars.close.decimals;
    }

    async renderSignal() {
      const signal = this.state.selected;
      const drawn = this.drawn();
      const place = drawn.indexOf(signal);
      at("before").disabled = place === 0 || !drawn.length;
      at("after").disabled = !drawn.length || place === drawn.length - 1;
      at("position").textContent = place < 0 ? `${number(drawn.length)} signals` : `${number(place + 1)} of ${number(drawn.length)}`;
      if (!signal) {
        at("signal").replaceChildren(element("p", { className: "quiet" }, "Choose one: in the chart, in the list below, or with these buttons."));
        return;
      }
      const indicators = await this.model.indicators(signal);
      if (signal !== this.state.selected) return;
      const facts = (pairs) =>
        element("dl", { className: "facts" }, ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
      at("signal").replaceChildren(
        element("p", {}, element("span", { className: `action ${signal.action}` }, signal.action), ` ${this.model.strategies[signal.strategy].name}`),
        facts(this.plan(signal)),
        element("h2", {}, "Indicators"),
        facts(indicators.map(([name, value]) => [name, significant(value)])),
        element("h2", {}, "Configuration"),
        element("p", { className: "quiet" }, configured(signal.config)),
      );
    }

    plan(signal) {
      const decimals = this.decimals();
      const { symbol, timeframe } = this.model.keys[signal.key];
      const strength = STRENGTHS.find(([from]) => signal.confidence >= from)[1];
      const planned = [
        ["Bar", `${symbol} ${timeframe}, ${time(signal.time)}`],
        ["Confidence", `${number(signal.confidence, 2)} (${strength})`],
        ["Entry", number(signal.price, decimals)],
      ];
      if (!Number.isNaN(signal.stop)) {
        const ratio = Math.abs(signal.target - signal.price) / Math.abs(signal.price - signal.stop);
        planned.push(["Stop", number(signal.stop, decimals)], ["Target", number(signal.target, decimals)], ["Reward for risk", number(ratio, 2)]);
      }
      if (signal.reason) planned.push(["End", ENDS[signal.reason]]);
      if (!Number.isNaN(signal.fillTime)) planned.push(["Filled", `${number(signal.fillPrice, decimals)}, ${time(signal.fillTime)}`]);
      if (!Number.isNaN(signal.exitPrice)) planned.push(["Exit", `${number(signal.exitPrice, decimals)}, ${time(signal.exitTime)}`]);
      if (!Number.isNaN(signal.r)) planned.push(["Result", `${number(signal.r, 2, true)} R after costs, ${number(signal.bars)} bars`]);
      return planned;
    }
  }

  function significant(value) {
    return new Intl.NumberFormat("en", { maximumSignificantDigits: 6 }).format(value);
  }

  function configured({ version, source, is_override: isOverride, parameters }) {
    const changed = Object.entries(parameters).map(([name, value]) => `${name} = ${value}`);
    const from = version ? `Version ${version} from ${source}${isOverride ? ", with this symbol's own values" : ""}` : `Version 0, from ${source}`;
    return `${from}: ${changed.length ? changed.join(", ") : "all parameters at their defaults"}.`;
  }

  /** Do something; what goes wrong is said on the page, and stays an error. */
  async function guarded(action) {
    try {
      await action();
    } catch (error) {
      fail(`${error.message}.`);
      throw error;
    }
  }

  addEventListener("error", (event) => fail(`${event.message}.`));
  addEventListener("unhandledrejection", (event) => fail(`${event.reason && event.reason.message}.`));

  guarded(async () => {
    if (!globalThis.DecompressionStream) throw new Error("this browser is too old, it cannot unpack compressed data");
    if (!document.createElement("canvas").getContext("2d")) throw new Error("this browser cannot draw charts, it has no canvas");
    const content = JSON.parse(at("content").textContent);
    const report = new Report(await globalThis.TaBotModel.Model.of(content));
    await report.start();
    document.documentElement.dataset.state = "ready";
  });
})();
