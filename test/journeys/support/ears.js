// Runs in a page before its own scripts. Every remote track gets an ear beside the product's own way to the speaker, and the
// microphone loses its noise suppression, which would take a steady tone for noise; nothing else changes.
(() => {
  const TONES = [600, 900, 1850];
  const EVERY_MS = 25;
  const heard = new Map(TONES.map((hz) => [hz, 0]));
  const listening = [];

  const media = navigator.mediaDevices;
  if (media) {
    const getUserMedia = media.getUserMedia.bind(media);
    media.getUserMedia = (wanted) => {
      const audio = typeof wanted?.audio === 'object' ? wanted.audio : {};
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      return getUserMedia({ ...wanted, ...(wanted?.audio ? { audio: { ...audio, ...plain } } : {}) });
    };
  }

  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(options) {
      super(options);
      this.addEventListener('track', ({ track, streams }) => {
        const context = new AudioContext();
        const analyser = context.createAnalyser();
        analyser.fftSize = 2048;
        context.createMediaStreamSource(streams[0] ?? new MediaStream([track])).connect(analyser);
        listening.push({ analyser, samples: new Float32Array(2048), rate: context.sampleRate, track });
      });
    }
  };

  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    const passed = Math.min(now - last, 200);
    last = now;
    for (const hz of TONES)
      if (listening.some((ear) => amplitude(ear, hz) > 0.03)) heard.set(hz, (heard.get(hz) ?? 0) + passed);
  }, EVERY_MS);

  /** Goertzel over what was played last. */
  function amplitude({ analyser, samples, rate, track }, hz) {
    if (track.readyState === 'ended') return 0;
    analyser.getFloatTimeDomainData(samples);
    const k = 2 * Math.cos((2 * Math.PI * hz) / rate);
    let s1 = 0;
    let s2 = 0;
    for (const sample of samples) {
      const s = sample + k * s1 - s2;
      s2 = s1;
      s1 = s;
    }
    return (2 * Math.sqrt(Math.max(0, s1 * s1 + s2 * s2 - k * s1 * s2))) / samples.length;
  }

  Object.assign(window, {
    ears: {
      heardMs: (hz) => heard.get(hz) ?? 0,
      describe: () =>
        `${listening.length} tracks; now ${TONES.map((hz) => `${hz}: ${listening.map((ear) => amplitude(ear, hz).toFixed(3)).join('/')}`).join(', ')}; heard ${JSON.stringify([...heard])}`,
    },
  });
})();
