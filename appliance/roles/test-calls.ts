// A call through one trunk, to see whether it carries: rings a number, plays a beep when it is answered, and says what happened.

import type { Commands } from '#appliance/contract/bus.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { type Calls, DialFailed } from '#appliance/telephony/calls/index.ts';
import type { Trunks } from '#appliance/telephony/trunks/index.ts';

type TestCall = Commands['trunk.test-call'];

/** The asker waits in his browser; the bus gives up a little later. */
const RING_MS = 20_000;
const TALK_MS = 3000;
/** Several administrators at once, or a program gone wrong. */
const AT_ONCE = 2;

export function createTestCalls({
  calls,
  trunks,
  clock,
  sounds,
}: {
  calls: Calls;
  trunks: Pick<Trunks, 'get' | 'state'>;
  clock: Clock;
  sounds: string[];
}) {
  let running = 0;

  return async function call({ trunkId, number }: TestCall['in']): Promise<TestCall['out']> {
    if (!trunks.get(trunkId)) throw new AppError('not-found', 'not-found', `There is no trunk ${trunkId}`);
    if (running >= AT_ONCE) throw new AppError('conflict', 'test-calls-running', 'Other test calls are still running');
    running++;
    const began = clock.now().getTime();
    const elapsedMs = () => clock.now().getTime() - began;
    let rangAfterMs: number | null = null;
    try {
      const ringing = calls.dial([{ kind: 'number', number, trunkId }], {
        from: { number: 'anonymous' },
        ringTimeoutMs: RING_MS,
        tag: { role: 'test' },
      });
      for (const leg of ringing.legs) {
        leg.on('ringing', () => {
          rangAfterMs ??= elapsedMs();
        });
      }
      const leg = await ringing.answered;
      const answeredAfterMs = elapsedMs();
      const ended = new Promise<void>((resolve) => void leg.on('ended', () => resolve()));
      leg.play(sounds);
      await Promise.race([new Promise<void>((resolve) => void clock.after(TALK_MS, resolve)), ended]);
      const heard = (await leg.stats())?.received ?? 0;
      leg.hangup({ q850: 16 });
      return { result: 'answered', rangAfterMs, answeredAfterMs, sip: 200, q850: 16, text: 'Answered', heard };
    } catch (error) {
      if (!(error instanceof DialFailed)) throw error;
      const { sip = null, q850, text } = error.cause_;
      return { result: 'failed', rangAfterMs, answeredAfterMs: null, sip, q850, text, heard: 0 };
    } finally {
      running--;
    }
  };
}
