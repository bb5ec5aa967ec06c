# One image for all apps: docker-compose.yml says which one a container runs.
FROM node:20-bookworm-slim
WORKDIR /decklog
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-fund --no-audit
COPY . .
RUN npm run build
CMD ["node", "dist/apps/standalone/src/main.js"]
