import { invalidValue, required } from './field-error.js';
import { alreadyExists, badRequest, conflict, forbidden, invalid, notFound, OPTIMISTIC_LOCK, toStatus } from './status-error.js';

const PODS = { group: '', resource: 'pods' };
const DEPLOYMENTS = { group: 'apps', resource: 'deployments' };

describe('Status errors say what upstream says', () => {
  it.each([
    [notFound(DEPLOYMENTS, 'a'), 404, 'deployments.apps "a" not found'],
    [alreadyExists(PODS, 'a'), 409, 'pods "a" already exists'],
    [
      conflict(PODS, 'a', OPTIMISTIC_LOCK),
      409,
      'Operation cannot be fulfilled on pods "a": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [forbidden(PODS, '', 'no'), 403, 'pods is forbidden: no'],
    [badRequest('what'), 400, 'what'],
    [invalid('apps', 'Deployment', 'a', [required('spec.selector')]), 422, 'Deployment.apps "a" is invalid: spec.selector: Required value'],
    [
      invalid('', 'Pod', 'a', [required('b'), invalidValue('c', 1, 'no'), required('b')]),
      422,
      'Pod "a" is invalid: [b: Required value, c: Invalid value: 1: no]',
    ],
  ])('%s', (error, code, message) => {
    expect(toStatus(error)).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message });
  });

  it('keeps the secrets of a bug', () => {
    expect(toStatus(new Error('password is x'))).toMatchObject({ code: 500, reason: 'InternalError', message: 'Internal error occurred' });
  });
});
