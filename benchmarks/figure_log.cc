#include "multiproc/benchmarks/figure_log.h"

#include <algorithm>
#include <utility>

namespace multiproc {
namespace {

bool HasAll(const Parameters& parameters, const Parameters& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& parameter) {
    const auto found = parameters.find(parameter.first);
    return found != parameters.end() && found->second == parameter.second;
  });
}

// A program that fails as a whole reports no parameters.
bool Fits(const Figure& figure, const FigureKey& key) {
  if (figure.item != key.item || figure.who != key.who) return false;
  if (!figure.error.empty() && figure.parameters.empty()) return true;
  return (figure.metric == key.metric || !figure.error.empty()) &&
         HasAll(figure.parameters, key.parameters);
}

}  // namespace

void FigureLog::Add(Figure figure, bool disturbed) {
  figures_.push_back({std::move(figure), disturbed});
}

const LoggedFigure* FigureLog::Find(const FigureKey& key) const {
  const auto found = std::find_if(
      figures_.rbegin(), figures_.rend(),
      [&](const LoggedFigure& logged) { return Fits(logged.figure, key); });
  return found == figures_.rend() ? nullptr : &*found;
}

}  // namespace multiproc
