// A page of HTML that shows a trace (watch/trace_writer.h): the workers over
// time, to be zoomed and moved, the slowest tasks, and the failures. It needs
// nothing but a browser, and no network.
//
//   std::string html = TimelinePage(trace);
//
// Thread-safe: a pure function.

#ifndef MULTIPROC_TOOLS_TIMELINE_PAGE_H_
#define MULTIPROC_TOOLS_TIMELINE_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace multiproc {

// `trace` is the file's text, whole or not; what of it is no line of an event
// the page leaves out, and says so.
std::string TimelinePage(absl::string_view trace);

}  // namespace multiproc

#endif  // MULTIPROC_TOOLS_TIMELINE_PAGE_H_
