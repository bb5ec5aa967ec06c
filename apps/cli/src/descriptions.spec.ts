import { descriptionsIn } from './descriptions.js';

const SOURCE = `package v1

// comment
var map_Thing = map[string]string{
\t"":       "A thing.",
\t"weight": "Grams of \\"it\\".\\n\\nMore: a\\\\b",
}

func (Thing) SwaggerDoc() map[string]string {
\treturn map_Thing
}

var map_Empty = map[string]string{
\t"": "Nothing inside.",
}
`;

describe('the sentences of upstream', () => {
  it('are read with their escapes, by type and field', () => {
    expect(descriptionsIn(SOURCE, 'io.k8s.api.x.v1')).toEqual({
      'io.k8s.api.x.v1.Thing': { '': 'A thing.', weight: 'Grams of "it".\n\nMore: a\\b' },
      'io.k8s.api.x.v1.Empty': { '': 'Nothing inside.' },
    });
  });

  it('are none in a file without tables', () => {
    expect(descriptionsIn('package v1\n', 'x')).toEqual({});
  });
});
