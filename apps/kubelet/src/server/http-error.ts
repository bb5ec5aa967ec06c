/** A request that is refused: with which code, and in which words. */
export class HttpError extends Error {
  override readonly name = 'HttpError';

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }

  static of(error: unknown): HttpError {
    return error instanceof HttpError ? error : new HttpError(500, error instanceof Error ? error.message : String(error));
  }
}
