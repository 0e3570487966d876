#include "tools/timeline_page.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace multiproc {
namespace {

// timeline_page.html.
constexpr absl::string_view kPage =
#include "tools/timeline_page.inc"
    ;

}  // namespace

// Where JSON has a '<', it is within a string. As an escape sequence it can't
// end the element that the trace stands in.
std::string TimelinePage(absl::string_view trace) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(kPage, absl::MaxSplits("@TRACE@", 1));
  return absl::StrCat(halves.first,
                      absl::StrReplaceAll(trace, {{"<", "\\u003c"}}),
                      halves.second);
}

}  // namespace multiproc
