# One image for every process of the product; docker-compose.yml says which one each service runs.

FROM node:22-slim AS front
WORKDIR /front
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt requirements-kafka.txt ./
RUN python -m venv .venv && \
    .venv/bin/pip install --no-cache-dir -r requirements.txt -r requirements-kafka.txt
COPY package.json ./
COPY tools/vendor.py tools/
COPY --from=front /front/node_modules /front/node_modules
RUN .venv/bin/python tools/vendor.py --modules /front/node_modules --out var/vendor

FROM python:3.11-slim
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OSKARTRACK_ENV=production \
    OSKARTRACK_DATA=/data \
    OSKARTRACK_MODELS=/data/models
# It never writes to its own code, and never runs as root.
RUN useradd --system --uid 10001 --no-create-home oskartrack && install -d -o oskartrack /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY --from=build /app/var var
COPY manage.py ./
COPY oskartrack oskartrack
COPY accounts accounts
COPY zones zones
COPY tracking tracking
COPY analytics analytics
COPY templates templates
COPY static static
COPY deploy/healthy.py deploy/
USER oskartrack
VOLUME /data
EXPOSE 8000 8001
CMD ["gunicorn", "oskartrack.wsgi:application", "--bind", "0.0.0.0:8000"]
