import { describe, expect, it } from 'vitest';
import { type CallRecorder, VoiceCall, type VoiceChannel } from '#appliance/channels/voice/index.ts';
import { type FlowDocumentInput, flowDocument } from '#appliance/contract/flow.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import { EntryHost, isEntry } from './entry-host.ts';
import { HostGone } from './host.ts';

const secure = {
  type: 'secure',
  say: [{ prompt: 'tone.beep' }],
  variable: 'card',
  min: 4,
  max: 4,
  handTo: 'end',
  next: 'end',
  failed: 'end',
} as const;
const document = (steps: FlowDocumentInput['steps']) => flowDocument.parse({ schema: 1, start: 'a', steps });

describe('a form for digits beside a conversation', () => {
  it.each([
    ['asks for digits and ends', { a: secure, end: { type: 'hangup' } }, true],
    ['asks for none', { a: { type: 'say', text: 'x', next: 'end' }, end: { type: 'hangup' } }, false],
    ['leads into a queue', { a: secure, end: { type: 'queue', queueId: 'q' } }, false],
    ['transfers', { a: secure, end: { type: 'transfer', to: { kind: 'number', number: '1' } } }, false],
  ] as const)('%s: %s', (_, steps, wanted) => {
    expect(isEntry(document(steps as FlowDocumentInput['steps']))).toBe(wanted);
  });

  function house() {
    const told: string[] = [];
    const run = { stopped: false };
    let digit: (event: { digit: string }) => void = () => {};
    const leg = {
      state: 'up',
      on: (name: string, listener: typeof digit) => {
        if (name === 'digit') digit = listener;
        return () => {};
      },
      saveTag: () => {},
      hangup: () => told.push('the customer was hung up'),
      blockDigits: async (on: boolean) => void told.push(on ? 'keys blocked' : 'keys free'),
    } as unknown as Leg;
    const clock = new ManualClock();
    const call = new VoiceCall(
      {
        interactionId: 'i',
        direction: 'in',
        from: '+1',
        to: '+2',
        customer: null,
        trunkId: null,
        language: 'en',
      },
      leg,
      clock,
      'secure',
    );
    const recorder = {
      control: async (_: unknown, mode: string) => {
        told.push(`recording ${mode}`);
        return mode === 'pause' ? 'paused' : 'on';
      },
    } as unknown as CallRecorder;
    const host = new EntryHost(call, {} as VoiceChannel, recorder, clock, {
      get stopped() {
        return run.stopped;
      },
      told: (state) => told.push(state),
      collected: (count) => told.push(`${count} digits`),
    });
    const press = (keys: string): void => {
      for (const key of keys) digit({ digit: key });
    };
    return { host, told, run, call, press };
  }
  const gathering = { max: 4, terminator: '#', firstTimeoutMs: 1000, betweenTimeoutMs: 1000 };

  it('tells how many digits were pressed and never which; the recording pauses meanwhile', async () => {
    const { host, told, press } = house();
    await host.secure(true);
    const gathered = host.gather(gathering);
    press('4711');
    expect(await gathered).toEqual({ digits: '4711', end: 'max' });
    await host.secure(false);
    expect(told).toEqual([
      'keys blocked',
      'recording pause',
      'collecting',
      '1 digits',
      '2 digits',
      '3 digits',
      '4 digits',
      'processing',
      'keys free',
      'recording resume',
    ]);
  });

  it('called off by the agent forgets what was pressed', async () => {
    const { host, run, call, press } = house();
    const gathered = host.gather(gathering);
    press('47');
    run.stopped = true;
    call.digits.cancel();
    await expect(gathered).rejects.toThrow(HostGone);
  });

  it('ends the form and not the call, with what the flow says about it', async () => {
    const { host, told } = house();
    await host.hangup('rejected');
    expect(host.outcome).toBe('failed');
    await host.hangup('normal');
    expect(host.outcome).toBe('done');
    expect(told).toEqual([]);
    expect(() => host.enqueue()).toThrow('elsewhere');
  });
});
