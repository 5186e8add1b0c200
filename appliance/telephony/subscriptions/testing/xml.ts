// Reads a document of elements, attributes and text strictly: what is not well formed throws. For tests.

export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  /** Its text, trimmed. */
  text: string;
}

const NAMES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function readXml(document: string): XmlElement {
  let at = 0;
  const eat = (pattern: RegExp): RegExpExecArray => {
    const sticky = new RegExp(pattern, 'uy');
    sticky.lastIndex = at;
    const found = sticky.exec(document);
    if (!found) throw new Error(`Not well formed at ${at}: ${document.slice(at, at + 40)}`);
    at = sticky.lastIndex;
    return found;
  };
  const plain = (text: string): string => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 §2.2 forbids them
    if (/[<\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text)) throw new Error(`Forbidden character in ${text}`);
    return text.replace(/&(?:(\w+);)?/g, (_, name?: string) => {
      const character = name && NAMES[name];
      if (!character) throw new Error(`Unknown entity in ${text}`);
      return character;
    });
  };
  const element = (): XmlElement => {
    const [, name = ''] = eat(/<([A-Za-z][\w-]*)/);
    const attributes: Record<string, string> = {};
    for (;;) {
      const [, end] = eat(/\s*(\/?>|(?=[A-Za-z]))/);
      if (end === '/>') return { name, attributes, children: [], text: '' };
      if (end === '>') break;
      const [, key = '', value = ''] = eat(/([A-Za-z][\w-]*)="([^"]*)"/);
      if (key in attributes) throw new Error(`Attribute ${key} twice`);
      attributes[key] = plain(value);
    }
    const children: XmlElement[] = [];
    let text = '';
    for (;;) {
      text += plain(eat(/[^<]*/)[0]);
      if (document.startsWith('</', at)) break;
      children.push(element());
    }
    if (eat(/<\/([\w-]+)\s*>/)[1] !== name) throw new Error(`${name} does not end`);
    return { name, attributes, children, text: text.trim() };
  };
  eat(/<\?xml version="1\.0"(?: encoding="UTF-8")?\?>\s*/);
  const root = element();
  eat(/\s*$/);
  return root;
}
