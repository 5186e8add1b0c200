// Several statements in one round trip and one transaction: all of them are sent before a single Sync. PostgreSQL commits at
// the Sync, or undoes everything when one of them fails (PostgreSQL manual, "Extended Query", implicit transaction block).
import type { PoolClient } from 'pg';

export interface Step {
  /** Of the prepared statement; the same text always. */
  name: string;
  text: string;
  values: string[];
}

/** What node-postgres calls with the connection, and the messages it hands over meanwhile. */
interface Wire {
  stream: { cork(): void; uncork(): void };
  close(message: { type: 'S'; name: string }): void;
  parse(message: { name: string; text: string }): void;
  bind(message: { portal: string; statement: string; values: string[] }): void;
  execute(message: { portal: string; rows: number }): void;
  sync(): void;
}

/** Names that are surely prepared, by connection. */
const prepared = new WeakMap<object, Set<string>>();

/** Resolves after COMMIT. */
export function pipeline(client: PoolClient, steps: Step[]): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new Pipeline(steps, resolve, reject) as never);
  });
}

class Pipeline {
  readonly #steps: Step[];
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #wire: Wire | undefined;
  /** node-postgres calls it when the connection is not usable at all. */
  readonly callback = (error?: Error | null): void => {
    if (error) this.#reject(error);
  };

  constructor(steps: Step[], resolve: () => void, reject: (error: Error) => void) {
    this.#steps = steps;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(wire: Wire): null {
    this.#wire = wire;
    const known = prepared.get(wire) ?? new Set<string>();
    prepared.set(wire, known);
    wire.stream.cork();
    try {
      for (const { name, text, values } of this.#steps) {
        if (!known.has(name)) {
          // After a failure nobody knows which ones PostgreSQL came to see; closing one it has not is no error.
          wire.close({ type: 'S', name });
          wire.parse({ name, text });
          known.add(name);
        }
        wire.bind({ portal: '', statement: name, values });
        wire.execute({ portal: '', rows: 0 });
      }
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    return null;
  }

  handleError(error: Error): void {
    if (this.#wire) prepared.delete(this.#wire);
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
}
