#include "multiproc/benchmarks/comparison.h"

#include <utility>

#include "absl/status/status.h"

namespace multiproc {
namespace {

absl::StatusOr<Value> FindValue(const FigureKey& key, const FigureLog& log) {
  const LoggedFigure* const logged = log.Find(key);
  if (logged == nullptr) return absl::NotFoundError("not measured");
  const Figure& figure = logged->figure;
  if (!figure.error.empty()) return absl::NotFoundError(figure.error);
  return Value{figure.summary.median, figure.unit, logged->disturbed};
}

bool IsBetter(double number, double than, Better better) {
  return better == Better::kLess ? number < than : number > than;
}

// The best of those that there are, or why the last is not there.
absl::StatusOr<Value> FindBest(const std::vector<FigureKey>& keys,
                               Better better, const FigureLog& log) {
  absl::StatusOr<Value> best = absl::NotFoundError("not measured");
  for (const FigureKey& key : keys) {
    absl::StatusOr<Value> value = FindValue(key, log);
    if (!best.ok() ||
        (value.ok() && IsBetter(value->number, best->number, better))) {
      best = std::move(value);
    }
  }
  return best;
}

Verdict Judge(double ours, double theirs, double factor, Better better) {
  if (factor == 0) return Verdict::kNoTarget;
  const bool missed = IsBetter(factor * theirs, ours, better);
  return missed ? Verdict::kMissed : Verdict::kMet;
}

RivalResult CompareWith(const Rival& rival, const absl::StatusOr<Value>& ours,
                        Better better, const FigureLog& log) {
  RivalResult result;
  result.rival = rival;
  if (rival.kind == Rival::Kind::kLimit) {
    if (ours.ok()) result.value = Value{rival.limit, ours->unit};
  } else {
    result.value = FindBest(rival.figures, better, log);
  }
  if (!ours.ok() || !result.value.ok()) {
    if (rival.target_factor != 0) result.verdict = Verdict::kUnknown;
    return result;
  }
  const double theirs = result.value->number;
  result.ratio = theirs == 0 ? 0 : ours->number / theirs;
  result.verdict = Judge(ours->number, theirs, rival.target_factor, better);
  return result;
}

}  // namespace

std::vector<Comparison> Compare(const std::vector<Measure>& measures,
                                const FigureLog& log) {
  std::vector<Comparison> comparisons;
  for (const Measure& measure : measures) {
    Comparison comparison{measure, FindValue(measure.ours, log), {}};
    for (const Rival& rival : measure.rivals) {
      comparison.rivals.push_back(
          CompareWith(rival, comparison.ours, measure.better, log));
    }
    comparisons.push_back(std::move(comparison));
  }
  return comparisons;
}

}  // namespace multiproc
