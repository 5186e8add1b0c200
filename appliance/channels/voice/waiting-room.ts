import { messageOf } from '#appliance/kernel/errors.ts';
import type { Announcements, QueueExit } from '#appliance/routing/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Queueing, QueueRequest, QueueTicket } from './queueing.ts';
import type { VoiceCall } from './voice-call.ts';

export type WaitingRoom = ReturnType<typeof createWaitingRoom>;

/** What a queue that says nothing about it does. */
const EVERY_S = 30;

/** What happens to a caller who leaves the room otherwise than with an agent; these rooms are made later. */
export interface WaitingRoomExits {
  /** A digit led out: the caller has left the queue already. */
  take(call: VoiceCall, exit: QueueExit): Promise<void>;
  goodbye(call: VoiceCall): Promise<void>;
}

/** Callers queued without a flow: welcome, music, their place now and then, and digits that lead out, as the queue says. */
export function createWaitingRoom(
  { router, clock, sounds, log }: VoiceDeps,
  { queueing, exits }: { queueing: Queueing; exits: WaitingRoomExits },
) {
  const restarts = new Map<string, () => void>();

  /** Into the queue. `refused`: what to do when it does not take the caller; an honest good-bye when absent. */
  async function receive(
    call: VoiceCall,
    request: QueueRequest,
    options: { resumed?: boolean; refused?: (call: VoiceCall) => Promise<void> } = {},
  ): Promise<QueueTicket> {
    const ticket = await queueing.enqueue(call, request, options.resumed ?? false);
    // An agent, or the queue's own rules, may have the caller already: then nothing is played over what they hear now.
    if (queueing.isWaiting(call.id)) entertain(call, ticket, options.resumed ?? false);
    void ticket.outcome
      .then((outcome) => (outcome.end === 'refused' ? (options.refused ?? exits.goodbye)(call) : undefined))
      .catch((error) => failed(call, error));
    return ticket;
  }

  /** Until the wait ends. The rules are read each time: what is changed meanwhile counts, also after a move to another queue. */
  function entertain(call: VoiceCall, ticket: QueueTicket, resumed: boolean): void {
    const undo: (() => void)[] = [];
    let waiting = true;
    let cancelTimer = (): void => {};
    void ticket.outcome.then(() => {
      waiting = false;
      restarts.delete(call.id);
      cancelTimer();
      for (const step of undo) step();
    });
    const rules = (): Announcements => router.queue(call.queueId!)?.announcements ?? {};

    const music = (nextInS: number): void => {
      if (!waiting) return;
      call.customer.play(sounds.music(call.queueId), { loop: true });
      cancelTimer = clock.after(nextInS * 1000, () => void announce().catch((error) => failed(call, error)));
    };
    /** Says something between the music. False when something else took over, or the call is gone. */
    const say = async (prompts: string[]): Promise<boolean> =>
      waiting && (prompts.length === 0 || (await call.customer.play(prompts).done) === 'finished');
    const announce = async (): Promise<void> => {
      const place = ticket.position();
      const { position = true, estimatedWait = true, everyS = EVERY_S } = rules();
      const prompts = place
        ? sounds.waiting(call.facts.language, {
            position: position ? place.position : null,
            estimatedWaitS: estimatedWait ? place.estimatedWaitS : null,
          })
        : [];
      if (await say(prompts)) music(everyS);
    };
    const pressed = async (digit: string): Promise<void> => {
      const found = rules().escape?.find((way) => way.digit === digit);
      if (!found || !waiting) return;
      call.digits.clear();
      const { exit } = found;
      // False: an agent was faster and is about to be connected.
      if (!(await ticket.leave(exit.to === 'voicemail' || exit.to === 'callback' ? exit.to : 'flow'))) return;
      await exits.take(call, exit);
    };

    restarts.set(call.id, () => {
      cancelTimer();
      music(rules().everyS ?? EVERY_S);
    });
    call.digits.clear();
    undo.push(call.digits.onPressed((digit) => void pressed(digit).catch((error) => failed(call, error))));
    const { welcome, firstAfterS, everyS = EVERY_S } = rules();
    const begin = async (): Promise<void> => {
      const greeting = welcome && !resumed ? sounds.chosen(welcome, call.facts.language) : [];
      if (await say(greeting)) music(firstAfterS ?? everyS);
    };
    void begin().catch((error) => failed(call, error));
  }

  function failed(call: VoiceCall, error: unknown): void {
    log.error({ interaction: call.id, error: messageOf(error) }, 'a caller who waits could not be looked after');
  }

  return {
    receive,
    /** The queue is another one now: its music is heard from here on. */
    moved(call: VoiceCall): void {
      restarts.get(call.id)?.();
    },
  };
}
