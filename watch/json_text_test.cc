#include "multiproc/watch/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace multiproc {
namespace {

TEST(JsonTextTest, WhatMustBeIsEscaped) {
  EXPECT_EQ(JsonText(""), R"("")");
  EXPECT_EQ(JsonText("a/b 任务"), R"("a/b 任务")");
  EXPECT_EQ(JsonText("say \"C:\\x\""), R"("say \"C:\\x\"")");
  EXPECT_EQ(JsonText("1\n2\t3\x1f"), R"("1\n2\u00093\u001f")");
  EXPECT_EQ(JsonText(std::string("\0", 1)), R"("\u0000")");
}

TEST(JsonTextTest, WhatIsNoUtf8IsReplaced) {
  EXPECT_EQ(JsonText("a\xff"
                     "b"),
            "\"a\uFFFDb\"");
  EXPECT_EQ(JsonText("\xe4\xbb"), "\"\uFFFD\uFFFD\"");
}

}  // namespace
}  // namespace multiproc
