# The command-line program with the removal engine, as a user without rights.
#   docker build -t preflight .
#   docker run --rm -v "$PWD:/videos" -v preflight-state:/state preflight run clip.mp4 -o cleaned
# The ledger of paid jobs is in /state: without that volume, `preflight resume` knows nothing of an earlier container.
FROM python:3.12-slim

COPY pyproject.toml README.md LICENSE /src/
COPY docs/sbom.cdx.json docs/preflight.1 /src/docs/
COPY docs/completions /src/docs/completions
COPY preflight /src/preflight
RUN pip install --no-cache-dir '/src[local]' && rm -rf /src

# Mounted folders belong to user 1000 on most machines; --user chooses another.
RUN useradd --create-home --uid 1000 preflight && install -d -o preflight -m 0755 /videos && install -d -o preflight -m 0700 /state
ENV PREFLIGHT_HOME=/state
USER preflight
WORKDIR /videos
ENTRYPOINT ["preflight"]
CMD ["--help"]
