import { Desk } from './desk.svelte.ts';
import type { Me } from './me.ts';

/** The desk of whoever is signed in. It survives a change of language or page, and ends with the session. */
class Desks {
  #current = $state.raw<Desk | undefined>();

  get current(): Desk | undefined {
    return this.#current;
  }

  open(me: Me, onsignedout: () => void): void {
    this.close();
    this.#current = new Desk(me, { onsignedout });
  }

  close(): void {
    this.#current?.close();
    this.#current = undefined;
  }
}

export const desks = new Desks();
