// The page of a trace: what stands in it, and, where there is a browser
// (MULTIPROC_BROWSER, set by --config=browser), what that makes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/command.h"
#include "multiproc/executors/run.h"
#include "tests/read_file.h"
#include "tests/temp_path.h"
#include "tools/timeline_page.h"

namespace multiproc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Three tasks, of which one is lost; its program was killed in the last line.
constexpr absl::string_view kTrace = R"json([
{"pid":9,"tid":0,"ph":"M","name":"process_name","args":{"name":"multiproc pool"}},
{"pid":9,"tid":1,"ph":"M","name":"thread_name","args":{"name":"worker 1 (pid 11)"}},
{"pid":9,"tid":1,"ph":"i","s":"t","cat":"worker","ts":10.000,"name":"started","args":{"pid":11}},
{"pid":9,"tid":1,"ph":"X","cat":"worker","ts":10.000,"dur":90.000,"name":"starting","args":{}},
{"pid":9,"tid":0,"ph":"b","cat":"task","id":"1","ts":50.000,"name":"Square","args":{"task":1,"bytes":2}},
{"pid":9,"tid":0,"ph":"n","cat":"task","id":"1","ts":60.000,"name":"leased","args":{"worker":1}},
{"pid":9,"tid":1,"ph":"X","cat":"run","ts":100.000,"dur":1500.000,"name":"Square","args":{"task":1}},
{"pid":9,"tid":0,"ph":"e","cat":"task","id":"1","ts":1700.000,"name":"Square","args":{"task":1,"outcome":"succeeded"}},
{"pid":9,"tid":0,"ph":"b","cat":"task","id":"2","ts":1800.000,"name":"Square","args":{"task":2,"items":8,"label":"<b>&x</script>","bytes":2}},
{"pid":9,"tid":1,"ph":"X","cat":"run","ts":1850.000,"dur":2000000.000,"name":"Square","args":{"task":2,"items":8}},
{"pid":9,"tid":0,"ph":"e","cat":"task","id":"2","ts":2002000.000,"name":"Square","args":{"task":2,"outcome":"succeeded"}},
{"pid":9,"tid":0,"ph":"b","cat":"task","id":"3","ts":2002000.000,"name":"Die","args":{"task":3,"bytes":0}},
{"pid":9,"tid":0,"ph":"C","ts":2002050.000,"name":"queue","args":{"queued":1,"leased":0}},
{"pid":9,"tid":1,"ph":"C","ts":2002060.000,"name":"memory of worker 1","args":{"MiB":12.5}},
{"pid":9,"tid":1,"ph":"i","s":"t","cat":"worker","ts":2002100.000,"name":"crashed","args":{"exit":"was killed by signal 9"}},
{"pid":9,"tid":1,"ph":"X","cat":"run","ts":2002010.000,"dur":100.000,"name":"Die","args":{"task":3,"lost":true,"error":"UNAVAILABLE: it died"}},
{"pid":9,"tid":0,"ph":"e","cat":"task","id":"3","ts":2002110.000,"name":"Die","args":{"task":3,"outcome":"lost","error":"UNAVAILABLE: it died"}},
{"pid":9,"tid":0,"ph":"b","cat":"task","id":"4","ts":20021)json";

TEST(TimelinePageTest, TheTraceStandsInThePage) {
  const std::string page = TimelinePage("[\n{\"name\":\"a</script><!--\"},\n");
  EXPECT_THAT(page, HasSubstr("[\n{\"name\":\"a\\u003c/script>\\u003c!--\"},\n"
                              "</script>"));
  EXPECT_THAT(page, Not(HasSubstr("@TRACE@")));
  EXPECT_THAT(page, HasSubstr("<!DOCTYPE html>"));
  EXPECT_TRUE(absl::EndsWith(page, "</html>\n"));
}

TEST(TimelinePageTest, ThePageNeedsNothingElse) {
  const std::string page = TimelinePage("");
  for (const char* from_elsewhere : {"http:", "https:", "src=", "import "}) {
    EXPECT_THAT(page, Not(HasSubstr(from_elsewhere)));
  }
}

TEST(TimelineTest, TheProgramReadsAndWritesFiles) {
  const std::string trace = TempPath("trace.json");
  const std::string page = TempPath("page.html");
  std::ofstream(trace, std::ios::binary) << kTrace;
  absl::StatusOr<RunResult> ran =
      multiproc::Run(Command::Program(getenv("TIMELINE"), {trace, page}));
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->status, ExitStatus::Exited(0));
  EXPECT_EQ(ReadFile(page), TimelinePage(kTrace));
}

TEST(TimelineTest, WhatCantBeReadOrWrittenIsSaid) {
  absl::StatusOr<RunResult> ran = multiproc::Run(
      Command::Program(getenv("TIMELINE"), {"no_such.json", "x.html"}));
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->status, ExitStatus::Exited(1));
  EXPECT_THAT(ran->standard_error,
              HasSubstr("timeline: no_such.json can't be read"));
  ran = multiproc::Run(Command::Program(getenv("TIMELINE"), {"one"}));
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->status, ExitStatus::Exited(2));
}

// The page as it is once its script has run.
class TimelineInBrowserTest : public testing::Test {
 protected:
  void SetUp() override {
    if (getenv("MULTIPROC_BROWSER") == nullptr) {
      GTEST_SKIP() << "no browser: run it with --config=browser";
    }
  }

  std::string Look(absl::string_view trace) {
    const std::string page = TempPath("page.html");
    std::ofstream(page, std::ios::binary) << TimelinePage(trace);
    Command command =
        Command::Program(getenv("MULTIPROC_BROWSER"),
                         {"--headless", "--no-sandbox", "--disable-gpu",
                          "--disable-dev-shm-usage",
                          absl::StrCat("--user-data-dir=", TempPath("browser")),
                          "--dump-dom", absl::StrCat("file://", page)});
    command.environment["HOME"] = testing::TempDir();
    absl::StatusOr<RunResult> ran = multiproc::Run(command);
    EXPECT_TRUE(ran.ok()) << ran.status();
    return ran.ok() ? ran->standard_output : "";
  }

  // A row of a table, but for its class and data.
  static std::string Row(const std::vector<std::string>& cells) {
    std::string row;
    for (const std::string& cell : cells) absl::StrAppend(&row, "|", cell);
    return row;
  }

  // With '|' before each cell, and nothing else of the tables' tags.
  static std::string Rows(std::string dom) {
    dom = absl::StrReplaceAll(
        dom, {{"<td class=\"number\">", "|"}, {"<td>", "|"}, {"</td>", ""}});
    return dom;
  }
};

TEST_F(TimelineInBrowserTest, ShowsTasksFailuresAndWorkers) {
  const std::string dom = Look(kTrace);
  EXPECT_THAT(dom, HasSubstr("<p id=\"summary\">3 tasks, 1 of them failed, 1 "
                             "workers, 2.00 s; 1 lines of the trace are not "
                             "whole</p>"));
  const std::string rows = Rows(dom);
  EXPECT_THAT(
      rows, HasSubstr(Row({"2", "Square", "&lt;b&gt;&amp;x&lt;/script&gt;", "8",
                           "1", "50.0 us", "2.00 s", "succeeded"})));
  EXPECT_THAT(rows, HasSubstr(Row({"1", "Square", "", "1", "1", "50.0 us",
                                   "1.50 ms", "succeeded"})));
  EXPECT_THAT(rows, HasSubstr(Row({"3", "Die", "", "1", "2.00 s", "lost",
                                   "UNAVAILABLE: it died"})));
  EXPECT_THAT(rows, HasSubstr(Row({"worker 1 (pid 11)", "3", "100.0 %",
                                   "crashed (was killed by signal 9)"})));
  // The slowest comes first.
  EXPECT_LT(rows.find("|2|Square"), rows.find("|1|Square"));
  // The picture was drawn: it has the height of its rows.
  EXPECT_THAT(dom, HasSubstr("height: 76px"));
}

TEST_F(TimelineInBrowserTest, ATraceOfNothingIsAPage) {
  const std::string dom = Look("[\n]\n");
  EXPECT_THAT(dom, HasSubstr(">0 tasks, 0 of them failed, 0 workers, "));
  EXPECT_THAT(dom, HasSubstr("<caption>No task has run.</caption>"));
}

}  // namespace
}  // namespace multiproc
