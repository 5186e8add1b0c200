// The switch, as the rooms of telephony use it.
export type { Codec, Hear, LegStats, Media, MediaEvents } from './api.ts';
export { createMediaClient, type MediaClientOptions } from './client.ts';
