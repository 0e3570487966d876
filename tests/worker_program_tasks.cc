#include "tests/worker_program_tasks.h"

#include <cstdio>

#include "multiproc/executors/this_program.h"
#include "multiproc/functions/function.h"
#include "tests/test_os.h"

namespace multiproc {

std::string PathOfProgram(const std::string& prefix) {
  return prefix + ThisProgram::Path();
}
MULTIPROC_FUNCTION(PathOfProgram);

void PrintPathOfProgram() { std::printf("%s", PathOfProgram("").c_str()); }
MULTIPROC_FUNCTION(PrintPathOfProgram);

void DieInProgram() { DieBySignal(kSigKill); }
MULTIPROC_FUNCTION(DieInProgram);

}  // namespace multiproc
