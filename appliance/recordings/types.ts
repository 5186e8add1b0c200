/** Who was on which stream of the raw file, from when. */
export interface LayoutEntry {
  stream: number;
  leg: string;
  side: 'left' | 'right';
  agentId: string | null;
  /** ISO 8601 UTC. */
  from: string;
}

export interface PauseMark {
  from: string;
  to: string | null;
  reason: string;
}

export type RecordingState = 'recording' | 'processing' | 'ready' | 'failed' | 'deleted';

/** What the process with the call knows and writes. */
export interface LiveRecording {
  id: string;
  interactionId: string;
  ruleId: string | null;
  instance: string;
  state: RecordingState;
  startedAt: Date;
  endedAt: Date | null;
  layout: LayoutEntry[];
  pauses: PauseMark[];
  error: string | null;
}

export interface RecordingRow extends LiveRecording {
  durationS: number | null;
  fileHash: string | null;
  fileSize: number | null;
  fileKeyId: string | null;
  contentType: string | null;
  peaksPerSide: number | null;
  silenceLeft: number | null;
  silenceRight: number | null;
  silent: boolean | null;
  lengthOffS: number | null;
  createdAt: Date;
  updatedAt: Date;
}

export type RecorderEvents = {
  'recording-failed': { recording: string; error: string };
  /** The switch is back, or reachable for the first time. */
  connected: Record<string, never>;
};

/** The switch as this room needs it; implemented by the media client. */
export interface RecorderPort {
  startRecording(recording: {
    recording: string;
    file: string;
    legs: { leg: string; stream: number }[];
    meta?: unknown;
  }): Promise<void>;
  addToRecording(recording: string, leg: string, stream: number): Promise<void>;
  markRecording(recording: string, mark: Record<string, unknown>): Promise<void>;
  pauseRecording(recording: string): Promise<void>;
  resumeRecording(recording: string): Promise<void>;
  stopRecording(recording: string): Promise<void>;
  list(): Promise<{ recordings: string[] }>;
  on<K extends keyof RecorderEvents>(name: K, listener: (event: RecorderEvents[K]) => void): () => void;
}

/** The raw file's header, as far as this room wrote it. */
export interface RawMeta {
  interactionId: string;
  ruleId: string | null;
  instance: string;
}

/** Where the switch wrote nothing for a while: it was replaced, or the disk was full. */
export interface Gap {
  /** From the beginning of the recording. */
  atS: number;
  lengthS: number;
  /** `restart` or `write-failed`. */
  why: string;
}

/** Raw files as sound; implemented by the media room. */
export interface RawFiles {
  /** Writes a stereo WAV (16 bit PCM): left the customer, right everybody else, silence where nothing came in. */
  render(rawFile: string, wavFile: string): Promise<{ durationS: number; damagedBytes?: number; gaps?: Gap[] }>;
  /** When it began and what `meta` says; undefined when it is no raw file. */
  describe(rawFile: string): Promise<{ startedAt: Date; meta: unknown } | undefined>;
}

export interface AlarmPort {
  raise(alarm: {
    kind: string;
    subject: string;
    severity: 'info' | 'warning' | 'critical';
    text: string;
    data?: Record<string, unknown>;
  }): Promise<unknown>;
  clear(kind: string, subject: string): Promise<unknown>;
}

export type InteractionEvents = (interactionId: string, type: string, data: Record<string, unknown>) => void;

/** The class of files that recordings are encrypted as. */
export const FILE_CLASS = 'recording';
export const CONTENT_TYPE = 'audio/ogg; codecs=opus';
export const PROCESS_JOB = 'recordings.process';
