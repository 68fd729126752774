#!/bin/sh
# What the container runs: mirscan with the given arguments, or a part of a Dask cluster.
# dask-kubernetes still asks for dask-scheduler and dask-worker, names that distributed dropped in 2026.6.
case "$1" in
    dask-scheduler | dask-worker)
        part="${1#dask-}"
        shift
        exec dask "$part" "$@"
        ;;
    dask) exec "$@" ;;
    *) exec mirscan "$@" ;;
esac
