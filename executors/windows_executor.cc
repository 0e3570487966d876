#include "multiproc/executors/windows_executor.h"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "multiproc/executors/flush_streams.h"
#include "multiproc/executors/library_thread.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_child.h"
#include "multiproc/executors/windows_error.h"
#include "multiproc/executors/windows_job.h"
#include "multiproc/executors/windows_spawn_plan.h"

// Since Windows 10; not in the headers of every SDK.
#ifndef PROC_THREAD_ATTRIBUTE_JOB_LIST
#define PROC_THREAD_ATTRIBUTE_JOB_LIST 0x0002000D
#endif

namespace multiproc {
namespace {

// The list that CreateProcessW takes beside STARTUPINFO. It points to what it
// was given, which must stay until the child exists.
class Attributes {
 public:
  ~Attributes() {
    if (list() != nullptr) DeleteProcThreadAttributeList(list());
  }

  absl::Status Init(DWORD count) {
    SIZE_T size = 0;
    InitializeProcThreadAttributeList(nullptr, count, 0, &size);
    bytes_.resize(size);
    if (InitializeProcThreadAttributeList(list(), count, 0, &size) != 0) {
      return absl::OkStatus();
    }
    const DWORD error = GetLastError();
    bytes_.clear();
    return WindowsError("InitializeProcThreadAttributeList", "", error);
  }

  bool Set(DWORD_PTR attribute, const void* value, size_t size) {
    return UpdateProcThreadAttribute(list(), 0, attribute,
                                     const_cast<void*>(value), size, nullptr,
                                     nullptr) != 0;
  }

  LPPROC_THREAD_ATTRIBUTE_LIST list() {
    return bytes_.empty()
               ? nullptr
               : reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(bytes_.data());
  }

 private:
  std::vector<char> bytes_;
};

STARTUPINFOEXW MakeStartup(WindowsSpawnPlan& plan, Attributes& attributes) {
  STARTUPINFOEXW startup = {};
  startup.StartupInfo.cb = sizeof(startup);
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdInput = plan.streams[0];
  startup.StartupInfo.hStdOutput = plan.streams[1];
  startup.StartupInfo.hStdError = plan.streams[2];
  startup.StartupInfo.cbReserved2 = static_cast<WORD>(plan.descriptors.size());
  startup.StartupInfo.lpReserved2 =
      plan.descriptors.empty()
          ? nullptr
          : reinterpret_cast<BYTE*>(plan.descriptors.data());
  startup.lpAttributeList = attributes.list();
  return startup;
}

// Lets a child run that was started suspended, after it has joined `jobs`, of
// which each is within the one before, unless that is null, and got its
// `priority`, unless that is 0.
absl::Status Release(const PROCESS_INFORMATION& child, const HANDLE* jobs,
                     DWORD priority) {
  absl::Status status;
  if (jobs != nullptr &&
      (AssignProcessToJobObject(jobs[0], child.hProcess) == 0 ||
       AssignProcessToJobObject(jobs[1], child.hProcess) == 0)) {
    status = WindowsError("AssignProcessToJobObject", "", GetLastError());
  } else if (priority != 0 && SetPriorityClass(child.hProcess, priority) == 0) {
    status = WindowsError("SetPriorityClass", "", GetLastError());
  } else if (ResumeThread(child.hThread) == static_cast<DWORD>(-1)) {
    status = WindowsError("ResumeThread", "", GetLastError());
  }
  if (!status.ok()) TerminateProcess(child.hProcess, 1);
  return status;
}

absl::StatusOr<PROCESS_INFORMATION> Create(
    WindowsSpawnPlan& plan, const WindowsExecutorOptions& options) {
  const absl::StatusOr<FileHandle> job = ChildrensJob();
  if (!job.ok()) return job.status();
  Attributes attributes;
  absl::Status status = attributes.Init(2);
  if (!status.ok()) return status;
  // An empty list would be refused.
  const bool inherits = !plan.inherited.empty();
  if (inherits &&
      !attributes.Set(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, plan.inherited.data(),
                      plan.inherited.size() * sizeof(HANDLE))) {
    return WindowsError("PROC_THREAD_ATTRIBUTE_HANDLE_LIST", "",
                        GetLastError());
  }
  const HANDLE jobs[2] = {*job, plan.job.get()};
  const bool joins_atomically =
      !options.join_job_suspended &&
      attributes.Set(PROC_THREAD_ATTRIBUTE_JOB_LIST, jobs, sizeof(jobs));
  // CreateProcessW could set a priority itself, but not under Wine.
  const bool is_released = !joins_atomically || plan.priority != 0;
  STARTUPINFOEXW startup = MakeStartup(plan, attributes);
  const DWORD flags = CREATE_UNICODE_ENVIRONMENT |
                      EXTENDED_STARTUPINFO_PRESENT |
                      (plan.leads_group ? CREATE_NEW_PROCESS_GROUP : 0) |
                      (is_released ? CREATE_SUSPENDED : 0);
  PROCESS_INFORMATION child = {};
  if (CreateProcessW(plan.path.c_str(), plan.command_line.data(), nullptr,
                     nullptr, inherits ? TRUE : FALSE, flags,
                     plan.environment.data(),
                     plan.directory.empty() ? nullptr : plan.directory.c_str(),
                     &startup.StartupInfo, &child) == 0) {
    return WindowsError("exec", plan.shown_path, GetLastError());
  }
  if (is_released) {
    status = Release(child, joins_atomically ? nullptr : jobs, plan.priority);
  }
  CloseHandle(child.hThread);
  if (status.ok()) return child;
  CloseHandle(child.hProcess);
  return status;
}

}  // namespace

absl::StatusOr<Process> WindowsExecutor::Spawn(const Command& command) {
  absl::StatusOr<WindowsSpawnPlan> plan = WindowsSpawnPlan::Make(command);
  if (!plan.ok()) return plan.status();
  // What was printed before is seen before what the function prints, as with
  // every backend; but no thread of this library waits for who reads it.
  if (!std::holds_alternative<ProgramCall>(command.target) &&
      !LibraryThread::CallerIsOne()) {
    FlushStandardStreams();
  }
  const absl::StatusOr<PROCESS_INFORMATION> child = Create(*plan, options_);
  if (!child.ok()) return child.status();
  WindowsChildParts parts;
  parts.process = ScopedFileHandle(child->hProcess);
  parts.pid = child->dwProcessId;
  parts.job = std::move(plan->job);
  parts.terminate_event = std::move(plan->terminate_event);
  parts.leads_group = plan->leads_group;
  return Process(MakeWindowsChild(std::move(parts)),
                 std::move(plan->parent_ends), command);
}

}  // namespace multiproc
