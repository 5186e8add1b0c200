export { makeDefaultPrompts } from './default-prompts.ts';
export { DigitInput } from './digits.ts';
export { EntryHost, isEntry } from './entry-host.ts';
export { createFlowAdmin, EMPTY_FLOW, type FlowAdmin, type ReferenceSource } from './flow-admin.ts';
export { flowStore } from './flow-store.ts';
export { createFlows, type Flows, type PublishedFlow } from './flows.ts';
export { greetingOf } from './greetings.ts';
export {
  type EnqueueRequest,
  type FlowHost,
  type Gathered,
  type GatherOptions,
  type HangupCause,
  HostGone,
  type PlayEnd,
  type PlayItem,
  type PlayOptions,
  type QueueOutcome,
  type QueueTicket,
  type TransferEnd,
  type TransferTo,
} from './host.ts';
export { type Hours, type HoursState, hoursAt, nextOpening } from './hours.ts';
export { sayDigits, sayNumber } from './numbers.ts';
export { createPrompts, type Prompts } from './prompts.ts';
export type { FlowEnd, FlowOutcome } from './run-state.ts';
export { createSounds } from './sounds.ts';
export { runFlowInText, type TextRun, type TextRunOptions } from './text-run.ts';
export { createTraffic } from './traffic.ts';
export { hasErrors, validateFlow } from './validate.ts';
export { VoiceHost } from './voice-host.ts';
