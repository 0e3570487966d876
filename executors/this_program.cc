#include "multiproc/executors/this_program.h"

#include <utility>

namespace multiproc {
namespace {

std::string& NameSlot() {
  static std::string* const name = new std::string("multiproc");
  return *name;
}

}  // namespace

const std::string& ThisProgram::Name() { return NameSlot(); }

void ThisProgram::SetName(std::string name) { NameSlot() = std::move(name); }

}  // namespace multiproc
