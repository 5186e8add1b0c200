// Plays a sequence of prompts to one leg.
import { A_TO_U, PCMA } from './g711.ts';
import type { Outlet, Source } from './outlet.ts';
import type { Prompt } from './prompts.ts';
import type { Ticker } from './scheduler.ts';

const FRAME_BYTES = 160;

export class Player implements Ticker, Source {
  readonly slotIndex = -1;
  readonly #outlet: Outlet;
  readonly #prompts: Prompt[];
  readonly #loop: boolean;
  readonly #finished: () => void;
  #index = 0;
  #at = 0;

  constructor(outlet: Outlet, prompts: Prompt[], loop: boolean, fromMs: number, finished: () => void) {
    this.#outlet = outlet;
    this.#prompts = prompts;
    this.#loop = loop;
    this.#finished = finished;
    this.#seek(fromMs);
  }

  tick(nowMs: number): boolean {
    const outlet = this.#outlet;
    if (outlet.source !== this) return false;
    const audio = this.#prompts[this.#index]?.audio;
    if (!audio) {
      this.#finished();
      return false;
    }
    const b = outlet.frame(FRAME_BYTES);
    if (outlet.codec === PCMA) audio.copy(b, 12, this.#at, this.#at + FRAME_BYTES);
    else for (let i = 0; i < FRAME_BYTES; i++) b[12 + i] = A_TO_U[audio[this.#at + i]!]!;
    outlet.play(this, b, nowMs);
    this.#at += FRAME_BYTES;
    if (this.#at >= audio.length) {
      this.#at = 0;
      this.#index++;
      if (this.#index === this.#prompts.length && this.#loop) this.#index = 0;
    }
    return true;
  }

  #seek(fromMs: number): void {
    const total = this.#prompts.reduce((sum, prompt) => sum + prompt.audio.length, 0);
    let at = Math.floor(fromMs / 20) * FRAME_BYTES;
    if (this.#loop && total > 0) at %= total;
    while (this.#index < this.#prompts.length && at >= this.#prompts[this.#index]!.audio.length) {
      at -= this.#prompts[this.#index]!.audio.length;
      this.#index++;
    }
    this.#at = this.#index < this.#prompts.length ? at : 0;
  }
}
