#include "multiproc/pool/output_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multiproc/pool/worker_output.h"

namespace multiproc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// It begins again within itself, which a search that restarts too late misses.
const char kNonce[] = "ababababababacab";

// Has what it was told as "task 7" and "line abc".
class Log : public OutputSplitter::Receiver {
 public:
  void OnTask(uint64_t task_id) override {
    entries.push_back(absl::StrCat("task ", task_id));
  }
  void OnLine(absl::string_view line) override {
    entries.push_back(absl::StrCat("line ", line));
  }
  std::vector<std::string> entries;
};

// What comes of `parts`.
std::vector<std::string> Split(const std::vector<std::string>& parts) {
  Log log;
  OutputSplitter splitter(kNonce, &log);
  for (const std::string& part : parts) splitter.Add(part);
  splitter.Finish();
  return log.entries;
}

std::string Marker(uint64_t task_id) {
  return MakeOutputMarker(kNonce, task_id);
}

TEST(OutputSplitterTest, SplitsLines) {
  EXPECT_THAT(
      Split({"one\ntwo\n\n", "thr", "ee\n", "rest"}),
      ElementsAre("line one", "line two", "line ", "line three", "line rest"));
  EXPECT_THAT(Split({}), IsEmpty());
  EXPECT_THAT(Split({"", "\n", ""}), ElementsAre("line "));
}

TEST(OutputSplitterTest, MarkersAreCutOut) {
  EXPECT_THAT(Split({absl::StrCat("start\n", Marker(7), "seven\n", Marker(0),
                                  Marker(8), "eight", Marker(0), "after")}),
              ElementsAre("line start", "task 7", "line seven", "task 0",
                          "task 8", "line eight", "task 0", "line after"));
}

TEST(OutputSplitterTest, AnIdMayHoldAnything) {
  const uint64_t newlines = 0x0a0a0a0a0a0a0a0a;
  EXPECT_THAT(
      Split({absl::StrCat(Marker(newlines), "x\n", Marker(~uint64_t{0}))}),
      ElementsAre(absl::StrCat("task ", newlines), "line x",
                  "task 18446744073709551615"));
  EXPECT_EQ(Marker(0x0102030405060708).substr(16),
            "\x08\x07\x06\x05\x04\x03\x02\x01");
}

// Cut at every position, and at every two; with what looks like the begin of a
// nonce before it, behind it, at the end, and for itself.
TEST(OutputSplitterTest, AnythingMayBeCutAnywhere) {
  const std::string nonce = kNonce;
  const std::string text = absl::StrCat(
      "ab", Marker(1), nonce.substr(0, 15), "\n", nonce.substr(0, 9), Marker(2),
      "a", nonce.substr(0, 5), "\nab\n", Marker(0x0a00), Marker(0),
      std::string("\0\n\xff\r", 4), nonce.substr(0, 15));
  const std::vector<std::string> whole = Split({text});
  EXPECT_THAT(
      whole,
      ElementsAre("line ab", "task 1", "line ababababababaca", "line ababababa",
                  "task 2", "line aababa", "line ab", "task 2560", "task 0",
                  std::string("line \0", 6), "line \xff\rababababababaca"));
  for (size_t i = 0; i <= text.size(); ++i) {
    for (size_t j = i; j <= text.size(); ++j) {
      ASSERT_EQ(
          Split({text.substr(0, i), text.substr(i, j - i), text.substr(j)}),
          whole)
          << i << " " << j;
    }
  }
  std::vector<std::string> bytes;
  for (const char byte : text) bytes.emplace_back(1, byte);
  EXPECT_EQ(Split(bytes), whole);
}

// Nobody waits for what follows a newline, whatever the nonce begins with.
TEST(OutputSplitterTest, ALineIsThereOnceItsNewlineIs) {
  for (int i = 0; i < 1000; ++i) {
    Log log;
    const std::string nonce = MakeOutputNonce();
    OutputSplitter splitter(nonce, &log);
    splitter.Add(absl::StrCat("a.\n", nonce.substr(0, 14), ".\n"));
    ASSERT_THAT(log.entries,
                ElementsAre("line a.",
                            absl::StrCat("line ", nonce.substr(0, 14), ".")));
  }
  EXPECT_EQ(MakeOutputNonce().size(), 16);
  EXPECT_NE(MakeOutputNonce(), MakeOutputNonce());
}

TEST(OutputSplitterTest, WhatLooksLikeANonceIsKeptAtTheEnd) {
  for (size_t size = 1; size < 16; ++size) {
    const std::string begin = std::string(kNonce).substr(0, size);
    EXPECT_THAT(Split({begin}), ElementsAre(absl::StrCat("line ", begin)));
  }
}

TEST(OutputSplitterTest, HalfAMarkerIsNoLine) {
  for (size_t size = 16; size < 24; ++size) {
    EXPECT_THAT(Split({"text", Marker(1).substr(0, size)}),
                ElementsAre("line text"));
  }
}

TEST(OutputSplitterTest, ALongLineComesInParts) {
  const size_t most = WorkerOutput::kMostLineBytes;
  for (const size_t size : {most - 1, most, most + 1, 2 * most, 3 * most + 5}) {
    const std::string line(size, 'x');
    for (const size_t cut : {size_t{1}, most - 1, most, size}) {
      const auto entries =
          Split({line.substr(0, std::min(cut, size)),
                 line.substr(std::min(cut, size)), "\nnext\n"});
      std::string joined;
      ASSERT_EQ(entries.size(), (size + most - 1) / most + 1) << size;
      for (size_t i = 0; i + 1 < entries.size(); ++i) {
        if (i + 2 < entries.size()) {
          EXPECT_EQ(entries[i].size(), 5 + most);
        }
        joined += entries[i].substr(5);
      }
      EXPECT_TRUE(joined == line) << size;
      EXPECT_EQ(entries.back(), "line next");
    }
  }
}

TEST(OutputSplitterTest, ANewlineIsThatOfTheSystem) {
#ifdef _WIN32
  EXPECT_THAT(Split({"a\r\n\r\nb\r", "\nc\r"}),
              ElementsAre("line a", "line ", "line b", "line c\r"));
#else
  EXPECT_THAT(Split({"a\r\n\r\n"}), ElementsAre("line a\r", "line \r"));
#endif
}

}  // namespace
}  // namespace multiproc
