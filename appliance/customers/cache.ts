import type { Bus } from '#appliance/platform/bus/index.ts';

/** Who called a moment ago is not looked up again; whoever changes a customer says so on the bus. */
export class CustomerCache<Value extends { id: string }> {
  readonly #byKey = new Map<string, Value>();
  readonly #keysOf = new Map<string, Set<string>>();
  readonly #atMost: number;

  constructor(bus: Pick<Bus, 'subscribe'>, atMost = 20_000) {
    this.#atMost = atMost;
    bus.subscribe(
      (event) => {
        if (event.type === 'config.changed' && event.entity === 'customer') this.#forget(event.id);
      },
      () => this.clear(),
    );
  }

  get(key: string): Value | undefined {
    return this.#byKey.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#byKey.size >= this.#atMost) this.clear();
    this.#byKey.set(key, value);
    const keys = this.#keysOf.get(value.id);
    if (keys) keys.add(key);
    else this.#keysOf.set(value.id, new Set([key]));
  }

  clear(): void {
    this.#byKey.clear();
    this.#keysOf.clear();
  }

  #forget(id: string): void {
    for (const key of this.#keysOf.get(id) ?? []) this.#byKey.delete(key);
    this.#keysOf.delete(id);
  }
}
