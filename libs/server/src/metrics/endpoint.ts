import type { Call } from '../call.js';
import { sendBody, wrongMethod } from '../encoding/respond.js';

/** Prometheus' text format. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const GZIP_FROM_BYTES = 16 * 1024;

/** Answers `/metrics`. */
export async function answerMetrics({ request, response, info }: Call, text: () => Promise<string>): Promise<void> {
  if (info.verb !== 'get' && info.verb !== 'head') throw wrongMethod();
  await sendBody(request, response, 200, Buffer.from(await text()), { contentType: CONTENT_TYPE, gzipFromBytes: GZIP_FROM_BYTES });
}
