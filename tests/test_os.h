// What tests and their child programs need from the operating system, under
// names that hold on each of them: ends, other processes, handles, streams, and
// a rendezvous of two processes. Paths are ASCII.
//
// Thread-safe, but for the environment, which no other thread may use
// meanwhile.

#ifndef MULTIPROC_TESTS_TEST_OS_H_
#define MULTIPROC_TESTS_TEST_OS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multiproc/executors/exit_status.h"
#include "multiproc/executors/file_handle.h"

namespace multiproc {

// ---- The end of this process ----

// The numbers of POSIX; Windows has no SIGKILL.
inline constexpr int kSigKill = 9;
inline constexpr int kSigTerm = 15;

// Ends this process as `signal` does by default, without any exit handler. On
// Windows: at once, with ExitStatus::WindowsCodeOfSignal.
[[noreturn]] void DieBySignal(int signal);

// _exit(2): no exit handler runs, no stream is flushed. May be called in a
// signal handler.
[[noreturn]] void ExitAtOnce(uint32_t code);

[[noreturn]] void PauseForEver();

// How a program ends that handles nothing and was asked to end by
// Process::Terminate.
ExitStatus EndOfTerminatedProgram();

// Whether programs can be asked to end: on Windows that takes a console.
bool HasConsole();

// ---- Other processes ----

// Ends the process, as `kill -9` does.
absl::Status KillPid(int64_t pid);

// Whether the process runs. On POSIX a zombie counts, too.
bool IsAlive(int64_t pid);

// ---- Handles ----

// This process's standard input.
FileHandle StandardInput();

// Opened as other people's code opens files: a child that inherits everything
// inherits it, too. Of the null device, for reading.
FileHandle OpenPlainHandle();

// The same for a handle that is open already.
void MakeInheritable(FileHandle handle);

bool IsOpen(FileHandle handle);
// Whether a program that inherits everything would inherit it.
bool IsInheritable(FileHandle handle);

// Closes a handle that no ScopedFileHandle owns.
void CloseHandleOf(FileHandle handle);

// Another handle of the same, which no child inherits.
ScopedFileHandle Duplicate(FileHandle handle);

// A handle that is not open, and the number that messages call it by.
FileHandle UnopenedHandle();
std::string NumberOf(FileHandle handle);

// ---- Streams and files ----

// Leaves this program without standard streams, as a daemon is.
void CloseStandardStreams();

// Adds `line` to the end of the file, which is made if there is none. Many
// processes may do so at once.
void AppendLine(const std::string& path, absl::string_view line);

// ---- The environment ----

// Sets a variable, or unsets it, as long as it lives.
class ScopedVariable {
 public:
  ScopedVariable(std::string name, std::optional<std::string> value);
  ~ScopedVariable();

  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  static void Set(const std::string& name,
                  const std::optional<std::string>& value);

  const std::string name_;
  const std::optional<std::string> old_;
};

// What is between two folders in PATH.
extern const char kPathSeparator;

// ---- A rendezvous ----

// A name at which two processes meet. `number` tells those of one process
// apart.
std::string MakeFifo(const std::string& folder, int number);

// In the test: waits for a writer, and reads what it writes to its end.
std::string ReadFifo(const std::string& path);

// In a child: waits for a reader, and writes `text`.
void WriteFifo(const std::string& path, absl::string_view text);

// ---- Differences that messages and limits show ----

// Of a file that is not there, and of a handle that is not open.
extern const char kNotFoundError[];
extern const char kBadHandleError[];

// A program may have an argument of this size.
extern const size_t kGreatArgumentSize;

}  // namespace multiproc

#endif  // MULTIPROC_TESTS_TEST_OS_H_
