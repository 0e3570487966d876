// Counts the words of files: Map over the files, each in a worker process, and
// a reduce in this one. In Python: Pool.imap_unordered(count_words, files).
//
//   ./bazelw run //examples:wordcount -- FILE_OR_FOLDER...

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/pool/process_pool.h"

namespace fs = std::filesystem;
using Counts = std::unordered_map<std::string, int64_t>;

// A letter of ASCII, or part of any other character in UTF-8.
bool IsLetter(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) ||
         static_cast<unsigned char>(c) >= 0x80;
}

absl::StatusOr<Counts> CountWords(const std::string& path) {
  std::ifstream file(fs::u8path(path), std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " can't be read"));
  Counts counts;
  std::string word;
  for (char c; file.get(c);) {
    if (IsLetter(c)) {
      word += absl::ascii_tolower(static_cast<unsigned char>(c));
    } else if (!word.empty()) {
      ++counts[word];
      word.clear();
    }
  }
  if (!word.empty()) ++counts[word];
  return counts;
}
MULTIPROC_FUNCTION(CountWords);

// The files that are named, and all of the folders that are.
std::vector<std::string> FindFiles(int argc, char** argv) {
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    fs::recursive_directory_iterator entry(
        fs::u8path(argv[i]), fs::directory_options::skip_permission_denied,
        error);
    if (error) {
      files.push_back(argv[i]);
      continue;
    }
    for (; !error && entry != fs::end(entry); entry.increment(error)) {
      if (entry->is_regular_file(error)) {
        files.push_back(entry->path().u8string());
      }
    }
  }
  return files;
}

void PrintMostFrequent(const Counts& counts, size_t most) {
  std::vector<std::pair<int64_t, std::string>> words;
  for (const auto& [word, count] : counts) words.emplace_back(-count, word);
  std::sort(words.begin(), words.end());
  if (words.size() > most) words.resize(most);
  for (const auto& [n, word] : words) absl::PrintF("%9d  %s\n", -n, word);
}

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: wordcount FILE_OR_FOLDER...\n");
    return 2;
  }
  // `bazel run` starts programs elsewhere.
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY")) {
    std::error_code ignored;
    fs::current_path(fs::u8path(folder), ignored);
  }
  auto pool = multiproc::ProcessPool::Create();
  if (!pool.ok()) {
    std::fprintf(stderr, "%s\n", pool.status().ToString().c_str());
    return 1;
  }
  multiproc::MapOptions options;
  options.on_error = multiproc::OnError::kContinue;
  Counts total;
  int64_t num_words = 0, num_files = 0, num_failed = 0;
  for (absl::StatusOr<Counts>& counts :
       (*pool)->IMapUnordered(options, CountWords, FindFiles(argc, argv))) {
    if (!counts.ok()) {
      std::fprintf(stderr, "%s\n", counts.status().ToString().c_str());
      ++num_failed;
      continue;
    }
    ++num_files;
    for (const auto& [word, count] : *counts) {
      total[word] += count;
      num_words += count;
    }
  }
  PrintMostFrequent(total, 20);
  absl::PrintF("%d words, %d different, in %d files; %d failed\n", num_words,
               total.size(), num_files, num_failed);
  return num_failed == 0 ? 0 : 1;
}
