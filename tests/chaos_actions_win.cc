#include "tests/chaos_actions.h"

namespace multiproc {

absl::string_view WhyNotHere(ChaosAction action) {
  switch (action) {
    case ChaosAction::kStop:
    case ChaosAction::kDaemon:
    case ChaosAction::kJumpFromHandler:
      return "Windows has none of it";
    case ChaosAction::kWriteEverywhere:
    case ChaosAction::kCloseDescriptors:
      return "handles that a task finds by their numbers are the system's, too";
    case ChaosAction::kExhaustMemory:
      return "Wine has no limit of memory";
    case ChaosAction::kJumpToMain:
      return "longjmp unwinds the stack on Windows";
    default:
      return "";
  }
}

absl::Status RunSystemAction(ChaosAction, const std::string&) {
  return absl::UnimplementedError("Windows has none of it");
}

int CallWithJumpTarget(int (*rest)(int argc, char** argv), int argc,
                       char** argv) {
  return rest(argc, argv);
}

// There are none: all ends with the worker's job.
DaemonLeash::DaemonLeash(const std::string& folder) : folder_(folder) {}

bool DaemonLeash::End(absl::Duration) { return true; }

bool HasNoChild() { return true; }

}  // namespace multiproc
