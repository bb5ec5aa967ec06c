export { SinkPositions, type SinkPosition, type SinkPositionsOptions } from './positions.js';
export { SinkPublisher, type SinkMessage } from './publisher.js';
