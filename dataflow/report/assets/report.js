/* The report: what is selected, and everything that follows from it. */
(function () {
  "use strict";

  const { element, number, sortable } = globalThis.TaBotElements;
  const at = (id) => document.getElementById(id);
  const PAGE = 20; // rows of the list of signals

  /** Say in a sentence that something went wrong. */
  function fail(message) {
    const place = at("failed");
    place.textContent = `This page cannot show everything: ${message}`;
    place.hidden = false;
    at("loading").hidden = true;
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
        equity: new globalThis.TaBotEquity.ResultChart(at("equity-chart")),
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
      const on = (id, type, change) =>
        at(id).addEventListener(type, (event) => guarded(() => change(event.target.value)));
      on("symbol", "change", (symbol) => this.choose(symbol, at("timeframe").value));
      on("timeframe", "change", (timeframe) => this.choose(at("symbol").value, timeframe));
      on("strategy", "change", (place) => this.chooseStrategy(place === "" ? null : Number(place)));
      on("scope", "change", (scope) => this.change({ scope }, () => this.renderResults()));
      on("confidence", "input", (value) =>
        this.change({ confidence: Number(value), page: 0 }, () => this.renderFiltered()),
      );
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
      const distance = drawn.reduce((least, signal) => Math.min(least, Math.abs(signal.time - time)), Infinity);
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
      at("no-chart").textContent =
        `The klines that were given have no bars of ${symbol} ${timeframe}: nothing can be drawn.`;
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
        box.style.setProperty("accent-color", `var(${globalThis.TaBotChart.lineColor(overlay.color)})`);
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
      this.charts.price.setSignals(
        drawn.map((signal) => ({ ...signal, end: Number.isNaN(signal.exitTime) ? null : signal.exitTime - 1 })),
        this.state.selected && this.state.selected.id,
      );
      this.renderList();
      this.renderResults();
      guarded(() => this.renderSignal());
    }

    renderResults() {
      const { strategy, confidence } = this.state;
      const keys = this.scope();
      const inScope = new Set(keys);
      const signals = this.model.byEnd.filter(
        (signal) => inScope.has(signal.key) && signal.confidence >= confidence - 1e-9,
      );
      const score = (of, place) => globalThis.TaBotResults.score(of, this.model.baseline(place, keys));
      const byStrategy = this.model.strategies.map(() => []);
      for (const signal of signals) byStrategy[signal.strategy].push(signal);
      const rows = this.model.strategies
        .map(({ name }, place) => ({ name, place, ...score(byStrategy[place], place) }))
        .filter((row) => row.signals);
      const foot = { name: "all", place: null, ...score(signals, null) };
      const chosen =
        rows.find((row) => row.place === strategy) || (strategy === null ? foot : { name: "", ...score([], -1) });
      at("tiles").replaceChildren(...globalThis.TaBotScores.tiles(chosen));
      this.charts.equity.setPoints(globalThis.TaBotResults.equity(strategy === null ? signals : byStrategy[strategy]));
      at("equity-head").textContent =
        `Equity in R · ${strategy === null ? "all strategies" : this.model.strategies[strategy].name} · ${at("scope").selectedOptions[0].text}`;
      Object.assign(this.table, { rows, foot, isChosen: (row) => row.place === strategy });
      sortable(
        at("results"),
        globalThis.TaBotScores.columns((place) => guarded(() => this.chooseStrategy(place))),
        this.table,
      );
      at("results-note").textContent = confidence > 0 ? "Luck is that of signals of every confidence." : "";
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
      at("list").replaceChildren(
        ...globalThis.TaBotList.table(rows, this.model, this.state.selected, (signal) =>
          guarded(() => this.select(signal, true)),
        ),
      );
    }

    async renderSignal() {
      const signal = this.state.selected;
      const drawn = this.drawn();
      const place = drawn.indexOf(signal);
      at("before").disabled = place === 0 || !drawn.length;
      at("after").disabled = !drawn.length || place === drawn.length - 1;
      at("position").textContent =
        place < 0 ? `${number(drawn.length)} signals` : `${number(place + 1)} of ${number(drawn.length)}`;
      if (!signal) {
        at("signal").replaceChildren(
          element("p", { className: "quiet" }, "Choose one: in the chart, in the list below, or with these buttons."),
        );
        return;
      }
      const indicators = await this.model.indicators(signal);
      if (signal !== this.state.selected) return;
      at("signal").replaceChildren(...globalThis.TaBotSummary.summary(signal, this.model, indicators));
    }
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
    if (!document.createElement("canvas").getContext("2d"))
      throw new Error("this browser cannot draw charts, it has no canvas");
    const content = JSON.parse(at("content").textContent);
    const report = new Report(await globalThis.TaBotModel.Model.of(content));
    await report.start();
    at("loading").hidden = true;
    document.documentElement.dataset.state = "ready";
  });
})();
