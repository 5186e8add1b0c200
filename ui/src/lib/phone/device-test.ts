const SPEAK_MS = 3_000;
const ASKED = 5;
/** Above this a microphone heard more than its own noise. */
const HEARD_DB = -45;

interface Chosen {
  readonly speaker: string;
  constraints(): MediaTrackConstraints;
}

/** Three seconds of the microphone, played back on the speaker of calls. True when something was said. */
export async function hearMyself(devices: Chosen, onplay: () => void, signal: AbortSignal): Promise<boolean> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: devices.constraints() });
  try {
    const loudest = loudestOf(stream);
    const sound = await record(stream, signal);
    const heard = loudest() > HEARD_DB;
    onplay();
    await play(sound, devices.speaker, signal);
    return heard;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

/** How long the box takes to answer, in the middle of several questions. */
export async function roundTripMs(): Promise<number | undefined> {
  const times: number[] = [];
  for (let asked = 0; asked < ASKED; asked += 1) {
    const begun = performance.now();
    const answer = await fetch('/favicon.svg', { method: 'HEAD', cache: 'no-store' }).catch(() => undefined);
    if (!answer?.ok) return undefined;
    times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(ASKED / 2)];
}

function record(stream: MediaStream, signal: AbortSignal): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const recorder = new MediaRecorder(stream);
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () =>
      signal.aborted ? reject(signal.reason) : resolve(new Blob(parts, { type: recorder.mimeType }));
    recorder.onerror = () => reject(new Error('the microphone could not be recorded'));
    const stop = () => recorder.state === 'recording' && recorder.stop();
    signal.addEventListener('abort', stop, { once: true });
    recorder.start();
    setTimeout(stop, SPEAK_MS);
  });
}

async function play(sound: Blob, speaker: string, signal: AbortSignal): Promise<void> {
  const url = URL.createObjectURL(sound);
  const audio = new Audio(url);
  try {
    await audio.setSinkId?.(speaker).catch(() => undefined);
    await new Promise<void>((resolve, reject) => {
      audio.onended = () => resolve();
      audio.onerror = () => reject(new Error('the speaker could not play'));
      signal.addEventListener('abort', () => {
        audio.pause();
        resolve();
      });
      audio.play().catch(reject);
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The loudest moment so far, in dBFS. */
function loudestOf(stream: MediaStream): () => number {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = Number.NEGATIVE_INFINITY;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    loudest = Math.max(loudest, 10 * Math.log10(sum / samples.length + 1e-10));
  }, 50);
  return () => {
    clearInterval(timer);
    void context.close();
    return loudest;
  };
}
