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

// Whether `figure` is the one that `key` means.
bool Fits(const Figure& figure, const FigureKey& key) {
  return figure.error.empty() && figure.item == key.item &&
         figure.who == key.who && figure.metric == key.metric &&
         HasAll(figure.parameters, key.parameters);
}

// Whether it says why there is none. A program that fails as a whole reports no
// parameters.
bool Explains(const Figure& figure, const FigureKey& key) {
  return !figure.error.empty() && figure.item == key.item &&
         figure.who == key.who &&
         (figure.parameters.empty() ||
          HasAll(figure.parameters, key.parameters));
}

}  // namespace

void FigureLog::Add(Figure figure, bool disturbed) {
  figures_.push_back({std::move(figure), disturbed});
}

const LoggedFigure* FigureLog::Find(const FigureKey& key) const {
  for (const auto matches : {Fits, Explains}) {
    const auto found = std::find_if(figures_.rbegin(), figures_.rend(),
                                    [&](const LoggedFigure& logged) {
                                      return matches(logged.figure, key);
                                    });
    if (found != figures_.rend()) return &*found;
  }
  return nullptr;
}

}  // namespace multiproc
