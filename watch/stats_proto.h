// The numbers of a pool as a message (proto/pool_stats.proto), for those who
// send or keep them.
//
//   multiproc::ToProto(pool->Stats()).SerializeToString(&bytes);
//
// Thread-safe: a pure function.

#ifndef MULTIPROC_WATCH_STATS_PROTO_H_
#define MULTIPROC_WATCH_STATS_PROTO_H_

#include "multiproc/pool/pool_stats.h"
#include "multiproc/proto/pool_stats.pb.h"

namespace multiproc {

// All that `stats` has; of its histograms what the message has.
PoolStatsProto ToProto(const PoolStats& stats);

}  // namespace multiproc

#endif  // MULTIPROC_WATCH_STATS_PROTO_H_
