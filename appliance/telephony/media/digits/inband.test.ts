import { describe, expect, it } from 'vitest';
import { fromLinear, PCMA, toLinear } from '../g711.ts';
import { InbandDetector } from './inband.ts';
import { HIGH_HZ, KEYPAD, LOW_HZ, toneInto } from './tones.ts';

interface Shape {
  low?: number;
  high?: number;
  lowHz?: number;
  highHz?: number;
  noise?: number;
}

/** What the detector makes of pieces of [milliseconds, key or silence, shape]. */
function detect(pieces: [ms: number, key: string, shape?: Shape][]): { digits: string; durations: number[] } {
  let digits = '';
  const durations: number[] = [];
  const detector = new InbandDetector((digit, phase, ms) => {
    if (phase === 'down') digits += digit;
    else durations.push(ms ?? 0);
  });
  const encode = fromLinear(PCMA);
  let noise = 1;
  for (const [ms, key, { low = 4000, high = 4000, lowHz = 1, highHz = 1, noise: level = 0 } = {}] of pieces) {
    const at = key ? KEYPAD.indexOf(key) : -1;
    const bytes = Buffer.alloc(ms * 8);
    for (let i = 0; i < bytes.length; i++) {
      noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
      let sample = ((noise >>> 16) / 32_768 - 1) * level;
      if (at >= 0) {
        sample += low * Math.sin((2 * Math.PI * LOW_HZ[at >> 2]! * lowHz * i) / 8000);
        sample += high * Math.sin((2 * Math.PI * HIGH_HZ[at & 3]! * highHz * i) / 8000);
      }
      bytes[i] = encode[Math.round(sample) & 0xffff]!;
    }
    for (let from = 0; from < bytes.length; from += 160) {
      detector.audio(toLinear(PCMA), bytes, from, Math.min(bytes.length, from + 160));
    }
  }
  return { digits, durations };
}

describe('keys in the audio', () => {
  it('all sixteen', () => {
    const pieces = [...KEYPAD].flatMap((key): [number, string][] => [
      [80, key],
      [60, ''],
    ]);
    expect(detect(pieces).digits).toBe(KEYPAD);
  });

  const keys: [string, [number, string, Shape?][], string][] = [
    [
      '40 ms, the shortest (Q.24)',
      [
        [40, '5'],
        [100, ''],
      ],
      '5',
    ],
    [
      '20 ms: too short',
      [
        [20, '5'],
        [100, ''],
      ],
      '',
    ],
    [
      'twice the same, 45 ms apart',
      [
        [60, '5'],
        [45, ''],
        [60, '5'],
        [60, ''],
      ],
      '55',
    ],
    [
      'a hole of 10 ms is the same key',
      [
        [60, '5'],
        [10, ''],
        [60, '5'],
        [60, ''],
      ],
      '5',
    ],
    [
      'high group 6 dB louder',
      [
        [80, '9', { low: 2000, high: 4000 }],
        [60, ''],
      ],
      '9',
    ],
    [
      'low group 3 dB louder',
      [
        [80, '9', { low: 4000, high: 2850 }],
        [60, ''],
      ],
      '9',
    ],
    [
      'low group 9 dB louder: speech',
      [
        [200, '9', { low: 8000, high: 2800 }],
        [60, ''],
      ],
      '',
    ],
    [
      'quiet: -35 dBm0',
      [
        [80, '9', { low: 400, high: 400 }],
        [60, ''],
      ],
      '9',
    ],
    [
      'too quiet: -55 dBm0',
      [
        [80, '9', { low: 40, high: 40 }],
        [60, ''],
      ],
      '',
    ],
    [
      '1.5 % off',
      [
        [80, '7', { lowHz: 1.015, highHz: 0.985 }],
        [60, ''],
      ],
      '7',
    ],
    [
      '5 % off',
      [
        [200, '7', { lowHz: 1.05, highHz: 1.05 }],
        [60, ''],
      ],
      '',
    ],
    [
      'in noise 15 dB below',
      [
        [80, '7', { noise: 1200 }],
        [60, '', { noise: 1200 }],
      ],
      '7',
    ],
    ['noise alone', [[3000, '', { noise: 20_000 }]], ''],
    ['silence', [[1000, '']], ''],
    [
      'one tone alone',
      [
        [300, '5', { high: 0 }],
        [60, ''],
      ],
      '',
    ],
  ];
  it.each(keys)('%s', (_name, pieces, digits) => {
    expect(detect(pieces).digits).toBe(digits);
  });

  it('says how long a key was down', () => {
    const [ms] = detect([
      [200, '1'],
      [60, ''],
    ]).durations;
    expect(ms).toBeGreaterThan(160);
    expect(ms).toBeLessThan(230);
  });

  it('does not hear keys in voices (talk-off)', () => {
    let digits = '';
    const detector = new InbandDetector((digit) => {
      digits += digit;
    });
    const encode = fromLinear(PCMA);
    const bytes = Buffer.alloc(160);
    // Two minutes of vowels: a glottal pulse of changing pitch through three moving formants.
    let phase = 0;
    for (let frame = 0; frame < 6000; frame++) {
      const pitch = 90 + 130 * (0.5 + 0.5 * Math.sin(frame / 37)) + (frame % 11);
      const formants = [500 + 350 * Math.sin(frame / 53), 1300 + 500 * Math.sin(frame / 71), 2400];
      for (let i = 0; i < 160; i++) {
        phase += pitch / 8000;
        let sample = 0;
        for (let h = 1; h * pitch < 3400; h++) {
          const gain = formants.reduce((sum, f) => sum + 1 / (1 + ((h * pitch - f) / 90) ** 2), 0);
          sample += gain * Math.sin(2 * Math.PI * h * phase);
        }
        bytes[i] = encode[Math.round(3000 * sample) & 0xffff]!;
      }
      detector.audio(toLinear(PCMA), bytes, 0, 160);
    }
    expect(digits).toBe('');
  });

  it('hears the tones that we send', () => {
    const samples = new Int16Array(960);
    toneInto(samples, '#', 0);
    const bytes = Buffer.from(Uint8Array.from(samples, (sample) => fromLinear(PCMA)[sample & 0xffff]!));
    let digits = '';
    const detector = new InbandDetector((digit, phase) => {
      if (phase === 'down') digits += digit;
    });
    detector.audio(toLinear(PCMA), bytes, 0, bytes.length);
    expect(digits).toBe('#');
  });
});
