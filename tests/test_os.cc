#include "tests/test_os.h"

#include <cstdlib>
#include <utility>

namespace multiproc {
namespace {

std::optional<std::string> ValueOf(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

ScopedVariable::ScopedVariable(std::string name,
                               std::optional<std::string> value)
    : name_(std::move(name)), old_(ValueOf(name_)) {
  Set(name_, value);
}

ScopedVariable::~ScopedVariable() { Set(name_, old_); }

}  // namespace multiproc
