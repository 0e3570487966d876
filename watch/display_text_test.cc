#include "multiproc/watch/display_text.h"

#include <gtest/gtest.h>

#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

TEST(DisplayTextTest, PlainTextIsCutOff) {
  EXPECT_EQ(DisplayText("hello", 10, true), "hello");
  EXPECT_EQ(DisplayText("hello", 5, true), "hello");
  EXPECT_EQ(DisplayText("hello", 4, true), "hell");
  EXPECT_EQ(DisplayText("hello", 0, true), "");
  EXPECT_EQ(DisplayText("", 3, true), "");
}

TEST(DisplayTextTest, WideCharactersTakeTwoColumns) {
  EXPECT_EQ(CountColumns("任务1"), 5u);
  EXPECT_EQ(DisplayText("任务1", 5, true), "任务1");
  EXPECT_EQ(DisplayText("任务1", 3, true), "任");
  EXPECT_EQ(CountColumns("🚀"), 2u);
  EXPECT_EQ(CountColumns("█▌é"), 3u);
}

TEST(DisplayTextTest, CombiningCharactersTakeNone) {
  EXPECT_EQ(CountColumns("e\u0301"), 1u);
  EXPECT_EQ(DisplayText("e\u0301x", 1, true), "e\u0301");
}

TEST(DisplayTextTest, ControlCharactersReachNoTerminal) {
  EXPECT_EQ(DisplayText("a\x1b[2Jb\nc\td\x7f", 20, true), "a?[2Jb?c?d?");
  EXPECT_EQ(DisplayText("\u009b2J", 20, true), "?2J");
}

TEST(DisplayTextTest, WhatIsNoUtf8IsAQuestionMark) {
  EXPECT_EQ(DisplayText("a\xff"
                        "b\xe4\xbb",
                        20, true),
            "a?b??");
  // Too long a form of '/', a surrogate, and what is beyond Unicode.
  EXPECT_EQ(DisplayText("\xc0\xaf", 20, true), "??");
  EXPECT_EQ(DisplayText("\xed\xa0\x80", 20, true), "???");
  EXPECT_EQ(DisplayText("\xf4\x90\x80\x80", 20, true), "????");
  EXPECT_EQ(DisplayText("\xf4\x8f\xbf\xbf", 20, true), "\xf4\x8f\xbf\xbf");
}

TEST(DisplayTextTest, WithoutUtf8OnlyAsciiIsShown) {
  EXPECT_EQ(DisplayText("é任b", 20, false), "??b");
}

}  // namespace
}  // namespace multiproc
