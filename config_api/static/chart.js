/*
 * Candles, volume, signals and indicators of one key, drawn with TradingView's Lightweight Charts.
 *
 * It knows no page, and reports what was picked. Times are seconds since 1970 UTC; bars are columns of equal length; undefined values are null or NaN.
 */
(function () {
  "use strict";

  const library = globalThis.LightweightCharts;
  const { colors, newChart, placeAt, priceFormat } = globalThis.TaBotFrame;
  const LINES = 8; // colours of overlays in style.css
  const lineColor = (number) => `--line-${number % LINES}`;
  const MARKS = {
    buy: { position: "belowBar", shape: "arrowUp", color: "--buy" },
    sell: { position: "aboveBar", shape: "arrowDown", color: "--sell" },
    hold: { position: "aboveBar", shape: "circle", color: "--hold" },
    close: { position: "aboveBar", shape: "square", color: "--hold" },
  };
  const FEW = 4; // more decimals than this, and a price axis is wider than a phone's

  function points(times, values) {
    return Array.from(times, (time, place) => {
      const value = values[place];
      return Number.isFinite(value) ? { time, value } : { time };
    });
  }

  class PriceChart {
    /** `onPick(time)` is called with the open time of a bar that was clicked or tapped. */
    constructor(container, { onPick = () => {} } = {}) {
      this.container = container;
      const { chart, remove } = newChart(container, () => this.recolor());
      this.chart = chart;
      this.removeChart = remove;
      this.candles = chart.addSeries(library.CandlestickSeries, { priceLineVisible: false });
      this.volume = chart.addSeries(library.HistogramSeries, {
        priceScaleId: "volume",
        priceFormat: { type: "volume" },
        priceLineVisible: false,
        lastValueVisible: false,
      });
      chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.14, bottom: 0.22 } });
      chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
      this.markers = library.createSeriesMarkers(this.candles, []);
      this.plans = new globalThis.TaBotPlans(chart, this.candles, colors(container));
      this.candles.attachPrimitive(this.plans);
      this.legend = document.createElement("div");
      this.legend.className = "chart-legend";
      container.append(this.legend);
      this.bars = { time: [], open: [], high: [], low: [], close: [], volume: [] };
      this.signals = [];
      this.overlays = [];
      this.lines = [];
      this.selected = null;
      this.labels = [];
      chart.subscribeClick((event) => event.time !== undefined && onPick(event.time));
      chart.subscribeCrosshairMove((event) => this.describe(event.time));
      this.recolor();
    }

    /** Draw these bars instead of those before. `decimals` is how prices are written. */
    setBars(bars, decimals = 2) {
      this.bars = bars;
      this.decimals = decimals;
      this.candles.applyOptions({ priceFormat: priceFormat(decimals) });
      const color = colors(this.container);
      const [up, down] = [color("--volume-up"), color("--volume-down")];
      this.candles.setData(
        Array.from(bars.time, (time, place) => ({
          time,
          open: bars.open[place],
          high: bars.high[place],
          low: bars.low[place],
          close: bars.close[place],
        })),
      );
      this.volume.setData(
        Array.from(bars.time, (time, place) => ({
          time,
          value: bars.volume[place],
          color: bars.close[place] >= bars.open[place] ? up : down,
        })),
      );
      this.describe();
    }

    /** Mark signals, in the order of their times: `{id, time, action, price, stop, target, end}`, `end` a time or null. */
    setSignals(signals, selected = null) {
      this.signals = signals;
      this.select(selected);
    }

    /**
     * Draw series over the bars: `{label, pane, color, values, decimals}`. `pane` is "price", "volume" or what a
     * pane of its own is for, `color` a number.
     */
    setOverlays(overlays) {
      for (const line of this.lines) this.chart.removeSeries(line);
      this.overlays = overlays;
      const lower = [...new Set(overlays.map((one) => one.pane))].filter((pane) => !["price", "volume"].includes(pane));
      const color = colors(this.container);
      this.lines = overlays.map((overlay) => {
        const place = lower.indexOf(overlay.pane) + 1;
        const line = this.chart.addSeries(
          library.LineSeries,
          {
            color: color(lineColor(overlay.color)),
            lineWidth: 1.5,
            priceLineVisible: false,
            lastValueVisible: false,
            crosshairMarkerVisible: false,
            priceFormat: priceFormat(Math.min(overlay.decimals, place ? FEW : 12)),
            ...(overlay.pane === "volume" ? { priceScaleId: "volume" } : {}),
          },
          place,
        );
        line.setData(points(this.bars.time, overlay.values));
        return line;
      });
      this.chart.panes().forEach((pane, place) => pane.setStretchFactor(place ? 1 : 4));
      this.describe();
    }

    /** Show the plan of a signal: where it enters, stops and takes profit; null for none. */
    select(id) {
      this.selected = this.signals.find((signal) => signal.id === id) || null;
      this.drawSignals();
      this.describe();
    }

    /** Scroll to a time, `count` bars wide. */
    show(time, count = this.fitting()) {
      const place = placeAt(this.bars.time, time);
      this.chart.timeScale().setVisibleLogicalRange({ from: place - count * 0.6, to: place + count * 0.4 });
    }

    /** Scroll to the last bars. */
    showLast(count = this.fitting()) {
      const last = this.bars.time.length;
      this.chart.timeScale().setVisibleLogicalRange({ from: last - count, to: last + 4 });
    }

    /** How many bars can be told apart. */
    fitting() {
      return Math.min(200, Math.max(40, this.container.clientWidth / 8));
    }

    /** Take the chart away. */
    remove() {
      this.removeChart();
    }

    recolor() {
      const color = colors(this.container);
      const [up, down] = [color("--up"), color("--down")];
      this.candles.applyOptions({
        upColor: up,
        downColor: down,
        borderUpColor: up,
        borderDownColor: down,
        wickUpColor: up,
        wickDownColor: down,
      });
      this.plans.color = color;
      if (this.bars.time.length) this.setBars(this.bars, this.decimals);
      this.lines.forEach((line, place) => line.applyOptions({ color: color(lineColor(this.overlays[place].color)) }));
      this.drawSignals();
    }

    drawSignals() {
      const color = colors(this.container);
      const times = this.bars.time;
      const tints = Object.fromEntries(Object.entries(MARKS).map(([action, mark]) => [action, color(mark.color)]));
      this.markers.setMarkers(
        this.signals.map((signal) => {
          const { position, shape } = MARKS[signal.action];
          const isSelected = this.selected !== null && signal.id === this.selected.id;
          return {
            time: signal.time,
            position,
            shape,
            color: tints[signal.action],
            id: String(signal.id),
            size: isSelected ? 2 : 1,
          };
        }),
      );
      this.plans.set(
        this.signals.map((signal) => ({
          ...signal,
          from: placeAt(times, signal.time),
          to: signal.end ? placeAt(times, signal.end) : null,
        })),
        this.selected && this.selected.id,
      );
      for (const line of this.labels) this.candles.removePriceLine(line);
      const { selected } = this;
      const plan = selected ? { entry: selected.price, stop: selected.stop, target: selected.target } : {};
      this.labels = Object.entries(plan)
        .filter(([, price]) => Number.isFinite(price))
        .map(([title, price]) =>
          this.candles.createPriceLine({
            price,
            title,
            color: color(`--${title}`),
            lineVisible: false,
            axisLabelVisible: true,
          }),
        );
    }

    /** Write the values of a bar, by default that of the selected signal or the last one, into the chart's corner. */
    describe(time) {
      const { bars } = this;
      const shown = time === undefined && this.selected ? this.selected.time : time;
      const place = shown === undefined ? bars.time.length - 1 : placeAt(bars.time, shown);
      if (place < 0) return this.legend.replaceChildren();
      const color = colors(this.container);
      const words = ["open", "high", "low", "close"].map(
        (name) => `${name[0].toUpperCase()} ${bars[name][place].toFixed(this.decimals)}`,
      );
      const at = new Date(bars.time[place] * 1000).toISOString();
      const items = [`${at.slice(0, 10)} ${at.slice(11, 16)}`, ...words, `V ${compact(bars.volume[place])}`].map(
        (text) => span(text),
      );
      this.overlays.forEach((overlay) => {
        const value = overlay.values[place];
        const decimals = Math.min(overlay.decimals, Math.max(FEW, this.decimals));
        const text = Number.isFinite(value) ? value.toFixed(decimals) : "–";
        items.push(span(`${overlay.label} ${text}`, color(lineColor(overlay.color))));
      });
      return this.legend.replaceChildren(...items);
    }
  }

  function compact(number) {
    return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 }).format(number);
  }

  function span(text, color) {
    const item = document.createElement("span");
    item.textContent = text;
    if (color) {
      item.className = "of-overlay";
      item.style.color = color;
    }
    return item;
  }

  globalThis.TaBotChart = { PriceChart, lineColor };
})();
