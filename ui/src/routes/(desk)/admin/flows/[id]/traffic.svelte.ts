import { get } from '#lib/api/client.ts';

export interface FlowTraffic {
  since: string;
  at: string;
  calls: number;
  edges: { step: string; edge: string; to: string; calls: number }[];
  ends: { step: string; end: string; calls: number }[];
}

const EVERY_MS = 5_000;
const KEY = 'strongroom.flow-traffic';

/** The calls of today on the ways of a flow, read again while somebody looks. */
export class Traffic {
  readonly #flowId: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #on = $state(localStorage.getItem(KEY) === 'on');
  now = $state.raw<FlowTraffic | undefined>();
  /** The last question had no answer: what is shown may be old. */
  late = $state(false);

  constructor(flowId: string) {
    this.#flowId = flowId;
    if (this.#on) void this.#read();
  }

  get on(): boolean {
    return this.#on;
  }

  toggle(): void {
    this.#on = !this.#on;
    localStorage.setItem(KEY, this.#on ? 'on' : 'off');
    clearTimeout(this.#timer);
    if (this.#on) void this.#read();
  }

  /** Undefined: not counted (yet). A way of an older version that leads elsewhere now is not this way. */
  callsOn(step: string, edge: string, to: string): number | undefined {
    if (!this.#on || !this.now) return undefined;
    return this.now.edges.find((one) => one.step === step && one.edge === edge && one.to === to)?.calls ?? 0;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#on = false;
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible') {
      try {
        this.now = await get<FlowTraffic>(`/flows/${this.#flowId}/traffic`);
        this.late = false;
      } catch {
        this.late = true;
      }
    }
    if (this.#on) this.#timer = setTimeout(() => void this.#read(), EVERY_MS);
  }
}
