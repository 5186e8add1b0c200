import type { BusEvent, Commands } from '#appliance/contract/bus.ts';
import type { ErrorKind } from '#appliance/kernel/errors.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';

export type BusListener = (event: BusEvent, seq: number) => void;

export interface Bus {
  /** After commit. May be lost; readers then notice a gap. */
  publish(event: BusEvent): void;
  /** `onGap` is called when events may have been missed: read again what you show. Returns the function that ends it. */
  subscribe(listener: BusListener, onGap?: () => void): () => void;
  /** Answers a command sent to `address`: `router`, `voice`, or `voice:${instance}`. Of several processes at one address exactly one is asked. */
  handle<K extends keyof Commands>(
    address: string,
    name: K,
    fn: (input: Commands[K]['in']) => Promise<Commands[K]['out']>,
  ): () => void;
  /** AppErrors of the other side arrive with kind, code and message; nobody there is AppError('unavailable', 'no-answer'). */
  call<K extends keyof Commands>(
    address: string,
    name: K,
    input: Commands[K]['in'],
    timeoutMs?: number,
  ): Promise<Commands[K]['out']>;
  close(): Promise<void>;
}

export const CALL_TIMEOUT_MS = 5000;

export function noAnswer(address: string, name: string): AppError {
  return new AppError('unavailable', 'no-answer', `Nobody answered ${name} at ${address}.`);
}

/** How an error crosses the wire; what is not an AppError is a bug on the other side and keeps its text there. */
export interface WireError {
  kind: ErrorKind;
  code: string;
  message: string;
  details?: unknown;
}

export function toWire(error: unknown): WireError {
  if (error instanceof AppError) {
    return {
      kind: error.kind,
      code: error.code,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
    };
  }
  return { kind: 'unavailable', code: 'internal', message: `The command failed: ${messageOf(error)}` };
}

export function fromWire(error: WireError): AppError {
  return new AppError(error.kind, error.code, error.message, error.details);
}
