export interface Prompt {
  id: string;
  version: number;
  name: string;
  language: string;
  text: string | null;
  source: 'upload' | 'speech' | 'builtin';
  durationS: number;
}
