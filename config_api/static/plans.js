/* What signals plan, drawn behind the candles: the selected one as boxes of risk and reward, the others as short lines. */
(function () {
  "use strict";

  const NARROW = 3; // bars narrower than this, in pixels, are too narrow for lines
  const SHORTEST = 2; // bars that a plan is drawn over at least
  const WITHOUT_END = 12; // bars that a plan is drawn over where it has not ended

  class Plans {
    constructor(chart, series, color) {
      this.chart = chart;
      this.series = series;
      this.color = color;
      this.plans = [];
      this.selected = null;
      this.views = [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.draw(target) }) }];
    }

    attached({ requestUpdate }) {
      this.requestUpdate = requestUpdate;
    }

    /** Plans `{id, from, to, price, stop, target}`: `from` and `to` are places of bars, `to` null without an end. */
    set(plans, selected) {
      this.plans = plans.filter((plan) => Number.isFinite(plan.stop) && Number.isFinite(plan.target) && plan.from >= 0);
      this.selected = this.plans.find((plan) => plan.id === selected) || null;
      if (this.requestUpdate) this.requestUpdate();
    }

    paneViews() {
      return this.views;
    }

    /** The selected plan's prices are to be seen where its bars are. */
    autoscaleInfo(from, to) {
      const plan = this.selected;
      if (!plan || plan.from > to || end(plan) < from) return null;
      return { priceRange: { minValue: Math.min(plan.stop, plan.target), maxValue: Math.max(plan.stop, plan.target) } };
    }

    draw(target) {
      const range = this.chart.timeScale().getVisibleLogicalRange();
      if (!range) return;
      const narrow = this.chart.timeScale().options().barSpacing < NARROW;
      target.useBitmapCoordinateSpace((scope) => {
        if (!narrow) {
          for (const plan of this.plans) {
            if (plan !== this.selected && plan.from <= range.to && plan.from + SHORTEST >= range.from)
              this.drawLines(scope, plan);
          }
        }
        if (this.selected) this.drawBoxes(scope, this.selected);
      });
    }

    /** Pixels of a plan on the canvas. */
    pixels(scope, plan, last) {
      const { horizontalPixelRatio: across, verticalPixelRatio: down } = scope;
      const x = (place) => Math.round(this.chart.timeScale().logicalToCoordinate(place) * across);
      const y = (price) => Math.round(this.series.priceToCoordinate(price) * down);
      return {
        left: x(plan.from),
        right: x(last),
        entry: y(plan.price),
        stop: y(plan.stop),
        target: y(plan.target),
        down,
      };
    }

    drawLines(scope, plan) {
      const at = this.pixels(scope, plan, plan.from + SHORTEST);
      const context = scope.context;
      for (const name of ["entry", "stop", "target"]) {
        context.fillStyle = this.color(`--${name}`);
        context.globalAlpha = 0.7;
        context.fillRect(at.left, at[name], at.right - at.left, Math.max(1, at.down));
      }
      context.globalAlpha = 1;
    }

    drawBoxes(scope, plan) {
      const at = this.pixels(scope, plan, end(plan));
      const context = scope.context;
      const width = Math.max(at.right - at.left, 2);
      for (const name of ["stop", "target"]) {
        context.fillStyle = this.color(`--${name}-fill`);
        context.fillRect(at.left, at.entry, width, at[name] - at.entry);
      }
      for (const name of ["entry", "stop", "target"]) {
        context.fillStyle = this.color(`--${name}`);
        context.fillRect(at.left, at[name], width, Math.max(1, Math.round(at.down)));
      }
    }
  }

  function end(plan) {
    return plan.to === null ? plan.from + WITHOUT_END : Math.max(plan.to, plan.from + SHORTEST);
  }

  globalThis.TaBotPlans = Plans;
})();
