#include "multiproc/executors/windows_spawn_plan.h"

#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/this_program.h"
#include "multiproc/executors/windows_api.h"
#include "multiproc/executors/windows_command_line.h"
#include "multiproc/executors/windows_environment.h"
#include "multiproc/executors/windows_error.h"
#include "multiproc/executors/windows_job.h"
#include "multiproc/executors/windows_program.h"
#include "multiproc/executors/windows_text.h"

namespace multiproc {
namespace {

uint64_t ToNumber(FileHandle handle) {
  return static_cast<uint64_t>(reinterpret_cast<uintptr_t>(handle));
}

// ---- Handles ----

constexpr DWORD kShareAll =
    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

absl::StatusOr<ScopedFileHandle> Open(const std::string& path, DWORD access,
                                      DWORD disposition) {
  const absl::StatusOr<std::wstring> wide = ToWide(path);
  if (!wide.ok()) return wide.status();
  ScopedFileHandle file(CreateFileW(wide->c_str(), access, kShareAll, nullptr,
                                    disposition, FILE_ATTRIBUTE_NORMAL,
                                    nullptr));
  if (!file.is_valid()) return WindowsError("open", path, GetLastError());
  return file;
}

// The flags of the C runtime's own table of descriptors.
char DescriptorFlags(FileHandle handle) {
  constexpr int kOpen = 0x01, kPipe = 0x08, kDevice = 0x40;
  switch (GetFileType(handle)) {
    case FILE_TYPE_PIPE:
      return kOpen | kPipe;
    case FILE_TYPE_CHAR:
      return kOpen | kDevice;
    default:
      return kOpen;
  }
}

// As the C runtimes of Windows hand descriptors on when they start a program
// (lpReserved2): their number, the flags of each, and the handle of each.
// The first three are left to STARTUPINFO: to ask of what kind they are could
// mean to wait until somebody's read of standard input ends.
std::string MakeDescriptors(const std::vector<FileHandle>& from_3_on) {
  std::string flags(3, '\0');
  std::vector<FileHandle> handles(3, INVALID_HANDLE_VALUE);
  for (const FileHandle handle : from_3_on) {
    flags += DescriptorFlags(handle);
    handles.push_back(handle);
  }
  const int32_t count = static_cast<int32_t>(handles.size());
  std::string bytes(reinterpret_cast<const char*>(&count), sizeof(count));
  bytes += flags;
  bytes.append(reinterpret_cast<const char*>(handles.data()),
               handles.size() * sizeof(HANDLE));
  return bytes;
}

// A section of memory that holds `bytes`, after their number.
absl::StatusOr<ScopedFileHandle> MakeSection(const std::string& bytes) {
  const uint64_t size = bytes.size();
  const uint64_t total = size + sizeof(size);
  ScopedFileHandle section(CreateFileMappingW(
      INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE,
      static_cast<DWORD>(total >> 32), static_cast<DWORD>(total), nullptr));
  if (!section.is_valid()) {
    return WindowsError("CreateFileMapping", "", GetLastError());
  }
  void* const view = MapViewOfFile(section.get(), FILE_MAP_WRITE, 0, 0, total);
  if (view == nullptr) return WindowsError("MapViewOfFile", "", GetLastError());
  std::memcpy(view, &size, sizeof(size));
  std::memcpy(static_cast<char*>(view) + sizeof(size), bytes.data(), size);
  UnmapViewOfFile(view);
  return section;
}

// ---- The plan ----

class Planner {
 public:
  explicit Planner(const Command& command) : command_(command) {}

  absl::StatusOr<WindowsSpawnPlan> Make() {
    absl::Status status = CheckCommand(command_);
    if (status.ok()) status = PlanLimits();
    if (status.ok()) status = PlanGroup();
    if (status.ok()) status = PlanDirectory();
    if (status.ok()) status = PlanStreams();
    if (status.ok()) status = PlanTarget();
    if (status.ok()) status = PlanEnvironment();
    if (!status.ok()) return status;
    return std::move(plan_);
  }

 private:
  const FunctionCall* call() const {
    const auto* call =
        std::get_if<absl::StatusOr<FunctionCall>>(&command_.target);
    return call == nullptr ? nullptr : &**call;
  }

  // Jobs and classes of priority know the others.
  static absl::Status CheckSupported(const Limits& limits) {
    const char* const field = limits.open_files.has_value()   ? "open_files"
                              : limits.core_bytes.has_value() ? "core_bytes"
                              : limits.file_bytes.has_value() ? "file_bytes"
                              : limits.umask.has_value()      ? "umask"
                              : limits.new_session            ? "new_session"
                                                              : nullptr;
    if (field == nullptr) return absl::OkStatus();
    return absl::UnimplementedError(
        absl::StrCat("Command: limits.", field, ": Windows has no such thing"));
  }

  absl::Status PlanLimits() {
    absl::Status status = CheckSupported(command_.limits);
    if (!status.ok()) return status;
    if (command_.limits.nice.has_value()) {
      plan_.priority = PriorityClass(*command_.limits.nice);
    }
    absl::StatusOr<ScopedFileHandle> job = MakeChildJob(command_.limits);
    if (!job.ok()) return job.status();
    plan_.job = *std::move(job);
    return absl::OkStatus();
  }

  static DWORD PriorityClass(int nice) {
    if (nice >= 10) return IDLE_PRIORITY_CLASS;
    if (nice > 0) return BELOW_NORMAL_PRIORITY_CLASS;
    if (nice == 0) return NORMAL_PRIORITY_CLASS;
    return nice > -10 ? ABOVE_NORMAL_PRIORITY_CLASS : HIGH_PRIORITY_CLASS;
  }

  absl::Status PlanGroup() {
    plan_.leads_group = command_.process_group == 0;
    if (command_.process_group.value_or(0) == 0) return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat(
        "Command: process_group ", *command_.process_group,
        ": on Windows a child has a group of its own (0) or its parent's"));
  }

  absl::Status PlanDirectory() {
    const std::string& path = command_.working_directory;
    if (path.empty()) return absl::OkStatus();
    absl::StatusOr<std::wstring> wide = ToWide(path);
    if (!wide.ok()) return wide.status();
    const DWORD attributes = GetFileAttributesW(wide->c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
      return WindowsError("chdir", path, GetLastError());
    }
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
      return WindowsError("chdir", path, ERROR_DIRECTORY);
    }
    plan_.directory = AbsoluteWindowsPath(*wide);
    return absl::OkStatus();
  }

  // ---- What is run ----

  absl::Status PlanTarget() {
    return call() == nullptr
               ? PlanProgram(std::get<ProgramCall>(command_.target))
               : PlanRerun(*call());
  }

  absl::Status PlanProgram(const ProgramCall& program) {
    absl::StatusOr<std::wstring> path = FindWindowsProgram(program.program);
    if (!path.ok()) return path.status();
    plan_.path = *std::move(path);
    plan_.shown_path = ToUtf8(plan_.path);
    absl::Status status = PlanDescriptors();
    if (!status.ok()) return status;
    return PlanCommandLine(NameOf(command_), program.arguments);
  }

  absl::Status PlanCommandLine(const std::string& name,
                               const std::vector<std::string>& arguments) {
    const absl::StatusOr<std::string> line =
        WindowsCommandLine(name, arguments);
    if (!line.ok()) return line.status();
    absl::StatusOr<std::wstring> wide = ToWide(*line);
    if (!wide.ok()) return wide.status();
    plan_.command_line = *std::move(wide);
    return absl::OkStatus();
  }

  // The C runtime of a program finds the first as descriptor 3, as on POSIX.
  absl::Status PlanDescriptors() {
    if (command_.inherited_handles.empty()) return absl::OkStatus();
    std::vector<FileHandle> copies;
    for (const FileHandle handle : command_.inherited_handles) {
      absl::StatusOr<FileHandle> copy = Inherit(handle);
      if (!copy.ok()) return copy.status();
      copies.push_back(*copy);
    }
    plan_.descriptors = MakeDescriptors(copies);
    return absl::OkStatus();
  }

  // This program again, or Command::function_program: it finds the call in a
  // section of memory, whose handle Initialize knows from the environment.
  absl::Status PlanRerun(const FunctionCall& call) {
    absl::Status status = PlanRerunProgram();
    if (!status.ok()) return status;
    ChildStart start = MakeChildStart(command_);
    *start.mutable_call() = call;
    for (const FileHandle handle : command_.inherited_handles) {
      absl::StatusOr<FileHandle> copy = Inherit(handle);
      if (!copy.ok()) return copy.status();
      start.add_windows_handles(ToNumber(*copy));
    }
    status = PlanTerminateEvent(&start);
    if (status.ok()) status = PlanSection(start);
    if (!status.ok()) return status;
    // For people who look at a list of processes; Initialize does not read it.
    return PlanCommandLine(plan_.shown_path,
                           {absl::StrCat("multiproc:", NameOf(command_))});
  }

  absl::Status PlanRerunProgram() {
    if (!command_.function_program.empty()) {
      absl::StatusOr<std::wstring> path =
          FindWindowsProgram(command_.function_program);
      if (!path.ok()) return path.status();
      plan_.path = *std::move(path);
      plan_.shown_path = ToUtf8(plan_.path);
      return absl::OkStatus();
    }
    plan_.shown_path = ThisProgram::Path();
    plan_.path = *ToWide(plan_.shown_path);
    return CheckInitialized();
  }

  absl::Status PlanTerminateEvent(ChildStart* start) {
    plan_.terminate_event =
        ScopedFileHandle(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    if (!plan_.terminate_event.is_valid()) {
      return WindowsError("CreateEvent", "", GetLastError());
    }
    absl::StatusOr<FileHandle> copy = Inherit(plan_.terminate_event.get());
    if (!copy.ok()) return copy.status();
    start->set_windows_terminate_event(ToNumber(*copy));
    return absl::OkStatus();
  }

  absl::Status PlanSection(const ChildStart& start) {
    const absl::StatusOr<ScopedFileHandle> section =
        MakeSection(start.SerializeAsString());
    if (!section.ok()) return section.status();
    absl::StatusOr<FileHandle> copy = Inherit(section->get());
    if (!copy.ok()) return copy.status();
    section_ = *copy;
    return absl::OkStatus();
  }

  absl::Status PlanEnvironment() {
    WindowsEnvironment environment;
    if (command_.inherit_environment) environment = ReadWindowsEnvironment();
    for (const auto& [name, value] : command_.environment) {
      const absl::StatusOr<std::wstring> wide_name = ToWide(name);
      const absl::StatusOr<std::wstring> wide_value =
          ToWide(value.value_or(""));
      if (!wide_name.ok()) return wide_name.status();
      if (!wide_value.ok()) return wide_value.status();
      environment.erase(*wide_name);
      if (value.has_value()) environment.emplace(*wide_name, *wide_value);
    }
    SetChildVariable(&environment);
    plan_.environment = MakeEnvironmentBlock(environment);
    return absl::OkStatus();
  }

  // A function's is this library's; a program's only what the Command says.
  void SetChildVariable(WindowsEnvironment* environment) const {
    const std::wstring name = *ToWide(kChildVariable);
    if (call() == nullptr) {
      if (command_.environment.count(kChildVariable) == 0) {
        environment->erase(name);
      }
      return;
    }
    (*environment)[name] = std::to_wstring(ToNumber(section_));
  }

  // ---- Handles ----

  // A copy of `handle` that the child inherits. Only the copy is inheritable,
  // and only until the child exists: other code of this process that starts a
  // program with all inheritable handles, in that moment, hands it on.
  absl::StatusOr<FileHandle> Inherit(FileHandle handle) {
    HANDLE copy = nullptr;
    if (DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy,
                        0, TRUE, DUPLICATE_SAME_ACCESS) == 0) {
      return WindowsError("use of handle", absl::StrCat(ToNumber(handle)),
                          GetLastError());
    }
    plan_.child_ends.push_back(ScopedFileHandle(copy));
    plan_.inherited.push_back(copy);
    return copy;
  }

  absl::Status PlanStreams() {
    absl::Status status = PlanStream(0, command_.standard_input,
                                     &plan_.parent_ends.standard_input);
    status.Update(PlanStream(1, command_.standard_output,
                             &plan_.parent_ends.standard_output));
    status.Update(PlanStream(2, command_.standard_error,
                             &plan_.parent_ends.standard_error));
    return status;
  }

  absl::Status PlanStream(int target, const Stdio& stdio,
                          ScopedFileHandle* parent_end) {
    switch (stdio.kind()) {
      case Stdio::Kind::kInherit:
        return InheritStream(target);
      case Stdio::Kind::kStandardOutput:
        plan_.streams[target] = plan_.streams[1];
        return absl::OkStatus();
      case Stdio::Kind::kHandle:
        return SetStream(target, stdio.handle());
      case Stdio::Kind::kPipe:
        return AddPipe(target, parent_end);
      case Stdio::Kind::kNull:
        return AddFile(target, "NUL",
                       target == 0 ? GENERIC_READ : GENERIC_WRITE,
                       OPEN_EXISTING);
      case Stdio::Kind::kReadFile:
        return AddFile(target, stdio.path(), GENERIC_READ, OPEN_EXISTING);
      case Stdio::Kind::kWriteFile:
        return AddFile(target, stdio.path(), GENERIC_WRITE, CREATE_ALWAYS);
      case Stdio::Kind::kAppendFile:
        // Without FILE_WRITE_DATA each write goes to the end, as O_APPEND's.
        return AddFile(target, stdio.path(), FILE_APPEND_DATA | SYNCHRONIZE,
                       OPEN_ALWAYS);
    }
    return absl::InternalError("unknown kind of Stdio");
  }

  absl::Status SetStream(int target, FileHandle handle) {
    absl::StatusOr<FileHandle> copy = Inherit(handle);
    if (!copy.ok()) return copy.status();
    plan_.streams[target] = *copy;
    return absl::OkStatus();
  }

  // A program without windows has them; one with windows, or a service, may
  // have none, or numbers that stand for nothing, and neither has the child.
  absl::Status InheritStream(int target) {
    constexpr DWORD kNames[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
                                STD_ERROR_HANDLE};
    const HANDLE handle = GetStdHandle(kNames[target]);
    DWORD flags = 0;
    if (!IsValidHandle(handle) || GetHandleInformation(handle, &flags) == 0) {
      return absl::OkStatus();
    }
    return SetStream(target, handle);
  }

  absl::Status AddPipe(int target, ScopedFileHandle* parent_end) {
    absl::StatusOr<Pipe> pipe = Pipe::Create();
    if (!pipe.ok()) return pipe.status();
    const bool child_reads = target == 0;
    *parent_end = std::move(child_reads ? pipe->write_end : pipe->read_end);
    return SetStream(target,
                     (child_reads ? pipe->read_end : pipe->write_end).get());
  }

  absl::Status AddFile(int target, const std::string& path, DWORD access,
                       DWORD disposition) {
    absl::StatusOr<ScopedFileHandle> file = Open(path, access, disposition);
    if (!file.ok()) return file.status();
    return SetStream(target, file->get());
  }

  const Command& command_;
  WindowsSpawnPlan plan_;
  FileHandle section_ = kInvalidFileHandle;
};

}  // namespace

absl::StatusOr<WindowsSpawnPlan> WindowsSpawnPlan::Make(
    const Command& command) {
  return Planner(command).Make();
}

}  // namespace multiproc
