import { describe, expect, test } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { SipResponse } from '../sip/index.ts';
import { Health } from './health.ts';
import { Registration, type RegistrationState } from './registration.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function response(status: number, ...fields: [string, string][]): SipResponse {
  const made = new SipResponse(status, 'Reason');
  for (const [name, value] of fields) made.append(name, value);
  return made;
}

function registration(answers: (SipResponse | Error)[]) {
  const clock = new ManualClock();
  const sent: number[] = [];
  const states: RegistrationState[] = [];
  const made = new Registration({
    clock,
    random: () => 1,
    register: async (expiresS) => {
      sent.push(expiresS);
      const answer = answers.shift() ?? response(200);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    changed: (state) => states.push(state),
  });
  const advance = async (s: number) => {
    clock.advance(s * 1000);
    await settled();
  };
  return { made, sent, states, advance, clock };
}

describe('our registration at a carrier', () => {
  test('is renewed at four fifths of what was granted', async () => {
    const { made, sent, states, advance } = registration([response(200, ['Contact', '<sip:a@b>;expires=300'])]);
    made.start();
    await settled();
    expect(states[0]).toMatchObject({ registered: true, detail: 'registered for 300 s' });
    await advance(239);
    expect(sent).toHaveLength(1);
    await advance(1);
    expect(sent).toHaveLength(2);
  });

  test('is tried again ever more seldom, and stays good until its end', async () => {
    const { made, sent, states, advance } = registration([
      response(200, ['Expires', '60']),
      new Error('no answer'),
      response(500),
      response(503, ['Retry-After', '100']),
      response(200),
    ]);
    made.start();
    await settled();
    await advance(30);
    expect(states.at(-1)).toMatchObject({ registered: true, detail: 'no answer' });
    await advance(15);
    expect(states.at(-1)).toMatchObject({ registered: true, detail: '500 Reason' });
    await advance(30);
    expect(states.at(-1)).toMatchObject({ registered: false, until: null });
    await advance(99);
    expect(sent).toHaveLength(4);
    await advance(1);
    expect(states.at(-1)).toMatchObject({ registered: true });
  });

  test('asks for as long as the carrier wants', async () => {
    const { made, sent, advance } = registration([response(423, ['Min-Expires', '1800'])]);
    made.start();
    await settled();
    await advance(1);
    expect(sent).toEqual([600, 1800]);
  });

  test('is given back at the end', async () => {
    const { made, sent, advance } = registration([]);
    made.start();
    await settled();
    await made.stop();
    expect(sent).toEqual([600, 0]);
    await advance(10_000);
    expect(sent).toHaveLength(2);
  });
});

describe('the health of a trunk', () => {
  test('is down after three lost answers and up with the first one', async () => {
    const clock = new ManualClock();
    const answers: (number | undefined)[] = [200, undefined, undefined, undefined, 404];
    const changes: boolean[] = [];
    const health = new Health({
      clock,
      intervalS: 60,
      ask: async () => {
        const status = answers.shift();
        if (status === undefined) throw new Error('408');
        return status;
      },
      changed: ({ up }) => changes.push(up),
      checked: () => {},
    });
    health.start();
    await settled();
    for (const s of [60, 5, 5]) {
      clock.advance(s * 1000);
      await settled();
    }
    expect(changes).toEqual([false]);
    expect(health.state).toMatchObject({ up: false, detail: 'no response to OPTIONS' });
    clock.advance(60_000);
    await settled();
    expect(changes).toEqual([false, true]);
    health.witness(false);
    expect(health.state.up).toBe(true);
    health.stop();
  });
});
