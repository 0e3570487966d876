// Starts four child processes, each of which calls run_proc, and waits for
// them. In Python: Process(target=run_proc, args=(str(i),)).
//
//   ./bazelw run //examples:process

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/print.h"
#include "multiproc/executors/current_process.h"
#include "multiproc/executors/default_executor.h"
#include "multiproc/executors/initialize.h"

void RunProc(const std::string& name) {
  Print("child process %s (%d) Runing\n", name, multiproc::CurrentPid());
}
MULTIPROC_FUNCTION(RunProc);

int main(int argc, char** argv) {
  multiproc::Initialize(&argc, &argv);
  Print("Parent process %d\n", multiproc::CurrentPid());

  std::vector<multiproc::Process> children;
  for (int i = 1; i <= 4; ++i) {
    absl::StatusOr<multiproc::Process> child =
        multiproc::Spawn(RunProc, std::to_string(i));
    if (!child.ok()) {
      std::fprintf(stderr, "%s\n", child.status().ToString().c_str());
      return 1;
    }
    children.push_back(*std::move(child));
  }

  int failed = 0;
  for (multiproc::Process& child : children) {
    const absl::StatusOr<multiproc::ExitStatus> status = child.Wait();
    if (!status.ok() || !status->success()) ++failed;
  }
  return failed;
}
