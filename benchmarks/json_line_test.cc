#include "multiproc/benchmarks/json_line.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"

namespace multiproc {
namespace {

TEST(JsonLineTest, ReadsTextNumbersAndBooleans) {
  EXPECT_EQ(*ParseJsonLine(R"({"a":"x", "b":-1.5e+06,"c":true})"),
            (JsonFields{{"a", "x"}, {"b", "-1.5e+06"}, {"c", "true"}}));
}

TEST(JsonLineTest, NamesInObjectsWithinHaveTheOutersName) {
  EXPECT_EQ(*ParseJsonLine(R"({"p":{"size":64,"place":"free"},"n":5})"),
            (JsonFields{{"p.size", "64"}, {"p.place", "free"}, {"n", "5"}}));
}

TEST(JsonLineTest, ReadsEmptyObjects) {
  EXPECT_EQ(*ParseJsonLine(" {} "), JsonFields());
  EXPECT_EQ(*ParseJsonLine(R"({"p":{}})"), JsonFields());
}

TEST(JsonLineTest, ReadsEscapes) {
  EXPECT_EQ((*ParseJsonLine(R"({"a":"\"\\\n\u00e9\u20ac"})"))["a"],
            "\"\\\n\xC3\xA9\xE2\x82\xAC");
}

TEST(JsonLineTest, RefusesWhatIsNoSuchLine) {
  for (const char* line :
       {"", "text", "{", R"({"a"})", R"({"a":})", R"({"a":1)", R"({"a":"x)",
        R"({"a":[1]})", R"({"a":1} x)", R"({"a":"\q"})"}) {
    EXPECT_EQ(ParseJsonLine(line).status().code(),
              absl::StatusCode::kInvalidArgument)
        << line;
  }
}

TEST(JsonLineTest, WhatIsQuotedIsReadBack) {
  const std::string text = "a \"quoted\"\tback\\slash\n";
  EXPECT_EQ((*ParseJsonLine("{\"a\":" + JsonQuote(text) + "}"))["a"], text);
}

TEST(JsonLineTest, NumbersAndBooleansStandBare) {
  EXPECT_EQ(JsonValue("1024"), "1024");
  EXPECT_EQ(JsonValue("-0.5"), "-0.5");
  EXPECT_EQ(JsonValue("true"), "true");
  EXPECT_EQ(JsonValue("free"), "\"free\"");
  EXPECT_EQ(JsonValue("1 GiB"), "\"1 GiB\"");
  EXPECT_EQ(JsonValue("infinity"), "\"infinity\"");
  EXPECT_EQ(JsonValue(""), "\"\"");
}

}  // namespace
}  // namespace multiproc
