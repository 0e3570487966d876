#include "multiproc/executors/command.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multiproc {
namespace {

constexpr size_t kMaxInheritedHandles = 256;

// The kernel ends each of these strings at its first NUL, silently.
absl::Status CheckString(absl::string_view field, absl::string_view text) {
  if (!absl::StrContains(text, '\0')) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Command: ", field, " holds a NUL byte"));
}

absl::Status CheckTarget(const Command& command) {
  if (const auto* call =
          std::get_if<absl::StatusOr<FunctionCall>>(&command.target)) {
    return call->ok() ? CheckCall(**call) : call->status();
  }
  const ProgramCall& call = std::get<ProgramCall>(command.target);
  if (call.program.empty()) {
    return absl::InvalidArgumentError("Command: the program's name is empty");
  }
  absl::Status status = CheckString("the program's name", call.program);
  for (const std::string& argument : call.arguments) {
    status.Update(CheckString("an argument", argument));
  }
  return status;
}

absl::Status CheckFunctionProgram(const Command& command) {
  if (!command.function_program.empty() &&
      std::holds_alternative<ProgramCall>(command.target)) {
    return absl::InvalidArgumentError(
        "Command: function_program is set, and what is to run is a program");
  }
  return CheckString("function_program", command.function_program);
}

absl::Status CheckEnvironment(const Command& command) {
  absl::Status status;
  for (const auto& [name, value] : command.environment) {
    if (name.empty() || absl::StrContains(name, '=')) {
      return absl::InvalidArgumentError(
          absl::StrCat("Command: '", name,
                       "' can't be the name of an environment variable"));
    }
    status.Update(CheckString("a variable's name", name));
    if (value.has_value()) {
      status.Update(CheckString("the environment's value", *value));
    }
  }
  return status;
}

bool IsWriteKind(Stdio::Kind kind) {
  return kind == Stdio::Kind::kWriteFile || kind == Stdio::Kind::kAppendFile;
}

absl::Status CheckStdio(absl::string_view field, const Stdio& stdio) {
  const bool is_input = field == "standard_input";
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("Command: ", field, " ", why));
  };
  if (stdio.kind() == Stdio::Kind::kStandardOutput &&
      field != "standard_error") {
    return bad("can't be StandardOutput(): only standard_error can");
  }
  if (is_input && IsWriteKind(stdio.kind())) {
    return bad("is a file to write: use ReadFile()");
  }
  if (!is_input && stdio.kind() == Stdio::Kind::kReadFile) {
    return bad("is a file to read: use WriteFile() or AppendFile()");
  }
  if (stdio.kind() == Stdio::Kind::kHandle && !IsValidHandle(stdio.handle())) {
    return bad("is an invalid handle");
  }
  return CheckString(field, stdio.path());
}

absl::Status CheckHandles(const Command& command) {
  if (command.inherited_handles.size() > kMaxInheritedHandles) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Command: ", command.inherited_handles.size(),
        " inherited_handles; at most ", kMaxInheritedHandles, " are possible"));
  }
  for (const FileHandle handle : command.inherited_handles) {
    if (!IsValidHandle(handle)) {
      return absl::InvalidArgumentError(
          "Command: inherited_handles holds an invalid handle");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCommand(const Command& command) {
  absl::Status status = CheckTarget(command);
  status.Update(CheckString("name", command.name));
  status.Update(CheckFunctionProgram(command));
  status.Update(CheckEnvironment(command));
  status.Update(CheckString("working_directory", command.working_directory));
  status.Update(CheckStdio("standard_input", command.standard_input));
  status.Update(CheckStdio("standard_output", command.standard_output));
  status.Update(CheckStdio("standard_error", command.standard_error));
  status.Update(CheckHandles(command));
  status.Update(CheckLimits(command.limits));
  if (command.limits.new_session && command.process_group.has_value()) {
    status.Update(absl::InvalidArgumentError(
        "Command: limits.new_session makes a process group of its own, and "
        "there is a process_group, too"));
  }
  if (command.process_group.value_or(0) < 0) {
    status.Update(absl::InvalidArgumentError(absl::StrCat(
        "Command: process_group ", *command.process_group, " is negative")));
  }
  return status;
}

namespace {

std::string TargetName(const Command& command) {
  if (const auto* program = std::get_if<ProgramCall>(&command.target)) {
    return program->program;
  }
  const auto& call = std::get<absl::StatusOr<FunctionCall>>(command.target);
  return call.ok() ? call->function() : "?";
}

}  // namespace

std::string Describe(const Command& command) {
  const bool is_program = std::holds_alternative<ProgramCall>(command.target);
  std::string text = absl::StrCat(is_program ? "program '" : "function '",
                                  TargetName(command), "'");
  if (!command.name.empty()) {
    absl::StrAppend(&text, " named '", command.name, "'");
  }
  return text;
}

std::string NameOf(const Command& command) {
  return command.name.empty() ? TargetName(command) : command.name;
}

}  // namespace multiproc
