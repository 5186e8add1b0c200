type Mode = 'listen' | 'whisper' | 'barge';

/** Which call I am listening to, and how; it stays while I look at other agents. */
class Monitoring {
  #now = $state.raw<{ interactionId: string; mode: Mode } | undefined>();

  of(interactionId: string | undefined): Mode | undefined {
    return this.#now && this.#now.interactionId === interactionId ? this.#now.mode : undefined;
  }

  set(interactionId: string, mode: Mode | undefined): void {
    this.#now = mode && { interactionId, mode };
  }
}

export const monitoring = new Monitoring();
