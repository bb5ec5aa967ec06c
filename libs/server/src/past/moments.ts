import { badRequest, type Instant } from '#libs/apimachinery';
import { instantOf, parsePacedMoment, parseSpeed, speedProblem } from '#libs/history';
import { ORIGIN, STREAMS, type Position, type Sequence } from '#libs/log';
import type { MomentReader, World } from '#libs/runtime';
import { available, type ProjectionReader } from '../reads/projection-reader.js';
import type { Past, PastRequest } from './past-request.js';

/** Finds out which moment a request means. */
export class Moments {
  constructor(
    private readonly history: MomentReader,
    private readonly projection: ProjectionReader,
    private readonly world: Pick<World, 'now'>,
  ) {}

  /**
   * The moment's time and place in all streams, once the projection holds what the log held when the request came.
   * Throws 400 for what is no moment, and for one that has not come yet.
   */
  async resolve({ moment: text, prefix }: PastRequest, query: URLSearchParams, signal: AbortSignal): Promise<Past> {
    const now = this.world.now();
    const read = parsePacedMoment(text);
    if ('problem' in read) throw badRequest(read.problem);
    const { moment, speed: paced = 1 } = read;
    const speed = speedOf(query) ?? paced;
    const time = instantOf(moment, now);
    if (time !== undefined && time > now) throw badRequest(`${text} lies in the future: nothing is known of it yet`);
    const [state = 0] = await Promise.all(STREAMS.map((stream) => this.projection.latest(stream, signal)));
    const place = await available(
      () => (moment.kind === 'sequence' ? this.ofSequence(moment.sequence, state) : this.ofTime(time ?? now)),
      signal,
    );
    return { ...place, speed, prefix };
  }

  private async ofTime(time: Instant): Promise<Pick<Past, 'time' | 'position'>> {
    return { time, position: await this.history.positionBy(time) };
  }

  /** As of an event of `state`: the other streams are shown as of its time. */
  private async ofSequence(sequence: Sequence, last: Sequence): Promise<Pick<Past, 'time' | 'position'>> {
    if (sequence > last) throw badRequest(`the log ends at ${last}: there is no sequence ${sequence} yet`);
    const time = await this.history.timeBy('state', sequence);
    if (time === undefined) return { time: 0, position: ORIGIN };
    const position: Position = { ...(await this.history.positionBy(time)), state: sequence };
    return { time, position };
  }
}

/** The pace that a query asks for; undefined where it says nothing of it. */
function speedOf(query: URLSearchParams): number | undefined {
  const text = query.get('speed');
  if (text === null) return undefined;
  const speed = parseSpeed(text);
  if (speed === undefined) throw badRequest(speedProblem(text));
  return speed;
}
