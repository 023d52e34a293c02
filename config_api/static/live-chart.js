// The shared chart, fed bar by bar.

const MOST_BARS = 2000;

export class LiveChart {
  constructor(container, onPick) {
    this.container = container;
    this.chart = new globalThis.TaBotChart.PriceChart(container, { onPick });
    this.trialMarks = globalThis.LightweightCharts.createSeriesMarkers(this.chart.candles, []);
    this.bars = [];
    this.signals = [];
    this.selected = null;
    this.isDue = false;
  }

  setBars(bars) {
    this.bars = bars;
    this.draw();
    this.chart.showLast();
  }

  addBar(bar) {
    const last = this.bars.at(-1);
    if (last && bar.open_time_ms <= last.open_time_ms) return;
    this.bars.push(bar);
    if (this.bars.length > MOST_BARS) this.bars.shift();
    this.drawSoon();
  }

  setSignals(signals) {
    this.signals = signals;
    this.drawSoon();
  }

  // Show the plan of a signal, or of none; and where it is, unless it is in sight.
  select(signal, isInSight = false) {
    this.selected = signal ? signal.signal_id : null;
    this.chart.select(this.selected);
    if (signal && !isInSight) this.chart.show(seconds(signal.metadata.bar_open_time));
  }

  // Mark what a change would bring and take away.
  setTrial(dryRun) {
    const style = getComputedStyle(this.container);
    const mark = (signal, text, color, shape) => ({
      time: seconds(signal.metadata.bar_open_time),
      position: signal.action === "buy" ? "belowBar" : "aboveBar",
      shape,
      text,
      color: style.getPropertyValue(color).trim(),
    });
    const first = this.bars.length ? this.bars[0].open_time_ms / 1000 : Infinity;
    const marks = dryRun
      ? [
          ...dryRun.appear.map((signal) => mark(signal, "appears", "--gain", "circle")),
          ...dryRun.disappear.map((signal) => mark(signal, "disappears", "--loss", "square")),
        ]
      : [];
    this.trialMarks.setMarkers(marks.filter(({ time }) => time >= first).sort((one, other) => one.time - other.time));
  }

  // Many bars and signals come at once: they are drawn together.
  drawSoon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.isDue = false;
    const { bars } = this;
    const column = (name) => bars.map((bar) => bar[name]);
    const time = bars.map((bar) => bar.open_time_ms / 1000);
    const columns = Object.fromEntries(["open", "high", "low", "close", "volume"].map((name) => [name, column(name)]));
    this.chart.setBars({ time, ...columns }, decimalsOf(bars));
    const first = time.length ? time[0] : Infinity;
    const marks = this.signals.map(markOf).filter((mark) => mark.time >= first);
    this.chart.setSignals(
      marks.sort((one, other) => one.time - other.time),
      this.selected,
    );
    this.container.dataset.bars = String(bars.length);
    this.container.dataset.marks = String(marks.length);
  }
}

function markOf(signal) {
  return {
    id: signal.signal_id,
    time: seconds(signal.metadata.bar_open_time),
    action: signal.action,
    price: signal.price,
    stop: signal.stop_loss,
    target: signal.take_profit,
    end: null,
  };
}

function seconds(text) {
  return Date.parse(text) / 1000;
}

// As many decimals as prices have, but no more than somebody reads.
function decimalsOf(bars) {
  const texts = bars.slice(-50).map(({ close }) => String(close));
  const most = Math.max(2, ...texts.map((text) => (text.includes("e") ? 8 : (text.split(".")[1] ?? "").length)));
  return Math.min(8, most);
}
