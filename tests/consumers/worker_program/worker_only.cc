#include "tasks.h"

namespace {

const bool set = (in_worker_program = true);

}  // namespace
