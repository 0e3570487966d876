// The numbers of a pool as Prometheus reads them, in its text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): what a
// program's /metrics handler returns.
//
//   std::string text = multiproc::PrometheusText(pool->Stats(),
//                                                {{"pool", "thumbnails"}});
//
//   # HELP multiproc_tasks_ended_total Tasks that have an outcome, by it.
//   # TYPE multiproc_tasks_ended_total counter
//   multiproc_tasks_ended_total{pool="thumbnails",outcome="succeeded"} 430
//
// Of several pools in one program each needs a label of its own. The texts of
// two pools can't be joined as they are, since the lines of one metric must
// stand together: pass all of them at once.
//
// Single workers are not in it: each would be a time series for ever.
//
// Thread-safe: pure functions.

#ifndef MULTIPROC_WATCH_PROMETHEUS_H_
#define MULTIPROC_WATCH_PROMETHEUS_H_

#include <string>
#include <utility>
#include <vector>

#include "multiproc/pool/pool_stats.h"

namespace multiproc {

// Names and values. What no name of a label may have (all but ASCII letters,
// digits and '_') becomes '_', and one stands before a digit in front; a name
// that a metric here has itself ("outcome", "state", "cause", "direction",
// "quantile") gets "exported_" in front, as by Prometheus. Values may be any
// UTF-8.
using PrometheusLabels = std::vector<std::pair<std::string, std::string>>;

// `labels` are part of each line, before the metric's own.
std::string PrometheusText(const PoolStats& stats,
                           const PrometheusLabels& labels = {});

// One pool of several: its numbers, and by which labels it is known.
struct LabelledStats {
  // Of pool->Stats().
  PoolStats stats;
  // Others than those of any other pool.
  PrometheusLabels labels;
};

// The same of several pools.
std::string PrometheusText(const std::vector<LabelledStats>& pools);

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_PROMETHEUS_H_
