/** A stretch of a recording in which one side, or both, spoke. Times in seconds. */
export interface Speech {
  side: 'left' | 'right' | 'both';
  fromS: number;
  toS: number;
}

/** Peaks are 0 to 255; below this it is a room, not a voice. */
const VOICE = 12;
/** Shorter pauses belong to the speech around them. */
const PAUSE_S = 0.6;
/** Shorter sounds are a click or a breath. */
const SHORTEST_S = 0.2;

/** Who spoke when, from the loudest sample per slice of each side. */
export function speechOf(left: readonly number[], right: readonly number[], durationS: number): Speech[] {
  const slices = Math.max(left.length, right.length);
  if (slices === 0 || durationS <= 0) return [];
  const sliceS = durationS / slices;
  const found: Speech[] = [];
  for (let slice = 0; slice < slices; slice += 1) {
    const l = (left[slice] ?? 0) >= VOICE;
    const r = (right[slice] ?? 0) >= VOICE;
    if (!l && !r) continue;
    const side = l && r ? 'both' : l ? 'left' : 'right';
    const fromS = slice * sliceS;
    const last = found.at(-1);
    if (last && last.side === side && fromS - last.toS <= PAUSE_S) last.toS = fromS + sliceS;
    else found.push({ side, fromS, toS: fromS + sliceS });
  }
  return found.filter(({ fromS, toS }) => toS - fromS >= Math.min(SHORTEST_S, sliceS));
}

/** Where to go on when nobody speaks at `atS`; undefined while somebody does, or when the silence is too short to skip. */
export function nextSpeech(speech: readonly Speech[], atS: number, shortestS = 1.5): number | undefined {
  if (speech.some(({ fromS, toS }) => atS >= fromS - 0.2 && atS < toS + 0.3)) return undefined;
  const next = speech.find(({ fromS }) => fromS > atS);
  // A little before the voice, so that its first sound is heard.
  return next && next.fromS - atS >= shortestS ? next.fromS - 0.2 : undefined;
}
