// A worker thread that answers requests. What one turn of an event loop has to say to the other is one message: waking a thread
// costs more than most requests.
import { Worker } from 'node:worker_threads';
import type { ThreadMessage } from './messages.ts';
import { Outbox } from './outbox.ts';

type EventMessage = Extract<ThreadMessage, { event: unknown }>;

export class Thread<Request> {
  readonly #worker: Worker;
  readonly #outbox: Outbox<{ n: number; request: Request }>;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #n = 0;

  /** @param onDeath a thread that ends takes the process with it: its successor restores what it had. */
  constructor(module: URL, workerData: unknown, onEvent: (message: EventMessage) => void, onDeath: (e: Error) => void) {
    this.#worker = new Worker(module, { workerData });
    this.#outbox = new Outbox((messages) => this.#worker.postMessage(messages));
    this.#worker.on('message', (messages: ThreadMessage[]) => {
      for (const message of messages) {
        if ('event' in message) onEvent(message);
        else this.#answer(message);
      }
    });
    this.#worker.on('error', (error) => onDeath(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', (code) => onDeath(new Error(`thread ended with ${code}`)));
  }

  ask(request: Request): Promise<unknown> {
    const n = ++this.#n;
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject });
      this.#outbox.add({ n, request });
    });
  }

  /** Share of the last interval in which the thread was busy. */
  get busy(): number {
    return this.#worker.performance.eventLoopUtilization().utilization;
  }

  #answer(message: { n: number; ok: unknown } | { n: number; error: string }): void {
    const waiting = this.#waiting.get(message.n);
    this.#waiting.delete(message.n);
    if ('error' in message) waiting?.reject(new Error(message.error));
    else waiting?.resolve(message.ok);
  }
}
