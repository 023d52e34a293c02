/* Columns of numbers, unpacked: the other half of packing.py, which says how they are packed. */
(function () {
  "use strict";

  async function inflated(text) {
    const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** The numbers of a column; undefined ones are NaN. */
  async function unpack({ count, decimals, order, data }) {
    const bytes = await inflated(data);
    const values = new Float64Array(count);
    const scale = 10 ** decimals;
    let place = 0;
    let last = 0;
    let before = 0;
    let token = 0;
    let weight = 1;
    for (const byte of bytes) {
      token += (byte & 127) * weight; // not shifted: tokens may be longer than 32 bits
      if (byte > 127) {
        weight *= 128;
        continue;
      }
      if (token) {
        const difference = token % 2 ? (token - 1) / 2 : -token / 2;
        const expected = order === 0 ? 0 : order === 1 ? last : 2 * last - before;
        before = last;
        last = expected + difference;
        values[place] = last / scale;
      } else values[place] = NaN;
      place += 1;
      token = 0;
      weight = 1;
    }
    if (place !== count) throw new Error(`a column holds ${place} numbers, not ${count}`);
    return values;
  }

  /** An object of columns, unpacked. */
  async function unpackAll(columns) {
    const names = Object.keys(columns);
    const values = await Promise.all(names.map((name) => unpack(columns[name])));
    return Object.fromEntries(names.map((name, place) => [name, values[place]]));
  }

  globalThis.TaBotUnpack = { unpack, unpackAll };
})();
