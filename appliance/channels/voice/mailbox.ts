import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { DigitBuffer } from './digits.ts';
import type { VoiceCall } from './voice-call.ts';
import type { Voicemail } from './voicemail.ts';

export type Mailbox = ReturnType<typeof createMailbox>;

const LISTEN_AT_MOST = 50;
const KEY_WITHIN_MS = 6000;

/** Voicemail of one agent: callers leave messages, the agent hears them from a desk phone (`*97`). */
export function createMailbox(deps: VoiceDeps, { voicemail }: { voicemail: Voicemail }) {
  const { interactions, mailboxes, sounds, clock, log } = deps;

  /** Greeting, tone, message; then the call is over. */
  async function leave(call: VoiceCall, agentId: string): Promise<void> {
    const { language } = call.facts;
    call.mailboxOf = agentId;
    if (call.customer.state !== 'up') await call.customer.answer();
    await call.customer.resume();
    const left = await voicemail.record(call, {
      queueId: null,
      greeting: [...sounds.greeting(agentId, language), ...sounds.prompt('beep', language)],
    });
    if (left) {
      await interactions.event(call.id, 'voicemail', { agentId, ...left });
      await mailboxes.add({
        id: uuidv7(clock.now().getTime()),
        agentId,
        interactionId: call.id,
        recordingId: left.recordingId,
        from: call.facts.from,
        leftAt: clock.now(),
        durationS: left.seconds,
      });
    }
    if ((call.customer.state as string) === 'ended') return;
    await call.customer.play(sounds.prompt(left ? 'voicemail-thanks' : 'goodbye', language)).done;
    call.customer.hangup({ q850: 16 });
  }

  /** How many, then the newest first: 7 deletes, # goes on to the next, 1 says it again, * ends. */
  async function listen(leg: Leg, agentId: string, language: string): Promise<void> {
    const digits = new DigitBuffer(clock);
    leg.on('digit', ({ digit }) => digits.push(digit));
    leg.on('ended', () => digits.cancel());
    if (leg.state !== 'up') await leg.answer();
    const messages = (await mailboxes.fresh(agentId)).slice(0, LISTEN_AT_MOST);
    const say = async (prompts: string[]): Promise<void> => {
      const playback = leg.play(prompts);
      const off = digits.onPressed(() => playback.stop());
      await playback.done;
      off();
    };
    const key = async (): Promise<string> =>
      (await digits.gather({ max: 1, terminator: null, firstTimeoutMs: KEY_WITHIN_MS, betweenTimeoutMs: 0 })).digits;

    await say(
      messages.length === 0
        ? sounds.named(['mailbox.empty'], language)
        : [
            ...sounds.named(['mailbox.you-have'], language),
            ...sounds.number(messages.length, language),
            ...sounds.named([messages.length === 1 ? 'mailbox.message' : 'mailbox.messages'], language),
          ],
    );
    for (const message of messages) {
      for (let again = true; again && leg.state === 'up'; ) {
        again = false;
        const sound = await mailboxes.sound(message.recordingId).catch((error) => {
          log.warn({ recording: message.recordingId, error: messageOf(error) }, 'a message cannot be played');
          return undefined;
        });
        if (!sound) break;
        try {
          await say([sound.media, ...sounds.named(['mailbox.keys'], language)]);
        } finally {
          await sound.done();
        }
        if ((leg.state as string) === 'ended') return;
        await mailboxes.heard(agentId, message.id);
        switch (await key()) {
          case '7':
            await mailboxes.remove(agentId, message.id);
            await say(sounds.named(['mailbox.deleted'], language));
            break;
          case '1':
            again = true;
            break;
          case '*':
            return leg.hangup({ q850: 16 });
        }
      }
    }
    if (leg.state === 'ended') return;
    await leg.play(sounds.named(['mailbox.end'], language)).done;
    leg.hangup({ q850: 16 });
  }

  /** The process that recorded died: what was said until then is a message all the same. */
  async function rescue(call: VoiceCall, agentId: string): Promise<void> {
    const left = await mailboxes.rescue({
      id: uuidv7(clock.now().getTime()),
      agentId,
      interactionId: call.id,
      from: call.facts.from,
    });
    if (left) await interactions.event(call.id, 'voicemail', { agentId, ...left });
  }

  return { leave, listen, rescue };
}
