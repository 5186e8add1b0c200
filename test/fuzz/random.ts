/** A small seedable generator (mulberry32): the same seed makes the same inputs. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0xc8, 0xc9, 0xbf];

/** Bytes flipped, cut, repeated, swapped with another seed's. */
export function mutateBytes(seeds: readonly Buffer[], random: (below: number) => number, max: number): Buffer {
  let data = Buffer.from(seeds[random(seeds.length)]!);
  for (let times = random(5) + 1; times > 0; times--) {
    const at = random(data.length + 1);
    const end = Math.min(data.length, at + random(24));
    switch (random(6)) {
      case 0:
        data = Buffer.concat([data.subarray(0, at), data.subarray(end)]);
        break;
      case 1:
        if (at < data.length) data[at] = NUMBERS[random(NUMBERS.length)]!;
        break;
      case 2:
        if (at < data.length) data[at] = data[at]! ^ (1 << random(8));
        break;
      case 3:
        data = Buffer.concat([
          data.subarray(0, at),
          ...Array.from({ length: random(40) }, () => data.subarray(at, end)),
          data.subarray(at),
        ]);
        break;
      case 4: {
        const other = seeds[random(seeds.length)]!;
        data = Buffer.concat([data.subarray(0, at), other.subarray(random(other.length + 1))]);
        break;
      }
      case 5:
        data = data.subarray(0, at);
        break;
    }
    data = Buffer.from(data.subarray(0, max));
  }
  return data;
}

const WORDS = [
  '0',
  '-1',
  '65536',
  '99999999999999999999',
  ' ',
  '\t',
  '\r',
  '\n',
  '\r\n',
  '\0',
  '=',
  '/',
  ':',
  'a=',
  'm=',
  'm=audio 9 RTP/AVP 0',
  'c=IN IP6 ::',
  'c=IN IP4 0.0.0.0',
  'a=inactive',
  'a=rtpmap:8 PCMU/8000',
  'a=crypto:1 NULL inline:',
  '\xff',
  '__proto__',
];

/** Lines dropped, doubled and swapped; words from a list of nasty ones. */
export function mutateText(seeds: readonly string[], random: (below: number) => number, max: number): string {
  let text = seeds[random(seeds.length)]!;
  for (let times = random(6) + 1; times > 0; times--) {
    const at = random(text.length + 1);
    const end = Math.min(text.length, at + random(24));
    const lines = text.split('\r\n');
    switch (random(7)) {
      case 0:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 1:
        text = text.slice(0, at) + WORDS[random(WORDS.length)] + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + WORDS[random(WORDS.length)] + text.slice(end);
        break;
      case 3:
        text = text.slice(0, at) + text.slice(at, end).repeat(random(200)) + text.slice(at);
        break;
      case 4:
        lines.splice(random(lines.length), 0, lines[random(lines.length)]!);
        text = lines.join('\r\n');
        break;
      case 5:
        lines.splice(random(lines.length), 1);
        text = lines.join('\r\n');
        break;
      case 6: {
        const other = seeds[random(seeds.length)]!;
        text = text.slice(0, at) + other.slice(random(other.length));
        break;
      }
    }
    text = text.slice(0, max);
  }
  return text;
}
