// Makes a page of HTML of a trace (watch/trace_writer.h), also of one whose
// program was killed.
//
//   ./bazelw run //tools:timeline -- $PWD/trace.json $PWD/trace.html

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "tools/timeline_page.h"

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: timeline TRACE.json PAGE.html\n");
    return 2;
  }
  std::ifstream in(fs::u8path(argv[1]), std::ios::binary);
  std::error_code error;
  std::string trace;
  if (!fs::is_directory(fs::u8path(argv[1]), error)) {
    trace.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (!in || trace.empty()) {
    std::fprintf(stderr, "timeline: %s can't be read\n", argv[1]);
    return 1;
  }
  std::ofstream out(fs::u8path(argv[2]), std::ios::binary | std::ios::trunc);
  out << multiproc::TimelinePage(trace);
  out.close();
  if (!out) {
    std::fprintf(stderr, "timeline: %s can't be written\n", argv[2]);
    return 1;
  }
}
