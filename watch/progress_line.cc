#include "multiproc/watch/progress_line.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "multiproc/watch/display_text.h"

namespace multiproc {
namespace {

// Of the bar with its ends.
constexpr size_t kLeastBar = 10;
constexpr size_t kMostBar = 40;
constexpr size_t kMostTitle = 30;
// Beyond this nobody plans.
constexpr double kMostSecondsLeft = 1e8;

// A part of the line; those with the highest rank are left out first.
struct Part {
  std::string text;
  int rank;
};
constexpr int kBarRank = 6;

std::string ClockText(absl::Duration time) {
  const int64_t seconds = absl::ToInt64Seconds(time);
  if (seconds < 3600) {
    return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                         seconds % 60);
}

std::string RateText(double rate) {
  if (rate >= 100) return absl::StrFormat("%.0f/s", rate);
  if (rate >= 1) return absl::StrFormat("%.1f/s", rate);
  return absl::StrFormat("%.2f/s", rate);
}

// Empty if it can't be told.
std::string TimeText(const Progress& progress) {
  if (progress.finished) {
    return absl::StrCat("in ", ClockText(progress.elapsed));
  }
  if (progress.rate.value_or(0) <= 0) return "";
  const double left =
      static_cast<double>(progress.total - progress.done) / *progress.rate;
  if (left > kMostSecondsLeft) return "";
  return absl::StrCat(ClockText(absl::Seconds(std::ceil(left))), " left");
}

uint64_t Percent(const Progress& progress) {
  return progress.total == 0 ? 0
                             : static_cast<uint64_t>(
                                   100.0 * static_cast<double>(progress.done) /
                                   static_cast<double>(progress.total));
}

std::string CountText(uint64_t count, absl::string_view what) {
  return count == 0 ? "" : absl::StrCat(count, " ", what);
}

std::string RateTextOf(const Progress& progress) {
  return progress.rate.has_value() ? RateText(*progress.rate) : "";
}

// Of `columns`, in eighths of a column where there are characters for that.
std::string Bar(const Progress& progress, size_t columns, bool utf8) {
  static constexpr absl::string_view kEighths[] = {"",  "▏", "▎", "▍",
                                                   "▌", "▋", "▊", "▉"};
  const size_t inside = columns - 2;
  const double share =
      static_cast<double>(progress.done) /
      static_cast<double>(std::max<uint64_t>(progress.total, 1));
  const auto eighths =
      static_cast<size_t>(share * 8 * static_cast<double>(inside));
  const size_t full = eighths / 8;
  std::string bar = "|";
  for (size_t i = 0; i < full; ++i) bar += utf8 ? "█" : "#";
  const absl::string_view rest = utf8 ? kEighths[eighths % 8] : "";
  absl::StrAppend(&bar, rest);
  bar.append(inside - full - (rest.empty() ? 0 : 1), ' ');
  return bar + '|';
}

std::vector<Part> PartsOf(const Progress& progress, bool utf8) {
  std::vector<Part> parts = {
      {DisplayText(progress.title, kMostTitle, utf8), 4},
      {progress.total == 0 ? "" : absl::StrFormat("%3d%%", Percent(progress)),
       1},
      {std::string(progress.total == 0 ? 0 : kLeastBar, ' '), kBarRank},
      {absl::StrCat(progress.done, "/", progress.total), 0},
      {CountText(progress.failed, "failed"), 2},
      {CountText(progress.cancelled, "cancelled"), 3},
      {CountText(progress.running, "running"), 8},
      {RateTextOf(progress), 7},
      {TimeText(progress), 5}};
  parts.erase(
      std::remove_if(parts.begin(), parts.end(),
                     [](const Part& part) { return part.text.empty(); }),
      parts.end());
  return parts;
}

size_t ColumnsOf(const std::vector<Part>& parts) {
  size_t columns = 2 * (parts.size() - 1);
  for (const Part& part : parts) columns += CountColumns(part.text);
  return columns;
}

bool HasLowerRank(const Part& a, const Part& b) { return a.rank < b.rank; }

std::string ProgressLine(const Progress& progress, size_t columns, bool utf8) {
  std::vector<Part> parts = PartsOf(progress, utf8);
  while (parts.size() > 1 && ColumnsOf(parts) > columns) {
    parts.erase(std::max_element(parts.begin(), parts.end(), HasLowerRank));
  }
  const size_t used = ColumnsOf(parts);
  for (Part& part : parts) {
    if (part.rank != kBarRank) continue;
    part.text =
        Bar(progress, std::min(kMostBar, kLeastBar + columns - used), utf8);
  }
  const std::string line =
      absl::StrJoin(parts, "  ", [](std::string* joined, const Part& part) {
        absl::StrAppend(joined, part.text);
      });
  return DisplayText(line, columns, utf8);
}

std::string WorkerLine(const WorkerProgress& worker, size_t columns,
                       bool utf8) {
  std::string what = worker.ready ? "idle" : "starting";
  if (!worker.task.empty()) {
    what = absl::StrCat(absl::FormatDuration(absl::Trunc(
                            worker.running, absl::Milliseconds(100))),
                        "  ", worker.task);
  }
  return DisplayText(absl::StrCat("  worker ", worker.id, " (pid ", worker.pid,
                                  ")  ", worker.done, " done  ", what),
                     columns, utf8);
}

}  // namespace

std::string PlainLine(const Progress& progress) {
  std::string line = absl::StrCat("[", ClockText(progress.elapsed), "] ");
  if (!progress.title.empty()) absl::StrAppend(&line, progress.title, " ");
  absl::StrAppend(&line, progress.done, "/", progress.total);
  if (progress.total > 0) {
    absl::StrAppend(&line, " (", Percent(progress), "%)");
  }
  for (const std::string& part : {CountText(progress.failed, "failed"),
                                  CountText(progress.cancelled, "cancelled"),
                                  CountText(progress.running, "running"),
                                  RateTextOf(progress), TimeText(progress)}) {
    if (!part.empty()) absl::StrAppend(&line, ", ", part);
  }
  return line;
}

std::vector<std::string> TerminalLines(const Progress& progress,
                                       TerminalSize size, bool utf8) {
  // In the last column the cursor waits to wrap, by rules of each terminal's
  // own; and below the last line it is to stand at the end.
  const auto columns = static_cast<size_t>(std::max(size.columns - 1, 1));
  const auto rows = static_cast<size_t>(std::max(size.rows - 1, 1));
  std::vector<std::string> lines = {ProgressLine(progress, columns, utf8)};
  for (const WorkerProgress& worker : progress.workers) {
    const size_t left = progress.workers.size() - (lines.size() - 1);
    if (left > 1 && lines.size() + 1 == rows) {
      lines.push_back(DisplayText(absl::StrCat("  and ", left, " more workers"),
                                  columns, utf8));
    }
    if (lines.size() >= rows) break;
    lines.push_back(WorkerLine(worker, columns, utf8));
  }
  return lines;
}

}  // namespace multiproc
