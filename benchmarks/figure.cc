#include "multiproc/benchmarks/figure.h"

#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "multiproc/benchmarks/json_line.h"

namespace multiproc {
namespace {

constexpr absl::string_view kParameterPrefix = "p.";

std::string FormatParameters(const Parameters& parameters) {
  return absl::StrCat(
      "{",
      absl::StrJoin(parameters, ",",
                    [](std::string* out, const auto& parameter) {
                      absl::StrAppend(out, JsonQuote(parameter.first), ":",
                                      JsonValue(parameter.second));
                    }),
      "}");
}

std::string FormatSummary(const Summary& summary) {
  return absl::StrFormat(
      R"("median":%.6g,"min":%.6g,"max":%.6g,"iqr":%.6g,"n":%d)",
      summary.median, summary.min, summary.max, summary.interquartile_range,
      summary.count);
}

absl::Status ReadNumber(const JsonFields& fields, const char* name,
                        double* number) {
  const auto found = fields.find(name);
  if (found != fields.end() && absl::SimpleAtod(found->second, number)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no figure: its \"", name, "\" is missing or no number"));
}

absl::Status ReadSummary(const JsonFields& fields, Summary* summary) {
  double count = 0;
  for (const auto& [name, number] :
       {std::pair<const char*, double*>("median", &summary->median),
        {"min", &summary->min},
        {"max", &summary->max},
        {"iqr", &summary->interquartile_range},
        {"n", &count}}) {
    const absl::Status read = ReadNumber(fields, name, number);
    if (!read.ok()) return read;
  }
  summary->count = static_cast<int>(count);
  return absl::OkStatus();
}

std::string FieldOr(const JsonFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

}  // namespace

std::string FormatFigure(const Figure& figure) {
  const std::string numbers =
      figure.error.empty()
          ? FormatSummary(figure.summary)
          : absl::StrCat("\"error\":", JsonQuote(figure.error));
  return absl::StrCat("{\"item\":", JsonQuote(figure.item),
                      ",\"who\":", JsonQuote(figure.who),
                      ",\"p\":", FormatParameters(figure.parameters),
                      ",\"metric\":", JsonQuote(figure.metric),
                      ",\"unit\":", JsonQuote(figure.unit), ",", numbers, "}");
}

absl::StatusOr<Figure> ParseFigure(absl::string_view line) {
  const absl::StatusOr<JsonFields> fields = ParseJsonLine(line);
  if (!fields.ok()) return fields.status();
  Figure figure;
  figure.item = FieldOr(*fields, "item");
  figure.who = FieldOr(*fields, "who");
  figure.metric = FieldOr(*fields, "metric");
  figure.unit = FieldOr(*fields, "unit");
  figure.error = FieldOr(*fields, "error");
  if (figure.item.empty() || figure.who.empty()) {
    return absl::InvalidArgumentError("no figure: it has no item, or no who");
  }
  for (const auto& [name, value] : *fields) {
    if (absl::StartsWith(name, kParameterPrefix)) {
      figure.parameters[name.substr(kParameterPrefix.size())] = value;
    }
  }
  if (figure.error.empty()) {
    const absl::Status read = ReadSummary(*fields, &figure.summary);
    if (!read.ok()) return read;
  }
  return figure;
}

absl::string_view UnitOf(absl::string_view metric) {
  static constexpr std::pair<absl::string_view, absl::string_view> kUnits[] = {
      {"p50", "us"},
      {"p99", "us"},
      {"mean", "us"},
      {"cpu_per_task", "us"},
      {"rt_per_s", "1/s"},
      {"tasks_per_s", "1/s"},
      {"starts_per_s", "1/s"},
      {"submits_per_s", "1/s"},
      {"first_result", "ms"},
      {"all_workers", "ms"},
      {"bandwidth", "MB/s"},
      {"bytes_per_task", "B"},
      {"payloads", "x"},
      {"threads", "1"},
      {"handles_per_worker", "1"},
  };
  for (const auto& [known, unit] : kUnits) {
    if (known == metric) return unit;
  }
  return "";
}

void PrintFigure(Figure figure, const std::vector<double>& samples) {
  figure.unit = std::string(UnitOf(figure.metric));
  figure.summary = Summarize(samples);
  absl::PrintF("%s\n", FormatFigure(figure));
  std::fflush(stdout);
}

void PrintError(Figure figure, absl::string_view error) {
  figure.error = std::string(error);
  absl::PrintF("%s\n", FormatFigure(figure));
  std::fflush(stdout);
}

}  // namespace multiproc
