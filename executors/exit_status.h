// How a process ended: by an exit code, by a signal, or nobody knows.
//
//   absl::StatusOr<ExitStatus> status = process->Wait();
//   if (status.ok() && status->success()) { ... }
//   LOG(INFO) << status->ToString();  // "killed by signal 9 (Killed)"
//
// The code and the signal are never mixed into one number: a process that
// exits with 9 is no process that was killed by signal 9. Windows has no
// signals: there Kill and Terminate end a process with exit codes that nothing
// else has, and FromWindowsCode knows them again.
// Thread-safe as any value is.

#ifndef MULTIPROC_EXECUTORS_EXIT_STATUS_H_
#define MULTIPROC_EXECUTORS_EXIT_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace multiproc {

// How a process ended: an exit code, a signal, or nobody knows.
class ExitStatus {
 public:
  // The process called exit(`code`) or returned it from main. 32 bits: Windows
  // has codes such as 0xC0000005.
  static ExitStatus Exited(uint32_t code) { return {Kind::kExited, code}; }

  // The process was ended by `signal`, and wrote a core file if `core_dumped`.
  static ExitStatus Signaled(int signal, bool core_dumped = false) {
    ExitStatus status(Kind::kSignaled, static_cast<uint32_t>(signal));
    status.core_dumped_ = core_dumped;
    return status;
  }

  // What an exit code says on Windows: Signaled for a code of
  // WindowsCodeOfSignal, Exited for any other.
  static ExitStatus FromWindowsCode(uint32_t code);

  // The exit code that stands for `signal`, from 1 to 255, on Windows: an
  // NTSTATUS of severity "error" with the bit for codes that are not
  // Microsoft's, and "MP" (ntstatus.h).
  static constexpr uint32_t WindowsCodeOfSignal(int signal) {
    return 0xE04D5000u | static_cast<uint32_t>(signal & 0xFF);
  }

  // The process has ended, and its status went to somebody else: the program
  // ignores SIGCHLD, or waits for any child elsewhere (waitpid(2), NOTES), or a
  // debugger holds it.
  static ExitStatus Unknown() { return {Kind::kUnknown, 0}; }

  // Exactly one is true.
  bool exited() const { return kind_ == Kind::kExited; }
  bool signaled() const { return kind_ == Kind::kSignaled; }
  bool unknown() const { return kind_ == Kind::kUnknown; }

  // Whether it exited with code 0.
  bool success() const { return exited() && value_ == 0; }

  // The exit code, if exited().
  std::optional<uint32_t> exit_code() const {
    return exited() ? std::optional<uint32_t>(value_) : std::nullopt;
  }

  // The signal's number, if signaled().
  std::optional<int> signal() const {
    return signaled() ? std::optional<int>(static_cast<int>(value_))
                      : std::nullopt;
  }

  // Whether a signal made it write a core file.
  bool core_dumped() const { return core_dumped_; }

  // "exited with code 3", "exited with code 0xC0000005
  // (STATUS_ACCESS_VIOLATION)", "killed by signal 9 (Killed)", "ended, nobody
  // knows how".
  std::string ToString() const;

  // By code or signal; not by the core file.
  friend bool operator==(const ExitStatus& a, const ExitStatus& b) {
    return a.kind_ == b.kind_ && a.value_ == b.value_;
  }
  friend bool operator!=(const ExitStatus& a, const ExitStatus& b) {
    return !(a == b);
  }

 private:
  enum class Kind { kExited, kSignaled, kUnknown };

  ExitStatus(Kind kind, uint32_t value) : kind_(kind), value_(value) {}

  Kind kind_;
  uint32_t value_;
  bool core_dumped_ = false;
};

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_EXIT_STATUS_H_
