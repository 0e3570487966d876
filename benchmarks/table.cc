#include "multiproc/benchmarks/table.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multiproc/benchmarks/quantity.h"

namespace multiproc {
namespace {

constexpr size_t kColumns = 8;
using Cells = std::array<std::string, kColumns>;

const Cells& Head() {
  static const Cells* const head = new Cells{
      "#", "what", "multiproc", "against", "theirs", "ratio", "target", ""};
  return *head;
}

std::string FormatValue(const absl::StatusOr<Value>& value) {
  if (!value.ok()) return "-";
  return absl::StrCat(value->disturbed ? "~" : "",
                      FormatQuantity(value->number, value->unit));
}

std::string FormatTarget(const RivalResult& result, Better better) {
  if (result.rival.target_factor == 0) return "";
  return absl::StrCat(better == Better::kLess ? "<= " : ">= ",
                      FormatRatio(result.rival.target_factor));
}

absl::string_view FormatVerdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNoTarget:
      return "";
    case Verdict::kMet:
      return "met";
    case Verdict::kMissed:
      return "MISSED";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "";
}

// What says the same as in the line above is left out.
Cells RivalCells(const Comparison& comparison, const RivalResult& result,
                 bool first) {
  const Measure& measure = comparison.measure;
  Cells cells;
  if (first) {
    cells[0] = measure.row;
    cells[1] = measure.title;
    cells[2] = FormatValue(comparison.ours);
  }
  cells[3] = result.rival.label;
  cells[4] = FormatValue(result.value);
  cells[5] = result.ratio == 0 ? "" : FormatRatio(result.ratio);
  cells[6] = FormatTarget(result, measure.better);
  cells[7] = std::string(FormatVerdict(result.verdict));
  return cells;
}

bool IsNumeric(size_t column) {
  return column == 2 || column == 4 || column == 5;
}

// Columns of numbers are aligned at their right.
std::string FormatLine(const Cells& cells,
                       const std::array<size_t, kColumns>& widths) {
  std::string line = "|";
  for (size_t i = 0; i < kColumns; ++i) {
    const std::string padding(widths[i] - cells[i].size(), ' ');
    absl::StrAppend(&line, " ", IsNumeric(i) ? padding : "", cells[i],
                    IsNumeric(i) ? "" : padding, " |");
  }
  return line + "\n";
}

std::string FormatRule(const std::array<size_t, kColumns>& widths) {
  std::string line = "|";
  for (size_t i = 0; i < kColumns; ++i) {
    absl::StrAppend(&line, " ", std::string(widths[i] - 1, '-'),
                    IsNumeric(i) ? ":" : "-", " |");
  }
  return line + "\n";
}

bool IsWorthALine(const RivalResult& result) {
  return result.value.ok() || result.rival.target_factor != 0;
}

// The lines below the rule.
std::vector<Cells> AllCells(const std::vector<Comparison>& comparisons) {
  std::vector<Cells> lines;
  for (const Comparison& comparison : comparisons) {
    bool first = true;
    for (const RivalResult& result : comparison.rivals) {
      if (!IsWorthALine(result)) continue;
      lines.push_back(RivalCells(comparison, result, first));
      first = false;
    }
  }
  return lines;
}

std::string FormatMissed(const Comparison& comparison,
                         const RivalResult& result) {
  const Measure& measure = comparison.measure;
  return absl::StrCat("  missed: ", measure.row, ". ", measure.title, ": ",
                      FormatRatio(result.ratio), " of ", result.rival.label,
                      ", target ", FormatTarget(result, measure.better), "\n");
}

}  // namespace

std::string FormatTable(const std::vector<Comparison>& comparisons) {
  const std::vector<Cells> lines = AllCells(comparisons);
  std::array<size_t, kColumns> widths;
  for (size_t i = 0; i < kColumns; ++i) {
    widths[i] = std::max<size_t>(Head()[i].size(), 1);
    for (const Cells& cells : lines) {
      widths[i] = std::max(widths[i], cells[i].size());
    }
  }
  std::string table = FormatLine(Head(), widths) + FormatRule(widths);
  for (const Cells& cells : lines) table += FormatLine(cells, widths);
  return table;
}

std::string FormatVerdicts(const std::vector<Comparison>& comparisons) {
  int met = 0, missed = 0, unknown = 0;
  std::string missed_lines;
  for (const Comparison& comparison : comparisons) {
    for (const RivalResult& result : comparison.rivals) {
      if (result.verdict == Verdict::kMet) ++met;
      if (result.verdict == Verdict::kUnknown) ++unknown;
      if (result.verdict != Verdict::kMissed) continue;
      ++missed;
      missed_lines += FormatMissed(comparison, result);
    }
  }
  return absl::StrCat("Targets: ", met, " met, ", missed, " missed, ", unknown,
                      " unknown.\n", missed_lines);
}

}  // namespace multiproc
