// The switch and its edge, as the rooms of telephony use them.
export type { Codec, Hear, LegStats, Media, MediaEvents } from './api.ts';
export { createMediaClient, type MediaClientOptions } from './client.ts';
export { classifySdp, needsEdge, type SdpKind } from './edge/classify.ts';
export { createEdge, type Edge, type EdgeEvents, type EdgeLeg, type EdgeOptions } from './edge/edge.ts';
export { RecordingReader } from './recording-reader.ts';
export { type Rendering, renderWav, writeWav } from './render.ts';
