// What to start, and in which surroundings.
//
//   Command command = Command::Program("sort", {"-n"});
//   command.standard_input = Stdio::Pipe();
//   command.standard_output = Stdio::WriteFile("/tmp/sorted");
//   command.environment = {{"LC_ALL", "C"}, {"TERM", std::nullopt}};
//   absl::StatusOr<Process> process = executor->Spawn(command);
//
//   Command call = Command::Function(RunProc, "1");   // a registered function
//
// A plain value: as thread-safe as a std::string.

#ifndef MULTIPROC_EXECUTORS_COMMAND_H_
#define MULTIPROC_EXECUTORS_COMMAND_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multiproc/executors/file_handle.h"
#include "multiproc/executors/limits.h"
#include "multiproc/functions/function.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// Where one of the child's three standard streams leads.
class Stdio {
 public:
  // How the stream came to be: by the function of that name.
  enum class Kind {
    kInherit,
    kNull,
    kPipe,
    kReadFile,
    kWriteFile,
    kAppendFile,
    kHandle,
    kStandardOutput,
  };

  // To the parent's own. The default.
  static Stdio Inherit() { return Stdio(Kind::kInherit); }
  // To nothing: reads are at their end, writes vanish.
  static Stdio Null() { return Stdio(Kind::kNull); }
  // To a new pipe, whose other end Process has.
  static Stdio Pipe() { return Stdio(Kind::kPipe); }
  // To a file, relative to the parent's working directory. WriteFile empties it
  // or makes it (mode 0666 less the umask), AppendFile adds at its end.
  static Stdio ReadFile(std::string path) {
    return Stdio(Kind::kReadFile, std::move(path));
  }
  static Stdio WriteFile(std::string path) {
    return Stdio(Kind::kWriteFile, std::move(path));
  }
  static Stdio AppendFile(std::string path) {
    return Stdio(Kind::kAppendFile, std::move(path));
  }
  // To an open handle of the parent, which must stay open until Spawn returns.
  static Stdio Handle(FileHandle handle) {
    Stdio stdio(Kind::kHandle);
    stdio.handle_ = handle;
    return stdio;
  }
  // To wherever standard output leads (the shell's 2>&1). Standard error only.
  static Stdio StandardOutput() { return Stdio(Kind::kStandardOutput); }

  // What was given to that function; empty, or invalid, with the others.
  Kind kind() const { return kind_; }
  const std::string& path() const { return path_; }
  FileHandle handle() const { return handle_; }

 private:
  explicit Stdio(Kind kind, std::string path = "")
      : kind_(kind), path_(std::move(path)) {}

  Kind kind_;
  std::string path_;
  FileHandle handle_ = kInvalidFileHandle;
};

// A program with its arguments.
struct ProgramCall {
  // A path, or a name without a slash that is looked up in the parent's PATH. A
  // relative path is relative to the parent's working directory. On Windows
  // ".exe" may be left out, and batch files are INVALID_ARGUMENT.
  std::string program;
  // Without the program's own name, which becomes argv[0] as given above.
  std::vector<std::string> arguments;
};

// A program or a function, and all that is around it.
struct Command {
  // Runs `program` with `arguments`.
  static Command Program(std::string program,
                         std::vector<std::string> arguments = {}) {
    return Command(ProgramCall{std::move(program), std::move(arguments)});
  }

  // Calls the registered function `fn` with `args`. The child exits with code 0
  // if it returns (an OK status, or anything that is no status), else with 1
  // after printing the status to standard error. A call that can't be packed is
  // reported by Spawn, with the status codes of MakeCall.
  template <typename R, typename... P, typename... Args>
  static Command Function(R (*fn)(P...), const Args&... args) {
    return Command(MakeCall(fn, args...));
  }

  // What the child is called, by people and programs that look at processes:
  // Process::name() and ActiveChildren() in this process, CurrentProcessName()
  // in the child, and messages. Empty for the function's name, or the program's
  // as it is given.
  //   A function's child shows it in ps behind the program, and on Linux and
  //   macOS in top, cut to 15 bytes (prctl(2), PR_SET_NAME). A forked one shows
  //   it in top alone.
  //   A program gets it as argv[0], which is what ps shows; few look at that to
  //   find out what to do (busybox) or where they are. On Windows it may hold
  //   no '"' then.
  std::string name;

  // What to run.
  std::variant<ProgramCall, absl::StatusOr<FunctionCall>> target;

  // The program that calls the function, found as ProgramCall's; empty for this
  // very one, run again or forked. Another must have the function under the
  // same name and type, call Initialize (@multiproc//pool:worker_main does
  // nothing else), and be built with the same version of this library. Every
  // backend starts it by exec, and this program need not have called
  // Initialize. For functions only.
  std::string function_program;

  // Changes to the environment that the child inherits: values to set, nullopt
  // to unset.
  std::map<std::string, std::optional<std::string>> environment;
  // Whether the child starts from the parent's environment, or from an empty
  // one: `environment` is then all that it has.
  bool inherit_environment = true;

  // The child's working directory; empty for the parent's.
  std::string working_directory;

  // Where its standard streams lead.
  Stdio standard_input = Stdio::Inherit();
  Stdio standard_output = Stdio::Inherit();
  Stdio standard_error = Stdio::Inherit();

  // More handles for the child, which must stay open until Spawn returns. A
  // program finds the first as descriptor 3, the next as 4, and so on; a
  // function asks InheritedHandles() (initialize.h). At most 256.
  std::vector<FileHandle> inherited_handles;

  // The child's process group: the parent's if unset, 0 for a new one of its
  // own, else the group with that id (setpgid(2)). A terminal's Ctrl-C goes to
  // the foreground group only. On Windows unset or 0: groups have no ids.
  std::optional<int64_t> process_group;

  // What the child may use, and how it is run.
  Limits limits;

  // Whether the child ends with this process: it is killed when this process
  // exits, by exit(3) or the return of main, or of the function that is called
  // in it, and is not waited for; one that is started even later, by a
  // destructor or another thread, is killed at once. Its Process detaches it
  // when it is destroyed, unless told otherwise (Process::OnDestroy). Where
  // this process is killed, or ends by _exit, a daemon goes on, but not on
  // Windows, where no child does. The end of a process that this one has forked
  // by fork(2) itself does nothing to it. As daemon=True in Python; unlike
  // there, a daemon may have children.
  bool daemon = false;

 private:
  template <typename Target>
  explicit Command(Target what) : target(std::move(what)) {}
};

// OK if a backend may try `command`; else INVALID_ARGUMENT saying which field
// is wrong and why (a NUL byte in a string, an empty program, '=' in a
// variable's name ...), or why the function can't be called.
absl::Status CheckCommand(const Command& command);

// What is run, for messages: "program 'sort'", "function 'RunProc'", and with a
// Command::name "function 'RunProc' named 'loader'".
std::string Describe(const Command& command);

// Command::name, or what stands for an empty one.
std::string NameOf(const Command& command);

}  // namespace multiproc

#endif  // MULTIPROC_EXECUTORS_COMMAND_H_
