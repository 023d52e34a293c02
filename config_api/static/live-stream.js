// Server-sent events over fetch, since EventSource cannot send a token.

import { Refusal, UNREACHABLE, send, taken } from "./live-api.js";

// The sidecar tells its health every five seconds: silence means that the connection is dead.
const SILENCE_MS = 16_000;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;

export class EventFeed {
  constructor({ onEvent, onAway }) {
    this.onEvent = onEvent;
    this.onAway = onAway;
    this.lastId = null;
    this.stopped = true;
  }

  start() {
    if (!this.stopped) return;
    this.stopped = false;
    this.run();
  }

  async run() {
    let pause = FIRST_PAUSE_MS;
    while (!this.stopped) {
      try {
        await this.follow(() => (pause = FIRST_PAUSE_MS));
        this.onAway(UNREACHABLE);
      } catch (error) {
        if (error instanceof Refusal && error.status === 401) {
          this.stopped = true; // until there is another token
          return;
        }
        this.onAway(error instanceof Refusal ? error.message : UNREACHABLE);
      }
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  async follow(onLife) {
    const abort = new AbortController();
    let alarm = setTimeout(() => abort.abort(), SILENCE_MS);
    try {
      const headers = this.lastId ? { "Last-Event-ID": this.lastId } : {};
      const answer = await send("/events", { headers, signal: abort.signal });
      if (answer.status !== 200) await taken(answer);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        onLife();
        clearTimeout(alarm);
        alarm = setTimeout(() => abort.abort(), SILENCE_MS);
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        blocks.forEach((block) => this.take(block));
      }
    } finally {
      clearTimeout(alarm);
      abort.abort();
    }
  }

  take(block) {
    const fields = {};
    for (const line of block.split("\n")) {
      const at = line.indexOf(": ");
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
    }
    if (fields.id) this.lastId = fields.id;
    if (fields.event) this.onEvent(fields.event, JSON.parse(fields.data));
  }
}
