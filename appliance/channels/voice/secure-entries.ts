import { AppError } from '#appliance/kernel/errors.ts';
import type { VoiceDeps } from './deps.ts';
import type { EntryWatch } from './ports.ts';
import { recorded, type Talks } from './talks.ts';
import type { VoiceCall } from './voice-call.ts';

export type SecureEntries = ReturnType<typeof createSecureEntries>;

/**
 * The agent lets the customer enter digits (a card number) and stays on the line. Meanwhile nobody hears anybody: the customer
 * hears the flow, the agent music, and digits go to the flow alone. Neither tones nor events of keys reach the agent's leg or
 * the recording, for the switch blocks both, and the two are not bridged.
 */
export function createSecureEntries(deps: VoiceDeps, { talks }: { talks: Talks }) {
  const { calls, flows, interactions, recorder, sounds } = deps;
  const running = new Map<string, { stopped: boolean }>();

  async function start(call: VoiceCall, flowId: string): Promise<void> {
    const agent = talks.agentOf(call);
    const entry = flows.entries().find((one) => one.flowId === flowId);
    if (!entry) throw new AppError('not-found', 'secure-entry-unknown', 'There is no such form for digits');
    // Who listens in would hear the customer say the number instead of pressing it.
    if (call.stage !== 'talking' || call.third || call.monitors.size > 0 || call.away)
      throw new AppError('conflict', 'not-talking', 'Only in a conversation between the two of you');
    const { name } = entry;
    const run = { stopped: false };
    running.set(call.id, run);
    call.lastSecureEntry = undefined;
    call.secureEntry = { state: 'processing', name, collected: 0 };
    call.enter('secure');
    await calls.unbridge(call.customer);
    agent.leg.play(sounds.music(call.queueId), { loop: true });
    await interactions.event(call.id, 'secure-entry', { flowId, name, by: agent.id });
    const watch: EntryWatch = {
      get stopped() {
        return run.stopped;
      },
      told(state) {
        if (call.secureEntry) call.secureEntry = { ...call.secureEntry, state };
        call.changed();
      },
      collected(count) {
        if (call.secureEntry) call.secureEntry = { ...call.secureEntry, state: 'collecting', collected: count };
        call.changed();
      },
    };
    void flows
      .enter(flowId, call, watch)
      .then((end) => over(call, { flowId, name, end: run.stopped ? 'cancelled' : end }))
      .catch((error) => talks.failed(call, error));
  }

  /** What the customer entered until now is forgotten. */
  async function cancel(call: VoiceCall): Promise<void> {
    const run = running.get(call.id);
    if (!run) throw new AppError('conflict', 'no-secure-entry', 'Nothing is being entered');
    run.stopped = true;
    call.customer.silence();
    call.digits.cancel();
  }

  async function over(
    call: VoiceCall,
    { flowId, name, end }: { flowId: string; name: string; end: 'done' | 'failed' | 'cancelled' },
  ): Promise<void> {
    running.delete(call.id);
    call.digits.clear();
    call.secureEntry = undefined;
    call.lastSecureEntry = { name, end };
    await interactions.event(call.id, 'secure-entry-ended', { flowId, name, end });
    if (call.stage !== 'secure') return call.changed();
    await backToTalk(call);
  }

  async function backToTalk(call: VoiceCall): Promise<void> {
    if (call.customer.state === 'ended' || !call.agent) return;
    await talks.join(call);
    call.enter('talking');
  }

  return {
    start,
    cancel,
    /** After a restart: the digits went with the process that had them. */
    async abandon(call: VoiceCall): Promise<void> {
      await flows.abandonEntry(call);
      await call.customer.blockDigits(false);
      call.recording = await recorder.control(recorded(call), 'resume', 'secure-entry');
      await interactions.event(call.id, 'secure-entry-ended', { end: 'failed', why: 'restarted' });
      await backToTalk(call);
    },
  };
}
