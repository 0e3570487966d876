#ifndef _WIN32
#error "POSIX builds answer_wait_posix.cc"
#endif

#include "multiproc/pool/answer_wait.h"

namespace multiproc {

std::unique_ptr<AnswerWait> AnswerWait::Create() { return nullptr; }

bool AnswerWait::Wait(FileHandle, absl::Duration, const std::function<bool()>&,
                      absl::Time) {
  return false;
}

void AnswerWait::Stop() {}

void AnswerWait::Reset() {}

}  // namespace multiproc
