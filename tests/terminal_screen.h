// What a terminal shows of what is written to it: as much of ECMA-48 as a
// progress bar needs. Anything else stands on the screen as '?', to be found.
//
//   TerminalScreen screen(80);
//   screen.Write(bytes);
//   screen.Lines();
//
// Not thread-safe.

#ifndef MULTIPROC_TESTS_TERMINAL_SCREEN_H_
#define MULTIPROC_TESTS_TERMINAL_SCREEN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace multiproc {

class TerminalScreen {
 public:
  // Each character, of one column, is in a cell. Lines are added as needed.
  explicit TerminalScreen(size_t columns) : columns_(columns), rows_(1) {}

  // As xterm: what is beyond the new width is gone, and nothing moves.
  void Resize(size_t columns) {
    columns_ = columns;
    for (std::vector<std::string>& row : rows_) {
      if (row.size() > columns_) row.resize(columns_);
    }
    if (column_ >= columns_) column_ = columns_ - 1;
  }

  void Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      if (absl::ConsumePrefix(&bytes, "\r")) {
        column_ = 0;
      } else if (absl::ConsumePrefix(&bytes, "\n")) {
        Down();
      } else if (absl::ConsumePrefix(&bytes, "\x1b[J")) {
        EraseBelow();
      } else if (absl::ConsumePrefix(&bytes, "\x1b[K")) {
        EraseRest();
      } else if (absl::ConsumePrefix(&bytes, "\x1b[")) {
        Up(&bytes);
      } else {
        Put(TakeCell(&bytes));
      }
    }
  }

  // Without the spaces at the end of each, and empty ones at the end of all.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const std::vector<std::string>& row : rows_) {
      lines.emplace_back(
          absl::StripTrailingAsciiWhitespace(absl::StrJoin(row, "")));
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }

  // Where the cursor is, from 0.
  size_t row() const { return row_; }
  size_t column() const { return column_; }

 private:
  static std::string TakeCell(absl::string_view* bytes) {
    size_t size = 1;
    while (size < bytes->size() &&
           (static_cast<unsigned char>((*bytes)[size]) & 0xC0) == 0x80) {
      ++size;
    }
    std::string cell(bytes->substr(0, size));
    bytes->remove_prefix(size);
    return static_cast<unsigned char>(cell[0]) < 0x20 ? "?" : cell;
  }

  void Down() {
    if (++row_ == rows_.size()) rows_.emplace_back();
  }

  void Up(absl::string_view* bytes) {
    size_t count = 0;
    while (!bytes->empty() && bytes->front() >= '0' && bytes->front() <= '9') {
      count = 10 * count + static_cast<size_t>(bytes->front() - '0');
      bytes->remove_prefix(1);
    }
    if (!absl::ConsumePrefix(bytes, "A")) return Put("?");
    row_ -= count < row_ ? count : row_;
  }

  void EraseBelow() {
    rows_.resize(row_ + 1);
    EraseRest();
  }

  void EraseRest() {
    if (rows_[row_].size() > column_) rows_[row_].resize(column_);
  }

  void Put(const std::string& cell) {
    if (column_ == columns_) {
      column_ = 0;
      Down();
    }
    if (rows_[row_].size() <= column_) rows_[row_].resize(column_ + 1, " ");
    rows_[row_][column_++] = cell;
  }

  size_t columns_;
  std::vector<std::vector<std::string>> rows_;
  size_t row_ = 0;
  size_t column_ = 0;
};

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_TERMINAL_SCREEN_H_
