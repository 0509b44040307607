/* The numbers of the page, unpacked; packed.py says how they lie. */

const simstudy = {};

simstudy.data = (() => {
  const TYPES = {
    uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array,
    float32: Float32Array, float64: Float64Array,
  };

  function bytesOf(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  async function unzipped(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /* An array from its byte planes. */
  function joined(bytes, start, type, length) {
    const Kind = TYPES[type];
    const width = Kind.BYTES_PER_ELEMENT;
    const whole = new Uint8Array(length * width);
    for (let b = 0; b < width; b++) {
      const plane = start + b * length;
      for (let i = 0, to = b; i < length; i++, to += width) whole[to] = bytes[plane + i];
    }
    return new Kind(whole.buffer);
  }

  /* What is said of the study, with `columns` of its rows by name. */
  async function load(base64) {
    const bytes = await unzipped(bytesOf(base64));
    const size = new DataView(bytes.buffer).getUint32(0, true);
    const data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    data.columns = {};
    let start = 4 + size;
    for (const { name, type, length } of data.arrays) {
      data.columns[name] = joined(bytes, start, type, length);
      start += length * TYPES[type].BYTES_PER_ELEMENT;
    }
    data.factors.forEach((factor, k) => {
      factor.codes = data.columns[`factor ${k}`];
      factor.keys = factor.levels.map(String); // in the address; texts are for readers
    });
    data.n = data.columns.value.length;
    return data;
  }

  return { load };
})();
