export { HttpsWebhookCaller } from './https-webhook-caller.js';
