# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Debian's Prometheus, scraping.

cat >/etc/prometheus/prometheus.yml <<'END'
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: mqwatch
    static_configs:
      - targets: ['127.0.0.1:10119']
END
mqfill --depth=10 create /orders
mqfill send /orders 0:a 0:b 0:c
systemctl start prometheus.service

# promql VALUE QUERY
promql() {
	curl -sS --data-urlencode "query=$2" http://127.0.0.1:9090/api/v1/query >/tmp/promql
	cat /tmp/promql
	is "$1" "$(jq -r '.data.result[0].value[1]' /tmp/promql)"
}
check "Prometheus scrapes" wait_for promql 1 'up{job="mqwatch"}'
check "a query returns the depth" wait_for promql 3 'mqwatch_queue_messages{queue="/orders"}'
mqfill receive /orders >/dev/null
check "and follows it" wait_for promql 2 'mqwatch_queue_messages{queue="/orders"}'
check "the age of the oldest message" wait_for promql 1 \
	'(time() - mqwatch_queue_oldest_message_timestamp_seconds{queue="/orders"}) < bool 300'
systemctl stop prometheus.service
