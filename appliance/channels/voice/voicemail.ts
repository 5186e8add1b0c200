import type { VoiceDeps } from './deps.ts';
import { recorded } from './talks.ts';
import type { VoiceCall } from './voice-call.ts';

export type Voicemail = ReturnType<typeof createVoicemail>;

/** Shorter than this nobody said anything. */
const MIN_MESSAGE_MS = 1500;
const MAX_MESSAGE_MS = 180_000;

/** Messages left and calls promised: each becomes a call-back that waits in the queue, so that somebody answers it. */
export function createVoicemail({ interactions, recorder, sounds, router, clock, customers }: VoiceDeps) {
  /** Records until #, silence of the line, hang-up or `maxMs`. What was said before a hang-up is kept. */
  async function record(
    call: VoiceCall,
    options: { queueId: string | null; greeting: string[]; maxMs?: number },
  ): Promise<{ recordingId: string; seconds: number } | undefined> {
    interactions.startSegment(call.id, { kind: 'voicemail', queueId: options.queueId });
    call.enter('voicemail');
    await call.customer.play(options.greeting).done;
    if (call.customer.state === 'ended') return undefined;
    const begun = clock.now();
    const recording = await recorder.message(recorded(call));
    if (!recording) return undefined;
    call.customer.silence();
    await call.digits.gather({
      max: 1,
      terminator: '#',
      firstTimeoutMs: options.maxMs ?? MAX_MESSAGE_MS,
      betweenTimeoutMs: 1000,
    });
    await recorder.end(call.id);
    const lasted = clock.now().getTime() - begun.getTime();
    if (lasted < MIN_MESSAGE_MS) return undefined;
    return { recordingId: recording.recordingId, seconds: Math.round(lasted / 1000) };
  }

  /** A message for a queue, which becomes a call-back in it. */
  async function take(
    call: VoiceCall,
    options: { queueId: string | null; maxMs?: number; beep?: string[] },
  ): Promise<'recorded' | 'empty'> {
    const left = await record(call, {
      queueId: options.queueId,
      greeting: options.beep ?? sounds.prompt('voicemail', call.facts.language),
      ...(options.maxMs === undefined ? {} : { maxMs: options.maxMs }),
    });
    if (!left) return 'empty';
    await interactions.event(call.id, 'voicemail', left);
    if (options.queueId)
      await promiseCallback(call, {
        queueId: options.queueId,
        number: call.party.number,
        recordingId: left.recordingId,
      });
    return 'recorded';
  }

  /** A call-back in the queue, in the caller's name. Committed before the caller is told. */
  async function promiseCallback(
    call: VoiceCall,
    request: { queueId: string; number: string; recordingId?: string },
  ): Promise<string> {
    const customer =
      call.facts.customer ?? (await customers.findOrCreate({ kind: 'phone', value: request.number }).catch(() => null));
    const row = await interactions.open({
      channel: 'callback',
      direction: 'out',
      from: call.facts.to,
      to: request.number,
      customerId: customer?.id ?? null,
      queueId: request.queueId,
      language: call.facts.language,
      state: 'waiting',
    });
    await interactions.event(row.id, 'callback-promised', {
      for: call.id,
      number: request.number,
      ...(request.recordingId ? { recordingId: request.recordingId } : {}),
    });
    await router.enqueue({
      interactionId: row.id,
      queueId: request.queueId,
      channel: 'callback',
      from: request.number,
      customer,
    });
    await interactions.event(call.id, 'callback-promised', { callback: row.id, number: request.number });
    return row.id;
  }

  return { record, take, promiseCallback };
}
