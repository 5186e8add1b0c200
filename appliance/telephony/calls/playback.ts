// Prompts to one leg. What was asked for last is what is heard; the one before it stops.
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Playback } from './api.ts';
import type { CallLeg } from './leg.ts';

type How = 'finished' | 'stopped' | 'ended';

let lastToken = 0;

export class OpenPlayback implements Playback {
  readonly done: Promise<How>;
  readonly token: string;
  readonly #leg: CallLeg;
  #resolve!: (how: How) => void;

  constructor(leg: CallLeg) {
    this.#leg = leg;
    this.token = `${leg.id} ${++lastToken}`;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  stop(): void {
    if (this.#leg.playback !== this) return;
    this.close('stopped');
    apply(this.#leg);
  }

  /** Without touching the routes: something else follows at once. */
  close(how: How): void {
    if (this.#leg.playback !== this) return;
    this.#leg.playback = undefined;
    this.#leg.hearing.play = undefined;
    this.#resolve(how);
  }
}

export function play(leg: CallLeg, prompts: string[], options: { loop?: boolean; fromMs?: number }): Playback {
  const playback = new OpenPlayback(leg);
  leg.playback?.close('stopped');
  leg.playback = playback;
  if (leg.state === 'ended' || prompts.length === 0) {
    playback.close(leg.state === 'ended' ? 'ended' : 'finished');
    return playback;
  }
  leg.hearing.play = {
    prompts,
    loop: options.loop ?? false,
    fromMs: options.fromMs ?? 0,
    token: playback.token,
    startedAtMs: leg.context.clock.now().getTime(),
  };
  leg.context.routes.apply(leg).catch((error) => {
    // A flow must not wait for ever for a prompt that does not exist.
    leg.context.log.error({ leg: leg.id, prompts, error: messageOf(error) }, 'a prompt cannot be played');
    playback.close('finished');
  });
  return playback;
}

export function silence(leg: CallLeg): void {
  leg.playback?.stop();
}

/** The switch says that a prompt came to its end. */
export function played(leg: CallLeg, token: string | undefined): void {
  const { playback } = leg;
  if (!playback || playback.token !== token) return;
  playback.close('finished');
  apply(leg);
}

function apply(leg: CallLeg): void {
  void leg.context.routes.apply(leg).catch(() => {});
}
