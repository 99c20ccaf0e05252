#!/bin/sh
# At InfluxDB's first start: the buckets of the aggregates that the config of `laddport init` names, without an end of retention.
set -e
for bucket in depot_1m depot_15m; do
  influx bucket create --org "$DOCKER_INFLUXDB_INIT_ORG" --name "$bucket"
done
