import type { FlowDocument, SayItem, Scalar } from '#appliance/contract/flow.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { FlowHost, PlayItem } from './host.ts';
import type { Hours } from './hours.ts';
import type { HttpCaller } from './http-call.ts';

/** Where a run is, as it is persisted at each step. Secure digits are not part of it. */
export interface RunState {
  id: string;
  interactionId: string;
  versionId: string;
  step: string;
  steps: number;
  language: string;
  variables: Record<string, Scalar>;
  secureFrom: string | null;
  answered: boolean;
  startedAt: Date;
}

export type FlowEnd = 'connected' | 'left' | 'transferred' | 'voicemail' | 'callback' | 'hung-up' | 'gone' | 'failed';

export interface FlowOutcome {
  end: FlowEnd;
  /** The step the run ended in. */
  step: string;
  detail?: string;
}

/** What steps may ask of the house. */
export interface RunDeps {
  clock: Clock;
  /** Turns what is to be said into sound; texts are spoken when needed. */
  speech(items: SayItem[], language: string, lookUp: LookUp): Promise<PlayItem[]>;
  hours(id: string): Hours | undefined;
  /** Facts of the customer with that number, without their prefix: {name, language, ...}; undefined when unknown. */
  lookUpCustomer(number: string): Promise<Record<string, Scalar> | undefined>;
  lastAgent(call: Record<string, Scalar>): Promise<string | undefined>;
  http: HttpCaller;
  /** Stores the position; `outcome` closes the run. Must not make the caller wait. */
  save(state: RunState, outcome: FlowEnd | null): void;
  event(type: string, data: Record<string, unknown>): void;
}

export type LookUp = (name: string) => Scalar | undefined;

/** How a step went: on to another step, or the end. `note` goes into the step's event. */
export type StepResult =
  | { edge: string; to: string; note?: Record<string, unknown> }
  | { end: FlowEnd; detail?: string; note?: Record<string, unknown> };

export interface StepContext {
  readonly id: string;
  readonly document: FlowDocument;
  readonly state: RunState;
  readonly host: FlowHost;
  readonly deps: RunDeps;
  /** The first step after a crash of the process that ran it. */
  readonly resumed: boolean;
  /** The digits of secure steps went with the process that died. */
  readonly secretsLost: boolean;
  readonly lookUp: LookUp;
  /** Digits of secure steps by name. Never leaves memory; emptied as soon as the http step has had it. */
  readonly secrets: Map<string, string>;
  say(items: SayItem[]): Promise<PlayItem[]>;
}
