// DTMF tone pairs, ITU-T Q.23.

export const LOW_HZ = [697, 770, 852, 941] as const;
export const HIGH_HZ = [1209, 1336, 1477, 1633] as const;
export const KEYPAD = '123A456B789C*0#D';
const LOW_PEAK = 8000; // about -9 dBm0
const HIGH_PEAK = 10_000; // 2 dB above, as Q.23 networks expect

/** Fills `samples` with the tone pair of `digit`, from sample `start` of the tone on, so that pieces fit together. */
export function toneInto(samples: Int16Array, digit: string, start: number): void {
  const key = KEYPAD.indexOf(digit);
  if (key < 0) {
    samples.fill(0);
    return;
  }
  const low = (2 * Math.PI * LOW_HZ[key >> 2]!) / 8000;
  const high = (2 * Math.PI * HIGH_HZ[key & 3]!) / 8000;
  for (let i = 0; i < samples.length; i++) {
    const n = start + i;
    samples[i] = Math.round(LOW_PEAK * Math.sin(low * n) + HIGH_PEAK * Math.sin(high * n));
  }
}
