const KEY = 'strongroom.audio';

interface Choice {
  microphone: string;
  speaker: string;
  ring: string;
}

/** Which microphone and speakers this browser uses. Kept on this computer: another desk has other devices. */
class Devices {
  #choice = $state<Choice>(read());
  #all = $state.raw<MediaDeviceInfo[]>([]);
  #problem = $state.raw<'denied' | 'none' | undefined>(undefined);

  readonly microphones = $derived(this.#all.filter((d) => d.kind === 'audioinput' && d.deviceId !== 'communications'));
  readonly speakers = $derived(this.#all.filter((d) => d.kind === 'audiooutput' && d.deviceId !== 'communications'));

  get microphone(): string {
    return this.#choice.microphone;
  }
  get speaker(): string {
    return this.#choice.speaker;
  }
  get ring(): string {
    return this.#choice.ring;
  }
  get problem(): 'denied' | 'none' | undefined {
    return this.#problem;
  }

  choose(change: Partial<Choice>): void {
    this.#choice = { ...this.#choice, ...change };
    localStorage.setItem(KEY, JSON.stringify(this.#choice));
  }

  async refresh(): Promise<void> {
    this.#all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  }

  /** Asks for the microphone once at the start of the shift, so that the first call is not lost to a question of the browser. */
  async open(): Promise<MediaStream | undefined> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.constraints() });
      this.#problem = undefined;
      await this.refresh();
      return stream;
    } catch (error) {
      this.#problem = error instanceof DOMException && error.name === 'NotAllowedError' ? 'denied' : 'none';
      return undefined;
    }
  }

  constraints(): MediaTrackConstraints {
    return {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      // "ideal": a headset that was unplugged must not stop the call.
      ...(this.#choice.microphone ? { deviceId: { ideal: this.#choice.microphone } } : {}),
    };
  }
}

function read(): Choice {
  const none: Choice = { microphone: '', speaker: '', ring: '' };
  try {
    return { ...none, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Choice>) };
  } catch {
    return none;
  }
}

export const devices = new Devices();
