// One subscription of one phone, on its dialog: what machine.ts decides is done here.
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { type Dialog, parseUri, printUri, RequestFailed } from '../sip/index.ts';
import type { EventPackage, Lines, MessageCounts } from './api.ts';
import { dialogInfo, tellingFirst } from './dialog-info.ts';
import { answerOf, type Effect, NEW, type SubscriptionInput, type SubscriptionState, step } from './machine.ts';
import { messageSummary } from './message-summary.ts';
import { PACKAGES } from './packages.ts';
import type { SubscriptionRow } from './store.ts';

export interface SubscriptionContext {
  clock: Clock;
  log: Log;
  lines: Lines;
  messages: MessageCounts;
  /** Between two NOTIFYs of a change. */
  gapMs: number;
  /** Its row is to be written again. */
  keep(subscription: Subscription): void;
  over(subscription: Subscription): void;
}

/** RFC 6665 §4.1.3: what the subscriber is to do next. */
export type EndReason = 'timeout' | 'rejected' | 'noresource' | 'probation;retry-after=3600';

/** A restored subscription counts on from here: more than it can have sent since its row was written. */
export const JUMP = 4_000;
/** NOTIFYs after which the row is written again. */
const WRITE_AFTER = 2_000;
/** When what is to be told cannot be read. */
const AGAIN_AFTER_MS = 10_000;

export class Subscription {
  readonly id: string;
  readonly phoneId: string;
  readonly package: EventPackage;
  readonly extension: string;
  readonly eventId: string | null;
  readonly #context: SubscriptionContext;
  readonly #dialog: Dialog;
  #state: SubscriptionState = NEW;
  #version: number;
  #expiresAt: Date;
  #reason: EndReason = 'timeout';
  #unwritten = 0;
  /** Calls the last document spoke of. */
  #told: readonly string[] = [];
  #cancelExpiry = () => {};
  #cancelHold = () => {};

  constructor(context: SubscriptionContext, dialog: Dialog, row: Omit<SubscriptionRow, 'facts' | 'instance'>) {
    this.#context = context;
    this.#dialog = dialog;
    this.id = row.id;
    this.phoneId = row.phoneId;
    this.package = row.package;
    this.extension = row.extension;
    this.eventId = row.eventId;
    this.#version = row.version;
    this.#expiresAt = row.expiresAt;
    dialog.onEnd(() => this.#over());
    this.lastUntil(row.expiresAt);
  }

  get isOver(): boolean {
    return this.#state.phase === 'over';
  }

  get row(): Omit<SubscriptionRow, 'instance'> {
    const { id, phoneId, extension, eventId } = this;
    return {
      id,
      phoneId,
      package: this.package,
      extension,
      eventId,
      version: this.#version,
      facts: this.#dialog.facts,
      expiresAt: this.#expiresAt,
    };
  }

  lastUntil(expiresAt: Date): void {
    this.#expiresAt = expiresAt;
    this.#cancelExpiry();
    const { clock } = this.#context;
    const leftMs = Math.max(0, expiresAt.getTime() - clock.now().getTime());
    this.#cancelExpiry = clock.after(leftMs, () => this.end('timeout'));
  }

  /** A SUBSCRIBE was accepted: the whole state is told at once. */
  subscribed(): void {
    this.#step({ kind: 'subscribed' });
  }

  changed(): void {
    this.#step({ kind: 'changed' });
  }

  end(reason: EndReason): void {
    this.#cancelExpiry();
    this.#reason = reason;
    this.#step({ kind: 'end' });
  }

  /** Nothing is sent any more; the row stays: the process stops. */
  drop(): void {
    this.#state = { ...this.#state, phase: 'over' };
    this.#cancelExpiry();
    this.#cancelHold();
  }

  #step(input: SubscriptionInput): void {
    const { state, effect } = step(this.#state, input);
    this.#state = state;
    if (effect) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect) {
      case 'notify':
        this.#hold(this.#context.gapMs);
        void this.#notify();
        return;
      case 'last-notify':
        this.#release();
        void this.#tell(`terminated;reason=${this.#reason}`)
          .catch(() => {})
          .finally(() => this.#over());
        return;
      case 'forget':
        this.#over();
        return;
    }
  }

  async #notify(): Promise<void> {
    const leftMs = this.#expiresAt.getTime() - this.#context.clock.now().getTime();
    try {
      const status = await this.#tell(`active;expires=${Math.max(0, Math.round(leftMs / 1000))}`);
      this.#step({ kind: 'answered', how: answerOf(status) });
    } catch (error) {
      if (error instanceof RequestFailed) {
        this.#step({ kind: 'answered', how: 'gone' });
        return;
      }
      this.#context.log.warn({ extension: this.extension, error: messageOf(error) }, 'a phone could not be notified');
      this.#hold(AGAIN_AFTER_MS);
      this.#step({ kind: 'answered', how: 'taken' });
      this.changed();
    }
  }

  /** @throws {RequestFailed} */
  async #tell(state: string): Promise<number> {
    const body = await this.#document();
    const id = this.eventId === null ? '' : `;id=${this.eventId}`;
    const response = await this.#dialog.request('NOTIFY', {
      headers: [
        ['Event', this.package + id],
        ['Subscription-State', state],
      ],
      contentType: PACKAGES[this.package].contentType,
      body,
    });
    return response.status;
  }

  async #document(): Promise<string> {
    const { lines, messages } = this.#context;
    if (++this.#unwritten >= WRITE_AFTER) {
      this.#unwritten = 0;
      this.#context.keep(this);
    }
    const entity = this.#entity();
    if (this.package === 'message-summary') return messageSummary(entity, await messages.of(this.extension));
    const calls = lines.of(this.extension);
    const now = tellingFirst(calls).map(({ id }) => id);
    const ended = this.#told.filter((id) => !calls.some((call) => call.id === id));
    this.#told = now;
    return dialogInfo({ entity, version: this.#version++, calls, ended });
  }

  /** The extension under the name of ours that the subscriber used. */
  #entity(): string {
    const { host } = parseUri(this.#dialog.facts.localUri);
    return printUri({ scheme: 'sip', user: this.extension, host });
  }

  #hold(ms: number): void {
    this.#cancelHold();
    this.#cancelHold = this.#context.clock.after(ms, () => this.#step({ kind: 'released' }));
  }

  #release(): void {
    this.#cancelExpiry();
    this.#cancelHold();
  }

  #over(): void {
    this.#release();
    this.#state = { ...this.#state, phase: 'over', inFlight: false };
    this.#dialog.bye();
    this.#context.over(this);
  }
}
