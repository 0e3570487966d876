#include "multiproc/executors/file_handle.h"

#include <memory>

namespace multiproc {
namespace {

constexpr size_t kReadSize = 65536;

}  // namespace

absl::StatusOr<std::string> ReadToEnd(FileHandle handle) {
  std::string text;
  // Not filled with zeros: what little is read most often touches one page.
  const std::unique_ptr<char[]> buffer(new char[kReadSize]);
  while (true) {
    const absl::StatusOr<size_t> size =
        ReadSome(handle, buffer.get(), kReadSize);
    if (!size.ok()) return size.status();
    if (*size == 0) return text;
    text.append(buffer.get(), *size);
  }
}

}  // namespace multiproc
