// Which leg has which port. Every worker owns a stretch of the table; a port rests as long as possible before it is used again.

export class Slots {
  /** Worker of every slot. */
  readonly #owner: Uint8Array;
  readonly #free: number[][];
  readonly #slotOf = new Map<string, number>();

  constructor(count: number, workers: number, taken: Iterable<{ leg: string; slot: number }>) {
    const perWorker = Math.ceil(count / workers);
    this.#owner = Uint8Array.from({ length: count }, (_, slot) => Math.floor(slot / perWorker));
    this.#free = Array.from({ length: workers }, () => []);
    for (const { leg, slot } of taken) this.#slotOf.set(leg, slot);
    const used = new Set(this.#slotOf.values());
    for (let slot = 0; slot < count; slot++) if (!used.has(slot)) this.#free[this.workerOfSlot(slot)]!.push(slot);
  }

  get legs(): string[] {
    return [...this.#slotOf.keys()];
  }

  get size(): number {
    return this.#slotOf.size;
  }

  slot(leg: string): number | undefined {
    return this.#slotOf.get(leg);
  }

  workerOfSlot(slot: number): number {
    return this.#owner[slot]!;
  }

  worker(leg: string): number | undefined {
    const slot = this.#slotOf.get(leg);
    return slot === undefined ? undefined : this.workerOfSlot(slot);
  }

  /** The leg's port goes to another worker, for good. */
  move(leg: string, worker: number): void {
    const slot = this.#slotOf.get(leg);
    if (slot !== undefined) this.#owner[slot] = worker;
  }

  /** @param near a leg whose worker is wanted. @throws when that worker, or all of them, have no port left. */
  take(leg: string, near: string | undefined): number {
    let worker = near === undefined ? undefined : this.worker(near);
    if (near !== undefined && worker === undefined) throw new Error(`no leg ${near}`);
    worker ??= this.#free.reduce((best, free, i) => (free.length > this.#free[best]!.length ? i : best), 0);
    const slot = this.#free[worker]!.shift();
    if (slot === undefined) throw new Error('out of ports');
    this.#slotOf.set(leg, slot);
    return slot;
  }

  release(leg: string): void {
    const slot = this.#slotOf.get(leg);
    if (slot === undefined) return;
    this.#slotOf.delete(leg);
    this.#free[this.workerOfSlot(slot)]!.push(slot);
  }
}
