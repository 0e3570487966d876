// A folder for files that nobody needs later.
//
//   const ScratchFolder scratch;
//   std::ofstream(scratch.path() + "/file");

#ifndef MULTIPROC_BENCHMARKS_SCRATCH_FOLDER_H_
#define MULTIPROC_BENCHMARKS_SCRATCH_FOLDER_H_

#include <string>

namespace multiproc {

// Made in TMPDIR, and removed with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace multiproc

#endif  // MULTIPROC_BENCHMARKS_SCRATCH_FOLDER_H_
