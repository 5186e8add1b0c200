// Where an interaction is, and what follows from going there. Pure.
import type { InteractionState, SegmentEnd, SegmentKind } from '#appliance/contract/work.ts';

/** The state an interaction has while this segment is the place where it is. */
export function stateIn(kind: Exclude<SegmentKind, 'wrap-up'>): InteractionState {
  switch (kind) {
    case 'flow':
    case 'dial':
    case 'voicemail':
      return 'flow';
    case 'queue':
      return 'waiting';
    case 'agent':
    case 'hold':
    case 'consult':
    case 'parked':
      return 'active';
  }
}

/** Why a segment ends when the interaction goes to the next place by itself. */
export function endBetween(from: SegmentKind, to: SegmentKind): SegmentEnd {
  if (to === 'voicemail') return 'voicemail';
  switch (from) {
    case 'queue':
      return to === 'agent' || to === 'dial' ? 'answered' : 'overflow';
    case 'flow':
    case 'voicemail':
      return to === 'queue' ? 'queued' : to === 'agent' || to === 'dial' ? 'transferred' : 'completed';
    case 'dial':
      return to === 'agent' ? 'answered' : 'failed';
    case 'agent':
      return to === 'hold' ? 'hold' : 'transferred';
    case 'hold':
      return to === 'agent' ? 'resumed' : 'transferred';
    case 'parked':
      return to === 'agent' ? 'answered' : to === 'queue' ? 'queued' : 'transferred';
    case 'consult':
    case 'wrap-up':
      return 'completed';
  }
}

/** Why a segment ends when the contact is over while it is open. */
export function endAtLast(kind: SegmentKind): SegmentEnd {
  switch (kind) {
    case 'queue':
    case 'parked':
      return 'abandoned';
    case 'dial':
      return 'failed';
    case 'flow':
    case 'voicemail':
    case 'agent':
    case 'hold':
    case 'consult':
    case 'wrap-up':
      return 'completed';
  }
}
