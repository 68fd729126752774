# docker build --tag mirscan .                                        GPUs: --build-arg EXTRAS=s3,cluster,gpu
# docker run --rm --volume "$PWD:/data" --user "$(id -u):$(id -g)" mirscan scan --mirnas mature.fa --utrs utr.fa.gz --out results
FROM python:3.12-slim AS build
# What pods and batch jobs need beside the scan itself: object stores, clusters.
ARG EXTRAS=s3,cluster
RUN python -m venv /opt/mirscan
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY mirscan ./mirscan
COPY models ./models
RUN /opt/mirscan/bin/pip install --no-cache-dir ".[$EXTRAS]"

FROM python:3.12-slim
COPY --from=build /opt/mirscan /opt/mirscan
COPY --chmod=755 workflows/container-command.sh /usr/local/bin/container-command
# Compiled kernels are cached below HOME, which must be writable for whatever user id the container is given.
ENV PATH=/opt/mirscan/bin:$PATH HOME=/home/mirscan PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home mirscan && chmod 1777 /home/mirscan && mkdir /data && chown mirscan /data
USER 10001
WORKDIR /data
ENTRYPOINT ["container-command"]
CMD ["--help"]
