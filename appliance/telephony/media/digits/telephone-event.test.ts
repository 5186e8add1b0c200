import { describe, expect, it } from 'vitest';
import { EventReceiver } from './telephone-event.ts';

function receiver() {
  const told: string[] = [];
  const events = new EventReceiver((digit, phase, ms) =>
    told.push(`${digit} ${phase}${ms === undefined ? '' : ` ${ms}`}`),
  );
  let nowMs = 1000;
  return {
    told,
    events,
    packet: (code: number, ticks: number, ts: number, end = false) => {
      nowMs += 20;
      return events.packet(Buffer.from([code, end ? 0x8a : 10, ticks >> 8, ticks & 255]), 0, 4, ts, nowMs);
    },
    later: (ms: number) => {
      nowMs += ms;
      events.housekeeping(nowMs);
    },
  };
}

describe('telephone-events (RFC 4733)', () => {
  it('makes one key of many packets, repeated ends and lost beginnings', () => {
    const r = receiver();
    expect([
      r.packet(5, 320, 100),
      r.packet(5, 480, 100),
      r.packet(5, 800, 100, true),
      r.packet(5, 800, 100, true),
    ]).toEqual([320, 160, 320, 0]);
    expect(r.told).toEqual(['5 down', '5 up 100']);
  });

  it('ends a key when the next begins, or nothing comes for a second', () => {
    const r = receiver();
    r.packet(1, 160, 100);
    r.packet(1, 320, 5000); // the same key again: another timestamp
    r.later(1100);
    expect(r.told).toEqual(['1 down', '1 up 20', '1 down', '1 up 40']);
  });

  it('does not press a key again because a packet came late', () => {
    const r = receiver();
    r.packet(1, 800, 5000, true);
    r.packet(2, 160, 6000);
    expect(r.packet(1, 640, 5000)).toBe(0);
    r.packet(2, 800, 6000, true);
    expect(r.told).toEqual(['1 down', '1 up 100', '2 down', '2 up 100']);
  });

  it('knows sixteen keys and no more', () => {
    const r = receiver();
    r.packet(11, 160, 1, true);
    r.packet(15, 160, 2000, true);
    r.packet(16, 160, 4000, true); // flash
    expect(r.told).toEqual(['# down', '# up 20', 'D down', 'D up 20']);
  });
});
