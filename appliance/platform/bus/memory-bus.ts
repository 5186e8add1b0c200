import type { Commands } from '#appliance/contract/bus.ts';
import { within } from '#appliance/kernel/async.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Bus, BusListener } from './bus.ts';
import { CALL_TIMEOUT_MS, fromWire, noAnswer, toWire } from './bus.ts';

type Handler = (input: unknown) => Promise<unknown>;

/** The bus inside one process, for tests: events arrive in a later turn, values are copied as on a wire. */
export function memoryBus(): Bus {
  const listeners = new Set<BusListener>();
  const handlers = new Map<string, Set<Handler>>();
  let seq = 0;

  return {
    publish(event) {
      const number = ++seq;
      const copy = structuredClone(event);
      setImmediate(() => {
        for (const listener of [...listeners]) listener(copy, number);
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    handle(address, name, fn) {
      const key = `${address} ${name}`;
      const set = handlers.get(key) ?? new Set();
      handlers.set(key, set);
      const handler = fn as Handler;
      set.add(handler);
      return () => set.delete(handler);
    },
    async call<K extends keyof Commands>(
      address: string,
      name: K,
      input: Commands[K]['in'],
      timeoutMs = CALL_TIMEOUT_MS,
    ) {
      const [handler] = handlers.get(`${address} ${name}`) ?? [];
      if (!handler) throw noAnswer(address, name);
      const answer = handler(structuredClone(input)).catch((error) => Promise.reject(fromWire(toWire(error))));
      const out = await within(timeoutMs, answer, 'no-answer').catch((error) => {
        throw error instanceof AppError ? error : noAnswer(address, name);
      });
      return structuredClone(out) as Commands[K]['out'];
    },
    async close() {
      listeners.clear();
      handlers.clear();
    },
  };
}
