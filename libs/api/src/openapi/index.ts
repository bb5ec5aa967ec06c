export { described, type Descriptions } from './describe.js';
export { openApiDocuments, openApiV3, openApiV3Index, type OpenApiDocument, type OpenApiIndex } from './document.js';
