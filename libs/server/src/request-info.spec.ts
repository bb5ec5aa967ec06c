import { requestInfoOf } from './request-info.js';

const info = (method: string, target: string): string => {
  const [path = '', query = ''] = target.split('?');
  const { verb, resourceRequest, group, version, namespace, resource, name, subresource, rest } = requestInfoOf(
    method,
    path,
    new URLSearchParams(query),
  );
  if (!resourceRequest) return `${verb} ${path}`;
  return `${verb} ${group || 'core'}/${version} ns=${namespace} ${resource}/${name}/${subresource} ${rest.join('/')}`.trim();
};

describe('the meaning of a path', () => {
  it.each([
    ['GET', '/api/v1/pods', 'list core/v1 ns= pods//'],
    ['GET', '/api/v1/pods?watch=true', 'watch core/v1 ns= pods//'],
    ['GET', '/api/v1/pods?watch=false', 'list core/v1 ns= pods//'],
    ['GET', '/api/v1/watch/namespaces/a/pods', 'watch core/v1 ns=a pods//'],
    ['GET', '/api/v1/namespaces/a/pods/p', 'get core/v1 ns=a pods/p/'],
    ['HEAD', '/api/v1/namespaces/a/pods/p', 'get core/v1 ns=a pods/p/'],
    ['GET', '/api/v1/namespaces/a', 'get core/v1 ns=a namespaces/a/'],
    ['PUT', '/api/v1/namespaces/a/finalize', 'update core/v1 ns=a namespaces/a/finalize'],
    ['GET', '/api/v1/namespaces/a/status', 'get core/v1 ns=a namespaces/a/status'],
    ['DELETE', '/apis/apps/v1/namespaces/a/deployments', 'deletecollection apps/v1 ns=a deployments//'],
    ['PATCH', '/apis/apps/v1/namespaces/a/deployments/d/scale', 'patch apps/v1 ns=a deployments/d/scale'],
    ['POST', '/api/v1/namespaces/a/pods/p/binding', 'create core/v1 ns=a pods/p/binding'],
    ['GET', '/api/v1/nodes/n/proxy/logs/a%20b', 'get core/v1 ns= nodes/n/proxy logs/a b'],
    ['GET', '/apis/apps/v1', 'get /apis/apps/v1'],
    ['GET', '/version', 'get /version'],
  ])('reads %s %s', (method, target, meaning) => {
    expect(info(method, target)).toBe(meaning);
  });

  it('refuses a path that is no valid percent-encoding', () => {
    expect(() => info('GET', '/api/v1/namespaces/%zz')).toThrow('invalid URL escape');
  });
});
