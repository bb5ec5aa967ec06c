/** What a step may say while it works. */
export type Say = (detail: string) => void;

/** Where progress goes: emoji lines and a spinner on a terminal, plain lines elsewhere. */
export interface Terminal {
  /** One line, with an icon where the terminal can show it. */
  line(icon: string, text: string): void;
  /** Work shown as one line with the time it took. What `say` tells is shown as it comes. */
  step<T>(icon: string, title: string, work: (say: Say) => Promise<T>): Promise<T>;
  warn(text: string): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** The part of a tty.WriteStream that is used. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** `12.3s` below a minute, `1m 5s` above. */
export function formatDuration(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : `${Math.floor(ms / 60_000)}m ${Math.round((ms % 60_000) / 1000)}s`;
}

export function makeTerminal(screen: Screen, env: Readonly<Record<string, string | undefined>>): Terminal {
  const locale = env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? '';
  const fancy = screen.isTTY === true && env['TERM'] !== 'dumb';
  const emoji = fancy && (/utf-?8/i.test(locale) || locale === '') && env['NO_EMOJI'] === undefined;
  const mark = (icon: string) => (emoji ? `${icon}  ` : '* ');
  const put = (text: string) => void screen.write(`${text}\n`);
  return {
    line: (icon, text) => put(`${mark(icon)}${text}`),
    warn: (text) => put(`${emoji ? '❗  ' : '! '}${text}`),
    step: async (icon, title, work) => {
      const began = Date.now();
      const spinner = fancy ? spin(screen, title) : undefined;
      const say: Say = (detail) => {
        spinner?.clear();
        put(`    ${emoji ? '▪' : '-'} ${detail}`);
      };
      try {
        const result = await work(say);
        spinner?.stop();
        put(`${mark(icon)}${title} (${formatDuration(Date.now() - began)})`);
        return result;
      } catch (error) {
        spinner?.stop();
        put(`${emoji ? '❌  ' : 'X '}${title}: failed after ${formatDuration(Date.now() - began)}`);
        throw error;
      }
    },
  };
}

function spin(screen: Screen, title: string): { clear(): void; stop(): void } {
  let frame = 0;
  const text = title.slice(0, Math.max(10, (screen.columns ?? 80) - 8));
  const clear = () => void screen.write('\r\x1b[K');
  const draw = () => {
    screen.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length] ?? ''}  ${text} ...`);
  };
  draw();
  const timer = setInterval(draw, 120);
  return {
    clear,
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}
