import { DEFINITIONS } from '../registry.js';
import { described } from './describe.js';
import { openApiV3, type OpenApiDocument } from './document.js';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const POD = 'io.k8s.api.core.v1.Pod';
const sentences = {
  [`${META}.TypeMeta`]: { '': 'Type.', kind: 'Its kind.' },
  [`${META}.ListOptions`]: { limit: 'How many.' },
  [POD]: { '': 'A pod.', spec: 'What it is to be.' },
  'io.k8s.api.core.v1.Container': { imagePullPolicy: 'When to pull.' },
};

describe('descriptions', () => {
  const plain = openApiV3({ group: '', version: 'v1' }, DEFINITIONS) as OpenApiDocument;
  const document = described(plain, sentences);

  it('stand at types, their fields, and those that all types share', () => {
    expect(document.components.schemas[POD]).toMatchObject({
      description: 'A pod.',
      properties: { spec: { description: 'What it is to be.' }, kind: { description: 'Its kind.' } },
    });
  });

  it('stand at the parameters of queries', () => {
    const listing = JSON.stringify(document.paths['/api/v1/namespaces/{namespace}/pods']);
    expect(listing).toContain('{"description":"How many.","name":"limit"');
  });

  it('are nowhere where nothing is known', () => {
    expect(described(plain, {})).toEqual(plain);
  });
});
