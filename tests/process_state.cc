#include "tests/process_state.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace multiproc {

std::string ProcessState::ToString() const {
  return absl::StrCat(descriptors, " descriptors, ", threads, " threads, ",
                      children, " children");
}

std::string LeftBehindSince(const ProcessState& before) {
  ProcessState now = ProcessState::Now();
  const auto is_more = [&] {
    return now.descriptors > before.descriptors ||
           now.threads > before.threads || now.children > before.children;
  };
  for (int i = 0; i < 500 && is_more(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    now = ProcessState::Now();
  }
  if (!is_more()) return "";
  return absl::StrCat(now.ToString(), "; before: ", before.ToString());
}

}  // namespace multiproc
