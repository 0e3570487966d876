#include "multiproc/pool/oom_watch.h"

#include <utility>

namespace multiproc {
namespace {

// By its number on every POSIX system (kill(1)); Windows has no such killer.
constexpr int kSigKill = 9;

}  // namespace

OomWatch::OomWatch(OomKillCounter counter)
    : counter_(std::move(counter)), used_(counter_()) {}

std::optional<bool> OomWatch::Explain(const ExitStatus& status) {
  if (status.signal() != kSigKill || !used_.has_value()) return std::nullopt;
  const std::optional<uint64_t> count = counter_();
  if (!count.has_value()) return std::nullopt;
  if (*count <= *used_) return false;
  // Others of it are for deaths that are not seen yet.
  ++*used_;
  return true;
}

}  // namespace multiproc
