import type { RecordingView } from '#appliance/contract/work.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { recordingStore, viewOf } from './store.ts';

export { declareRecordingJobs, defineRecordingJobs, scheduleRecordingJobs } from './jobs.ts';
export { type AuditInTransaction, createKeeping, type Keeping } from './keeping.ts';
export { noteStore } from './note-store.ts';
export { createProcessor, type Processor, type ProcessorDeps } from './processor.ts';
export { createRecordings, type OnOff, type RecordedCall, type Recordings, type RecordingsDeps } from './recordings.ts';
export { isRecorded, type RecordingRule, ruleFor } from './rules.ts';
export { soundSender } from './send.ts';
export { type RecordingRuleRow, type RecordingStore, recordingStore } from './store.ts';
export {
  type AlarmPort,
  FILE_CLASS,
  PROCESS_JOB,
  type RawFiles,
  type RecorderPort,
  type RecordingState,
} from './types.ts';

/** What a trace shows of the recordings of an interaction. */
export function recordingsOf(db: Database): (interactionId: string) => Promise<RecordingView[]> {
  const store = recordingStore(db);
  return async (interactionId) => (await store.of([interactionId])).map(viewOf);
}
