#include "multiproc/executors/spawn_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "multiproc/executors/anonymous_file.h"
#include "multiproc/executors/function_child.h"
#include "multiproc/executors/handle_table.h"
#include "multiproc/executors/initialize.h"
#include "multiproc/executors/posix_error.h"
#include "multiproc/executors/this_program.h"

namespace multiproc {
namespace {

// open(2), close-on-exec, and registered before any fork can see it.
absl::StatusOr<ScopedFileHandle> Open(const std::string& path, int flags) {
  const HandleTable::Lock lock;
  int fd;
  do {
    fd = open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return PosixError("open", path, errno);
  return ScopedFileHandle::Adopt(HandleTable::AddNew(lock, fd));
}

class Planner {
 public:
  Planner(const Command& command, SpawnPlan::Start start)
      : command_(command), start_(start) {}

  absl::StatusOr<SpawnPlan> Make() {
    absl::Status status = CheckCommand(command_);
    if (status.ok()) status = PlanLimits();
    if (status.ok()) status = PlanTarget();
    if (status.ok()) status = PlanDirectory();
    if (status.ok()) status = PlanStdio();
    if (status.ok()) status = PlanHandles();
    if (!status.ok()) return status;
    PlanEnvironment();
    if (!fork_only()) plan_.arguments.MakeReady();
    plan_.process_group = command_.process_group;
    plan_.new_session = command_.limits.new_session;
    return std::move(plan_);
  }

 private:
  bool is_function() const {
    return std::holds_alternative<absl::StatusOr<FunctionCall>>(
        command_.target);
  }
  bool fork_only() const { return start_ == SpawnPlan::Start::kForkOnly; }
  // Whether the child sets the limits itself.
  bool limits_itself() const {
    return start_ == SpawnPlan::Start::kPosixSpawn &&
           HasLimits(command_.limits);
  }
  // Whether a program with Initialize is run, at first at least: this one
  // again, but for a function that another is to call.
  bool is_rerun() const {
    return (is_function() && !fork_only()) || limits_itself();
  }
  bool is_elsewhere() const { return !command_.function_program.empty(); }
  int num_handles() const {
    return static_cast<int>(command_.inherited_handles.size());
  }

  absl::Status PlanLimits() {
    if (!HasLimits(command_.limits)) return absl::OkStatus();
    const absl::StatusOr<ChildLimits> limits =
        ChildLimits::Make(command_.limits);
    if (!limits.ok()) return limits.status();
    plan_.limits = *limits;
    return absl::OkStatus();
  }

  absl::Status PlanTarget() {
    if ((is_function() || limits_itself()) && !is_elsewhere()) {
      absl::Status initialized = CheckInitialized();
      if (!initialized.ok()) return initialized;
    }
    if (is_function()) return fork_only() ? absl::OkStatus() : PlanFunction();
    const ProgramCall& call = std::get<ProgramCall>(command_.target);
    absl::StatusOr<std::string> path = FindProgram(call.program);
    if (!path.ok()) return path.status();
    plan_.program_path = *path;
    if (limits_itself()) return PlanProgramRerun(*path, call);
    plan_.path = *std::move(path);
    plan_.arguments.Add(NameOf(command_));
    for (const std::string& argument : call.arguments) {
      plan_.arguments.Add(argument);
    }
    return absl::OkStatus();
  }

  absl::Status PlanFunction() {
    ChildStart child_start = MakeChildStart(command_);
    *child_start.mutable_call() =
        **std::get_if<absl::StatusOr<FunctionCall>>(&command_.target);
    child_start.set_num_handles(static_cast<uint32_t>(num_handles()));
    return PlanRerun(&child_start);
  }

  // The copy of this program has its own environment, not the command's, in
  // which it might not even start.
  absl::Status PlanProgramRerun(const std::string& path,
                                const ProgramCall& call) {
    ChildStart child_start = MakeChildStart(command_);
    ProgramStart* const program = child_start.mutable_program();
    program->set_path(path);
    program->add_arguments(NameOf(command_));
    for (const std::string& argument : call.arguments) {
      program->add_arguments(argument);
    }
    for (std::string& entry : MakeEnvironment()) {
      program->add_environment(std::move(entry));
    }
    child_start.set_num_handles(static_cast<uint32_t>(num_handles()));
    return PlanRerun(&child_start);
  }

  // This program again: it finds the call in a file without a name, whose
  // descriptor Initialize knows from the environment. A pipe would want
  // somebody to fill it while the child reads.
  absl::Status PlanRerun(ChildStart* child_start) {
    // Another program looks for itself.
    if (!is_elsewhere() && ThisProgram::HasPrivilegesOfItsOwn()) {
      return PrivilegesError();
    }
    if (limits_itself()) {
      child_start->set_limits(&*plan_.limits, sizeof(*plan_.limits));
      child_start->set_failure_pipe(
          static_cast<uint32_t>(plan_.first_closed + num_handles() + 1));
    }
    absl::StatusOr<ScopedFileHandle> file =
        MakeAnonymousFile(child_start->SerializeAsString());
    if (!file.ok()) return file.status();
    absl::Status found = PlanRerunProgram();
    if (!found.ok()) return found;
    // For people who look at ps; Initialize does not read it.
    plan_.arguments.Add(absl::StrCat("multiproc:", NameOf(command_)));
    plan_.child_ends.push_back(*std::move(file));
    return absl::OkStatus();
  }

  absl::Status PlanRerunProgram() {
    absl::StatusOr<std::string> path =
        is_elsewhere() ? FindProgram(command_.function_program)
                       : ThisProgram::Path();
    if (!path.ok()) return path.status();
    plan_.path = *std::move(path);
    if (is_function()) plan_.program_path = plan_.path;
    plan_.arguments.Add(is_elsewhere() ? command_.function_program
                                       : ThisProgram::Name());
    return absl::OkStatus();
  }

  // Its copy would refuse the call: see Initialize().
  static absl::Status PrivilegesError() {
    return absl::FailedPreconditionError(
        "this program has more privileges than who started it (set-user-ID, "
        "set-group-ID or file capabilities), and so can't be run again for a "
        "function, or to set limits; use the fork backend");
  }

  // As execvp(3), but with the parent's PATH in every backend, and before there
  // is a child.
  static absl::StatusOr<std::string> FindProgram(const std::string& program) {
    if (absl::StrContains(program, '/')) return AbsolutePath(program);
    const char* path = std::getenv("PATH");
    int error = ENOENT;
    for (absl::string_view folder :
         absl::StrSplit(path == nullptr ? "/bin:/usr/bin" : path, ':')) {
      const std::string candidate =
          absl::StrCat(folder.empty() ? "." : folder, "/", program);
      if (IsExecutable(candidate)) return AbsolutePath(candidate);
      if (errno == EACCES) error = EACCES;
    }
    return PosixError("search of PATH for", program, error);
  }

  static bool IsExecutable(const std::string& path) {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return false;
    if (S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0) return true;
    errno = EACCES;
    return false;
  }

  // Relative to the parent's directory, whatever the child's will be.
  static absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
    if (path[0] == '/') return path;
    char* folder = getcwd(nullptr, 0);
    if (folder == nullptr) return PosixError("getcwd", "", errno);
    std::string result = absl::StrCat(folder, "/", path);
    std::free(folder);
    return result;
  }

  absl::Status PlanDirectory() {
    const std::string& path = command_.working_directory;
    if (path.empty()) return absl::OkStatus();
#ifdef O_PATH
    constexpr int kFlags = O_PATH | O_DIRECTORY;  // It need not be readable.
#else
    constexpr int kFlags = O_RDONLY | O_DIRECTORY;
#endif
    absl::StatusOr<ScopedFileHandle> folder = Open(path, kFlags);
    if (!folder.ok()) {
      return absl::Status(folder.status().code(),
                          absl::StrCat("chdir: ", folder.status().message()));
    }
    if (faccessat(folder->get(), ".", X_OK, AT_EACCESS) != 0) {
      return PosixError("chdir", path, errno);
    }
    plan_.directory = *std::move(folder);
    return absl::OkStatus();
  }

  absl::Status PlanStdio() {
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
        return absl::OkStatus();
      case Stdio::Kind::kStandardOutput:
        plan_.moves.push_back({1, target});
        return absl::OkStatus();
      case Stdio::Kind::kHandle:
        return AddMove(stdio.handle(), target);
      case Stdio::Kind::kPipe:
        return AddPipe(target, parent_end);
      case Stdio::Kind::kNull:
        return AddFile("/dev/null", target == 0 ? O_RDONLY : O_WRONLY, target);
      case Stdio::Kind::kReadFile:
        return AddFile(stdio.path(), O_RDONLY, target);
      case Stdio::Kind::kWriteFile:
        return AddFile(stdio.path(), O_WRONLY | O_CREAT | O_TRUNC, target);
      case Stdio::Kind::kAppendFile:
        return AddFile(stdio.path(), O_WRONLY | O_CREAT | O_APPEND, target);
    }
    return absl::InternalError("unknown kind of Stdio");
  }

  absl::Status AddPipe(int target, ScopedFileHandle* parent_end) {
    absl::StatusOr<Pipe> pipe = Pipe::Create();
    if (!pipe.ok()) return pipe.status();
    const bool child_reads = target == 0;
    *parent_end = std::move(child_reads ? pipe->write_end : pipe->read_end);
    return AddOwnedMove(
        std::move(child_reads ? pipe->read_end : pipe->write_end), target);
  }

  absl::Status AddFile(const std::string& path, int flags, int target) {
    absl::StatusOr<ScopedFileHandle> file = Open(path, flags);
    if (!file.ok()) return file.status();
    return AddOwnedMove(*std::move(file), target);
  }

  absl::Status AddOwnedMove(ScopedFileHandle file, int target) {
    const int fd = file.get();
    plan_.child_ends.push_back(std::move(file));
    return AddMove(fd, target);
  }

  static absl::Status CheckOpen(int fd) {
    if (fcntl(fd, F_GETFD) >= 0) return absl::OkStatus();
    return PosixError("use of handle", absl::StrCat(fd), errno);
  }

  // A source that is itself among the targets is copied out of their way, so
  // that no order of the moves can lose it; and dup2 of two different numbers
  // always clears close-on-exec.
  absl::Status AddMove(int source, int target) {
    absl::Status open = CheckOpen(source);
    if (!open.ok()) return open;
    const int targets_end = 5 + num_handles();
    if (source < targets_end) {
      absl::StatusOr<ScopedFileHandle> copy =
          CopyHandleAbove(source, targets_end);
      if (!copy.ok()) return copy.status();
      source = copy->get();
      plan_.child_ends.push_back(*std::move(copy));
    }
    plan_.moves.push_back({source, target});
    return absl::OkStatus();
  }

  // Descriptors 3, 4, ... in the order given, then the file with the call. A
  // fork alone keeps them where they are.
  absl::Status PlanHandles() {
    if (fork_only()) return KeepHandles();
    for (const FileHandle handle : command_.inherited_handles) {
      absl::Status status = AddMove(handle, plan_.first_closed++);
      if (!status.ok()) return status;
    }
    if (!is_rerun()) return absl::OkStatus();
    call_fd_ = plan_.first_closed++;
    absl::Status status = AddMove(plan_.child_ends.front().get(), call_fd_);
    return status.ok() && limits_itself() ? AddFailurePipe() : status;
  }

  absl::Status AddFailurePipe() {
    absl::StatusOr<Pipe> pipe = Pipe::Create();
    if (!pipe.ok()) return pipe.status();
    plan_.failure_pipe = std::move(pipe->read_end);
    return AddOwnedMove(std::move(pipe->write_end), plan_.first_closed++);
  }

  absl::Status KeepHandles() {
    plan_.kept = command_.inherited_handles;
    for (const FileHandle handle : plan_.kept) {
      absl::Status open = CheckOpen(handle);
      if (!open.ok()) return open;
    }
    return absl::OkStatus();
  }

  // What the Command says, which has no variable of this library.
  std::vector<std::string> MakeEnvironment() const {
    std::vector<std::string> entries;
    const auto& changes = command_.environment;
    for (char** entry = command_.inherit_environment ? environ : nullptr;
         entry != nullptr && *entry != nullptr; ++entry) {
      const absl::string_view text = *entry;
      const std::string name(text.substr(0, text.find('=')));
      if (name != kChildVariable && changes.count(name) == 0) {
        entries.emplace_back(text);
      }
    }
    for (const auto& [name, value] : changes) {
      // A function's is this library's.
      if (is_function() && name == kChildVariable) continue;
      if (value.has_value()) {
        entries.push_back(absl::StrCat(name, "=", *value));
      }
    }
    return entries;
  }

  std::vector<std::string> MakeOwnEnvironment() const {
    std::vector<std::string> entries;
    for (char** entry = environ; entry != nullptr && *entry != nullptr;
         ++entry) {
      if (!absl::StartsWith(*entry, absl::StrCat(kChildVariable, "="))) {
        entries.emplace_back(*entry);
      }
    }
    return entries;
  }

  bool changes_environment() const {
    return !command_.inherit_environment || !command_.environment.empty() ||
           call_fd_ >= 0 || std::getenv(kChildVariable) != nullptr;
  }

  void PlanEnvironment() {
    if (!changes_environment()) return;
    const bool is_rerun_for_program = is_rerun() && !is_function();
    for (std::string& entry :
         is_rerun_for_program ? MakeOwnEnvironment() : MakeEnvironment()) {
      plan_.changed_environment.Add(std::move(entry));
    }
    if (call_fd_ >= 0) {
      plan_.changed_environment.Add(
          absl::StrCat(kChildVariable, "=", call_fd_));
    }
    plan_.changed_environment.MakeReady();
  }

  const Command& command_;
  const SpawnPlan::Start start_;
  SpawnPlan plan_;
  int call_fd_ = -1;
};

}  // namespace

void CStringArray::MakeReady() {
  pointers_.clear();
  for (std::string& text : strings_) pointers_.push_back(text.data());
  pointers_.push_back(nullptr);
}

absl::StatusOr<ScopedFileHandle> CopyHandleAbove(FileHandle handle,
                                                 int minimum) {
  const HandleTable::Lock lock;
  const int copy = fcntl(handle, F_DUPFD_CLOEXEC, minimum);
  if (copy < 0)
    return PosixError("copy of handle", absl::StrCat(handle), errno);
  HandleTable::Add(lock, copy);
  return ScopedFileHandle::Adopt(copy);
}

absl::Status ExecError(const SpawnPlan& plan, int error) {
  const bool executable = access(plan.program_path.c_str(), X_OK) == 0;
  return PosixError(executable && error == ENOENT
                        ? "exec (is its interpreter there?)"
                        : "exec",
                    plan.program_path, error);
}

absl::Status FailureError(const SpawnPlan& plan, const ChildFailure& failure) {
  if (failure.step == ChildStep::kExec) return ExecError(plan, failure.error);
  return PosixError(StepName(failure.step),
                    failure.step == ChildStep::kSetpgid
                        ? absl::StrCat(*plan.process_group)
                        : "",
                    failure.error);
}

absl::StatusOr<SpawnPlan> SpawnPlan::Make(const Command& command, Start start) {
  return Planner(command, start).Make();
}

}  // namespace multiproc
