#include "multiproc/benchmarks/chart.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "multiproc/benchmarks/quantity.h"

namespace multiproc {
namespace {

// In pixels.
constexpr double kWidth = 1000;
constexpr double kPlotLeft = 270;
constexpr double kPlotRight = 830;
constexpr double kFigureRight = 915;
constexpr double kCostRight = 985;
constexpr double kHeadHeight = 96;
constexpr double kBarStep = 17;
constexpr double kBarHeight = 12;
constexpr double kTitleHeight = 22;
constexpr double kGroupGap = 12;

constexpr char kOursColor[] = "#1f5fa8";
constexpr char kFloorColor[] = "#7a8793";
constexpr char kPeerColor[] = "#e0913a";
constexpr char kMetColor[] = "#1e8e3e";
constexpr char kMissedColor[] = "#d01c1c";

// The decades that are shown; what is beyond is cut off at the edge.
constexpr int kLeastDecade = -3;
constexpr int kMostDecade = 4;

struct Bar {
  std::string label;
  double cost;
  std::string figure;
  const char* color;
};

struct Tick {
  double cost;
  bool met;
};

struct Group {
  std::string title;
  std::vector<Bar> bars;  // This library's is the first.
  std::vector<Tick> ticks;
};

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

std::string Text(double x, double y, absl::string_view anchor,
                 absl::string_view style, absl::string_view text) {
  return absl::StrFormat(
      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y,
      anchor, style, Escape(text));
}

std::string Rectangle(double x, double y, double width, double height,
                      absl::string_view color) {
  return absl::StrFormat(
      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
      "fill=\"%s\"/>\n",
      x, y, width, height, color);
}

std::string FormatValue(const Value& value) {
  return absl::StrCat(value.disturbed ? "~" : "",
                      FormatQuantity(value.number, value.unit));
}

Bar RivalBar(const RivalResult& result, double cost) {
  return {result.rival.label, cost, FormatValue(*result.value),
          result.rival.kind == Rival::Kind::kFloor ? kFloorColor : kPeerColor};
}

Group MakeGroup(const Comparison& comparison) {
  const Measure& measure = comparison.measure;
  const double ours = comparison.ours->number;
  Group group{absl::StrCat(measure.row, ". ", measure.title),
              {{"multiproc", 1, FormatValue(*comparison.ours), kOursColor}},
              {}};
  for (const RivalResult& result : comparison.rivals) {
    if (result.ratio == 0) continue;
    const double theirs = result.value->number;
    if (result.rival.kind != Rival::Kind::kLimit) {
      group.bars.push_back(
          RivalBar(result, RelativeCost(ours, theirs, measure.better)));
    }
    if (result.rival.target_factor == 0) continue;
    const double target = result.rival.target_factor * theirs;
    group.ticks.push_back({RelativeCost(ours, target, measure.better),
                           result.verdict == Verdict::kMet});
  }
  return group;
}

std::vector<Group> MakeGroups(const std::vector<Comparison>& comparisons) {
  std::vector<Group> groups;
  for (const Comparison& comparison : comparisons) {
    if (comparison.ours.ok() && comparison.ours->number > 0) {
      groups.push_back(MakeGroup(comparison));
    }
  }
  return groups;
}

// The decades from the least to the greatest cost.
class LogScale {
 public:
  explicit LogScale(const std::vector<Group>& groups) {
    for (const Group& group : groups) {
      for (const Bar& bar : group.bars) Include(bar.cost);
      for (const Tick& tick : group.ticks) Include(tick.cost);
    }
  }

  int least() const { return least_; }
  int most() const { return most_; }

  double X(double cost) const {
    const double share = (std::log10(cost) - least_) / (most_ - least_);
    return kPlotLeft + std::clamp(share, 0.0, 1.0) * (kPlotRight - kPlotLeft);
  }

 private:
  void Include(double cost) {
    const double decade = std::log10(cost);
    least_ = std::min(
        least_, std::max(kLeastDecade, static_cast<int>(std::floor(decade))));
    most_ = std::max(
        most_, std::min(kMostDecade, static_cast<int>(std::ceil(decade))));
  }

  int least_ = -1;
  int most_ = 1;
};

double HeightOf(const Group& group) {
  return kTitleHeight + kBarStep * static_cast<double>(group.bars.size()) +
         kGroupGap;
}

std::string DrawBar(const Bar& bar, const LogScale& scale, double y) {
  const double length = scale.X(bar.cost) - kPlotLeft;
  const double baseline = y + kBarHeight - 2;
  return absl::StrCat(
      Text(kPlotLeft - 8, baseline, "end", "", bar.label),
      Rectangle(kPlotLeft, y, std::max(length, 1.0), kBarHeight, bar.color),
      Text(kFigureRight, baseline, "end", "", bar.figure),
      Text(kCostRight, baseline, "end", "",
           absl::StrCat(FormatRatio(bar.cost), "x")));
}

std::string DrawTick(const Tick& tick, const LogScale& scale, double y) {
  return Rectangle(scale.X(tick.cost) - 1.5, y - 3, 3, kBarHeight + 6,
                   tick.met ? kMetColor : kMissedColor);
}

std::string DrawGroup(const Group& group, const LogScale& scale, double y) {
  std::string svg = Text(12, y + 14, "start", " class=\"title\"", group.title);
  double bar_y = y + kTitleHeight;
  for (const Bar& bar : group.bars) {
    svg += DrawBar(bar, scale, bar_y);
    bar_y += kBarStep;
  }
  for (const Tick& tick : group.ticks) {
    svg += DrawTick(tick, scale, y + kTitleHeight);
  }
  return svg;
}

std::string DrawGrid(const LogScale& scale, double bottom) {
  std::string svg;
  for (int decade = scale.least(); decade <= scale.most(); ++decade) {
    const double cost = std::pow(10, decade);
    const double x = scale.X(cost);
    absl::StrAppendFormat(&svg,
                          "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                          "y2=\"%.1f\" stroke=\"%s\"/>\n",
                          x, kHeadHeight - 4, x, bottom,
                          decade == 0 ? "#555" : "#ddd");
    const std::string label = absl::StrCat(FormatRatio(cost), "x");
    svg += Text(x, kHeadHeight - 10, "middle", "", label);
    svg += Text(x, bottom + 14, "middle", "", label);
  }
  return svg;
}

std::string DrawLegend() {
  std::string svg;
  double x = 12;
  for (const auto& [color, name] :
       {std::pair(kOursColor, "multiproc"), std::pair(kFloorColor, "floor"),
        std::pair(kPeerColor, "peer"), std::pair(kMetColor, "target, met"),
        std::pair(kMissedColor, "target, missed")}) {
    svg += Rectangle(x, 52, 12, 12, color);
    svg += Text(x + 17, 62, "start", "", name);
    x += 40 + 7.0 * static_cast<double>(absl::string_view(name).size());
  }
  return svg;
}

std::string DrawHead(absl::string_view subtitle) {
  return absl::StrCat(
      Text(12, 22, "start", " class=\"title\"",
           "Time or memory for the same work, as a multiple of multiproc's "
           "(shorter is better)"),
      Text(12, 40, "start", "", subtitle), DrawLegend());
}

}  // namespace

double RelativeCost(double ours, double theirs, Better better) {
  return better == Better::kLess ? theirs / ours : ours / theirs;
}

std::string FormatChart(const std::vector<Comparison>& comparisons,
                        absl::string_view subtitle) {
  const std::vector<Group> groups = MakeGroups(comparisons);
  const LogScale scale(groups);
  double y = kHeadHeight;
  std::string drawn;
  for (const Group& group : groups) {
    drawn += DrawGroup(group, scale, y);
    y += HeightOf(group);
  }
  return absl::StrCat(
      absl::StrFormat("<svg xmlns=\"http://www.w3.org/2000/svg\" "
                      "width=\"%.0f\" height=\"%.0f\">\n",
                      kWidth, y + 24),
      "<style>text { font: 12px sans-serif; fill: #222; } "
      ".title { font-weight: bold; font-size: 13px; }</style>\n",
      Rectangle(0, 0, kWidth, y + 24, "#fff"), DrawHead(subtitle),
      DrawGrid(scale, y), drawn, "</svg>\n");
}

}  // namespace multiproc
