/** A text that is not JSON; the message is what Go's parser says of it. */
export class JsonSyntaxProblem extends Error {
  override readonly name = 'JsonSyntaxProblem';
}

const MOST_DUPLICATES = 100;
const END = 'unexpected end of JSON input';

/** A character as Go's parser quotes it. */
function shown(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  const text = JSON.stringify(char);
  return `'${text.slice(1, -1)}'`;
}

const isSpace = (char: string): boolean => char === ' ' || char === '\n' || char === '\r' || char === '\t';
const isDigit = (char: string): boolean => char >= '0' && char <= '9';

type Frame = { readonly keys: Set<string> | undefined; readonly path: string; index: number };

/** Walks a JSON text character by character: names the first error in Go's words, and finds keys given twice. */
export class JsonScanner {
  private at = 0;
  private readonly duplicates: string[] = [];
  private readonly frames: Frame[] = [];

  constructor(
    private readonly text: string,
    private readonly mostDepth: number,
  ) {}

  /** Throws where arrays and objects are nested too deep. Quick, and says nothing of other errors. */
  static checkDepth(text: string, most: number): void {
    let depth = 0;
    let inString = false;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (inString) {
        if (code === 92) i++;
        else if (code === 34) inString = false;
      } else if (code === 34) inString = true;
      else if (code === 123 || code === 91) {
        if (++depth > most) throw new JsonSyntaxProblem('exceeded max depth');
      } else if (code === 125 || code === 93) depth--;
    }
  }

  /** The duplicate fields, as sentences. Throws JsonSyntaxProblem. */
  scan(): readonly string[] {
    this.space();
    this.value('');
    while (this.frames.length > 0) this.member();
    this.space();
    if (this.at < this.text.length) throw this.unexpected('after top-level value');
    return this.duplicates;
  }

  private peek(): string {
    return this.text.charAt(this.at);
  }

  private space(): void {
    while (isSpace(this.peek())) this.at++;
  }

  private unexpected(where: string): JsonSyntaxProblem {
    const code = this.text.codePointAt(this.at);
    return new JsonSyntaxProblem(code === undefined ? END : `invalid character ${shown(String.fromCodePoint(code))} ${where}`);
  }

  /** Reads a scalar, or opens an array or object. */
  private value(path: string): void {
    const char = this.peek();
    if (char === '{' || char === '[') this.open(char === '{', path);
    else if (char === '"') this.string();
    else if (char === '-' || isDigit(char)) this.number();
    else if (char === 't') this.literal('true');
    else if (char === 'f') this.literal('false');
    else if (char === 'n') this.literal('null');
    else throw this.unexpected('looking for beginning of value');
  }

  private open(object: boolean, path: string): void {
    if (this.frames.length >= this.mostDepth) throw new JsonSyntaxProblem('exceeded max depth');
    this.at++;
    this.space();
    if (this.peek() === (object ? '}' : ']')) {
      this.at++;
      return;
    }
    this.frames.push({ keys: object ? new Set() : undefined, path, index: -1 });
  }

  /** Reads the next member of the innermost array or object, and what follows it. */
  private member(): void {
    const frame = this.frames.at(-1);
    if (!frame) return;
    const depth = this.frames.length;
    if (frame.index >= 0 && !this.separator(frame)) return;
    frame.index++;
    this.space();
    if (frame.keys) this.value(this.key(frame, frame.keys));
    else this.value(`${frame.path}[${frame.index}]`);
    if (this.frames.length === depth) this.space();
  }

  /** Whether another member follows; closes the frame where none does. */
  private separator(frame: Frame): boolean {
    this.space();
    const char = this.peek();
    if (char === ',') {
      this.at++;
      return true;
    }
    if (char !== (frame.keys ? '}' : ']')) throw this.unexpected(frame.keys ? 'after object key:value pair' : 'after array element');
    this.at++;
    this.frames.pop();
    return false;
  }

  private key(frame: Frame, keys: Set<string>): string {
    if (this.peek() !== '"') throw this.unexpected('looking for beginning of object key string');
    const start = this.at;
    this.string();
    const key = JSON.parse(this.text.slice(start, this.at)) as string;
    const path = frame.path === '' ? key : `${frame.path}.${key}`;
    if (keys.has(key)) this.repeated(path);
    keys.add(key);
    this.space();
    if (this.peek() !== ':') throw this.unexpected('after object key');
    this.at++;
    this.space();
    return path;
  }

  private repeated(path: string): void {
    const sentence = `duplicate field ${JSON.stringify(path)}`;
    if (this.duplicates.length < MOST_DUPLICATES && !this.duplicates.includes(sentence)) this.duplicates.push(sentence);
  }

  private string(): void {
    for (this.at++; this.peek() !== '"'; this.at++) {
      if (this.at >= this.text.length || this.peek() < ' ') throw this.unexpected('in string literal');
      if (this.peek() === '\\') this.escape();
    }
    this.at++;
  }

  private escape(): void {
    this.at++;
    if (this.at >= this.text.length || !'"\\/bfnrtu'.includes(this.peek())) throw this.unexpected('in string escape code');
    if (this.peek() !== 'u') return;
    for (let digit = 0; digit < 4; digit++) {
      this.at++;
      if (!/^[0-9a-fA-F]$/.test(this.peek())) throw this.unexpected('in \\u hexadecimal character escape');
    }
  }

  private digits(where: string): void {
    if (!isDigit(this.peek())) throw this.unexpected(where);
    while (isDigit(this.peek())) this.at++;
  }

  private number(): void {
    if (this.peek() === '-') {
      this.at++;
      if (!isDigit(this.peek())) throw this.unexpected('in numeric literal');
    }
    if (this.peek() === '0') this.at++;
    else this.digits('in numeric literal');
    if (this.peek() === '.') {
      this.at++;
      this.digits('after decimal point in numeric literal');
    }
    if (this.peek() !== 'e' && this.peek() !== 'E') return;
    this.at++;
    if (this.peek() === '+' || this.peek() === '-') this.at++;
    this.digits('in exponent of numeric literal');
  }

  private literal(word: string): void {
    for (let i = 0; i < word.length; i++, this.at++) {
      if (this.peek() !== word[i]) throw this.unexpected(`in literal ${word} (expecting '${word[i] ?? ''}')`);
    }
  }
}
