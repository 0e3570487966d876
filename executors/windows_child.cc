#include "multiproc/executors/windows_child.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_error.h"

namespace multiproc {
namespace {

constexpr int kKill = 9;

class WindowsChild : public ChildHandle {
 public:
  explicit WindowsChild(WindowsChildParts parts) : parts_(std::move(parts)) {}

  int64_t pid() const override { return parts_.pid; }
  FileHandle exit_event() const override { return parts_.process.get(); }

  absl::StatusOr<ExitStatus> Reap() override {
    DWORD code = 0;
    if (GetExitCodeProcess(parts_.process.get(), &code) == 0) {
      return WindowsError("GetExitCodeProcess", "", GetLastError());
    }
    return ExitStatus::FromWindowsCode(code);
  }

  absl::Status Terminate() override {
    if (HasEnded()) return absl::OkStatus();
    if (parts_.terminate_event.is_valid()) {
      if (SetEvent(parts_.terminate_event.get()) != 0) return absl::OkStatus();
      return WindowsError("SetEvent", "", GetLastError());
    }
    return parts_.leads_group ? SendCtrlBreak() : NoPoliteWayError();
  }

  absl::Status KillTree() override {
    if (TerminateJobObject(parts_.job.get(),
                           ExitStatus::WindowsCodeOfSignal(kKill)) != 0) {
      return absl::OkStatus();
    }
    return WindowsError("TerminateJobObject", "", GetLastError());
  }

  absl::Status Kill() override {
    if (TerminateProcess(parts_.process.get(),
                         ExitStatus::WindowsCodeOfSignal(kKill)) != 0) {
      return absl::OkStatus();
    }
    const DWORD error = GetLastError();
    // Of a process that is ending.
    if (error == ERROR_ACCESS_DENIED && IsEnding()) return absl::OkStatus();
    return WindowsError("TerminateProcess", "", error);
  }

 private:
  bool HasEnded() const {
    return WaitForSingleObject(parts_.process.get(), 0) == WAIT_OBJECT_0;
  }

  // It has its exit code already, and its handle will be signaled.
  bool IsEnding() const {
    DWORD code = STILL_ACTIVE;
    return HasEnded() ||
           (GetExitCodeProcess(parts_.process.get(), &code) != 0 &&
            code != STILL_ACTIVE);
  }

  absl::Status SendCtrlBreak() const {
    if (GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT,
                                 static_cast<DWORD>(parts_.pid)) != 0) {
      return absl::OkStatus();
    }
    const DWORD error = GetLastError();
    if (HasEnded()) return absl::OkStatus();
    return WindowsError(
        "GenerateConsoleCtrlEvent (the child must share this process's "
        "console; Kill needs none)",
        "", error);
  }

  absl::Status NoPoliteWayError() const {
    return absl::FailedPreconditionError(absl::StrCat(
        "process ", parts_.pid,
        " can't be asked to end: Windows sends Ctrl-Break to process groups "
        "only; start the program with process_group = 0, or use Kill"));
  }

  const WindowsChildParts parts_;
};

}  // namespace

std::unique_ptr<ChildHandle> MakeWindowsChild(WindowsChildParts parts) {
  return std::make_unique<WindowsChild>(std::move(parts));
}

}  // namespace multiproc
