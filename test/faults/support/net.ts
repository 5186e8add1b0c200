import { spawnSync } from 'node:child_process';

/** A network of its own for the agents' phones, with a cable that can be pulled. Needs root and the right to make namespaces. */
export class AgentNetwork {
  readonly #name: string;
  readonly boxAddress: string;
  readonly agentAddress: string;

  private constructor(number: number) {
    this.#name = `srf${number}`;
    this.boxAddress = `198.18.${number}.1`;
    this.agentAddress = `198.18.${number}.2`;
  }

  /** Undefined where this machine does not allow it. */
  static make(): AgentNetwork | undefined {
    if (process.getuid?.() !== 0) return undefined;
    const net = new AgentNetwork((process.pid % 250) + 1);
    const name = net.#name;
    try {
      ip('netns', 'add', name);
      ip('link', 'add', `${name}b`, 'type', 'veth', 'peer', 'name', `${name}a`);
      ip('link', 'set', `${name}a`, 'netns', name);
      ip('addr', 'add', `${net.boxAddress}/24`, 'dev', `${name}b`);
      ip('link', 'set', `${name}b`, 'up');
      ip('-n', name, 'addr', 'add', `${net.agentAddress}/24`, 'dev', `${name}a`);
      ip('-n', name, 'link', 'set', `${name}a`, 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      return net;
    } catch {
      net.remove();
      return undefined;
    }
  }

  /** In front of a command that runs there. */
  get within(): string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  /** At the box: what the box sends fails, what the phones send is lost without a word. */
  cut(): void {
    ip('link', 'set', `${this.#name}b`, 'down');
  }

  mend(): void {
    ip('link', 'set', `${this.#name}b`, 'up');
  }

  remove(): void {
    spawnSync('ip', ['link', 'del', `${this.#name}b`]);
    spawnSync('ip', ['netns', 'del', this.#name]);
  }
}

function ip(...words: string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
}
