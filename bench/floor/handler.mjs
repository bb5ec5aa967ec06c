// The empty handler: what TLS and HTTP alone cost here. The API server's own HTTP stack and settings, each request read to its end, and
// an answer of the size that the API server gives, of which nothing is looked up, decided or stored. It answers apiload.mjs well
// enough to be measured by it.
//
//   node bench/floor/handler.mjs --ca FILE --cert FILE --key FILE [--bytes N] [--list-bytes N]     prints its port
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';

const { values: opt } = parseArgs({
  options: {
    ca: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    bytes: { type: 'string', default: '1700' },
    'list-bytes': { type: 'string', default: '1500000' },
  },
});

const object = (length) => {
  const head = '{"kind":"ConfigMap","metadata":{"resourceVersion":"1"},"data":"';
  return Buffer.from(
    `${head}${randomBytes(length)
      .toString('hex')
      .slice(0, Math.max(0, length - head.length - 3))}"}\n`,
  );
};
const list = (length) => {
  const items = Array.from({ length: 1_000 }, () =>
    object(Math.floor(length / 1_000) - 1)
      .toString()
      .trim(),
  );
  return Buffer.from(`{"kind":"ConfigMapList","metadata":{},"items":[${items.join(',')}]}\n`);
};
const [one, all] = [object(Number(opt.bytes)), list(Number(opt['list-bytes']))];
const missing = Buffer.from('{"kind":"Status","code":404}\n');
const deleted = new Set();

function answer(request, response) {
  const { method, url } = request;
  let [code, body] = [method === 'POST' ? 201 : 200, one];
  if (/^\/api\/v1\/namespaces\/[^/]+$/.test(url)) {
    if (method === 'DELETE') deleted.add(url);
    else if (method === 'GET' && deleted.has(url)) [code, body] = [404, missing];
  } else if (method === 'GET' && /\/configmaps(\?|$)/.test(url)) body = all;
  response.setHeader('Audit-Id', '00000000-0000-0000-0000-000000000000');
  response.setHeader('Cache-Control', 'no-cache, private');
  response.writeHead(code, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

const server = createServer(
  {
    ca: readFileSync(opt.ca),
    cert: readFileSync(opt.cert),
    key: readFileSync(opt.key),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 180_000,
    noDelay: true,
  },
  (request, response) => {
    request.on('data', () => undefined);
    request.on('end', () => answer(request, response));
  },
);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
