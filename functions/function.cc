#include "multiproc/functions/function.h"

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#define MULTIPROC_HAVE_CXXABI 1
#endif

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>
#include <vector>

#include "absl/base/config.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "multiproc/functions/item_errors.h"
#include "multiproc/functions/kept_by_process.h"
#include "multiproc/functions/task_status.h"

namespace multiproc {
namespace {

using function_internal::FunctionKey;
using function_internal::Registration;

// FNV-1a: the same in every program, unlike std::hash.
uint32_t Fingerprint(absl::string_view text) {
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

bool SameKey(const FunctionKey& a, const FunctionKey& b) {
  return a.address == b.address && a.type_tag == b.type_tag;
}

size_t HashOf(const FunctionKey& key) {
  return reinterpret_cast<uintptr_t>(key.address) >> 4;
}

// A hash table that only grows, read without a lock: a child forked while
// another thread held a lock of the registry could never take it.
class Registry {
 public:
  // Never destroyed: functions are called until the process ends.
  static Registry& Get() {
    static Registry* const registry = new Registry;
    return *registry;
  }

  void Add(Registration registration) {
    registration.signature = Fingerprint(registration.type);
    Node* const node =
        new Node{std::move(registration), Registration(), nullptr, nullptr};
    node->continuing = node->function;
    node->continuing.signature =
        Fingerprint(absl::StrCat(node->function.type, " continuing"));
    node->function.continuing = &node->continuing;
    Push(&by_name_[Fingerprint(node->function.name) % kBuckets], node,
         &Node::next_of_name);
    Push(&by_key_[HashOf(node->function.key) % kBuckets], node,
         &Node::next_of_key);
    ++size_;
  }

  // Mostly it is the same one as before.
  absl::StatusOr<const Registration*> Find(absl::string_view name) const {
    thread_local Last last;
    return FindAgain(name, &last);
  }
  absl::StatusOr<const Registration*> Find(const FunctionKey& key) const {
    thread_local Last last;
    return FindAgain(key, &last);
  }

 private:
  struct Node {
    Registration function;
    Registration continuing;
    Node* next_of_name;
    Node* next_of_key;
  };
  static constexpr size_t kBuckets = 1024;

  // What was found last, among how many.
  struct Last {
    const Registration* function = nullptr;
    size_t size = 0;
  };

  static bool Matches(const Registration& function, absl::string_view name) {
    return function.name == name;
  }
  static bool Matches(const Registration& function, const FunctionKey& key) {
    return SameKey(function.key, key);
  }

  // One that came later may have the same name.
  template <typename Key>
  absl::StatusOr<const Registration*> FindAgain(const Key& key,
                                                Last* last) const {
    const size_t size = size_.load();
    if (last->function != nullptr && last->size == size &&
        Matches(*last->function, key)) {
      return last->function;
    }
    absl::StatusOr<const Registration*> found = Search(key);
    if (found.ok()) *last = {*found, size};
    return found;
  }

  absl::StatusOr<const Registration*> Search(absl::string_view name) const {
    const Registration* found = nullptr;
    for (const Node* node = by_name_[Fingerprint(name) % kBuckets].load();
         node != nullptr; node = node->next_of_name) {
      if (node->function.name != name) continue;
      if (found != nullptr && !SameKey(found->key, node->function.key)) {
        return TwiceError(node->function, *found);
      }
      found = &node->function;
    }
    if (found != nullptr) return found;
    return absl::NotFoundError(absl::StrCat(
        "no function '", name, "' is registered in this program: is its ",
        "MULTIPROC_FUNCTION linked in (alwayslink for a library)?"));
  }

  absl::StatusOr<const Registration*> Search(const FunctionKey& key) const {
    for (const Node* node = by_key_[HashOf(key) % kBuckets].load();
         node != nullptr; node = node->next_of_key) {
      if (SameKey(node->function.key, key)) return Search(node->function.name);
    }
    return absl::NotFoundError(
        "this function is not registered: write MULTIPROC_FUNCTION(its name); "
        "at namespace scope, beside its definition");
  }

  static void Push(std::atomic<Node*>* head, Node* node, Node* Node::*next) {
    node->*next = head->load();
    while (!head->compare_exchange_weak(node->*next, node)) {
    }
  }

  static absl::Status TwiceError(const Registration& a, const Registration& b) {
    return absl::FailedPreconditionError(absl::StrCat(
        "two functions are registered as '", a.name, "', at ", a.place, " and ",
        b.place, ": give one of them another name with MULTIPROC_FUNCTION_AS"));
  }

  std::atomic<Node*> by_name_[kBuckets] = {};
  std::atomic<Node*> by_key_[kBuckets] = {};
  std::atomic<size_t> size_{0};
};

absl::StatusOr<const Registration*> FindFor(const FunctionCall& call) {
  absl::StatusOr<const Registration*> found =
      Registry::Get().Find(call.function());
  if (!found.ok()) return found;
  if (call.signature() == (*found)->continuing->signature) {
    return (*found)->continuing;
  }
  if (call.signature() != (*found)->signature) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", call.function(), "' is registered here as ", (*found)->type,
        " at ", (*found)->place,
        ", and the caller knows it with other types: build both programs from "
        "the same source"));
  }
  return found;
}

#ifdef ABSL_HAVE_EXCEPTIONS
// As in "std::runtime_error"; the name as the compiler writes it where it can't
// be demangled.
std::string TypeOf(const std::exception& exception) {
#if defined(__GXX_RTTI) || defined(_CPPRTTI)
  const char* name = typeid(exception).name();
#ifdef MULTIPROC_HAVE_CXXABI
  int error = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(
      abi::__cxa_demangle(name, nullptr, nullptr, &error), std::free);
  if (error == 0) return demangled.get();
#endif
  return name;
#else
  (void)exception;
  return "exception";
#endif
}
#endif

// What `run` returns, or throws.
absl::Status Catching(absl::FunctionRef<absl::Status()> run) {
#ifdef ABSL_HAVE_EXCEPTIONS
  try {
    return run();
  } catch (const std::exception& exception) {
    return absl::UnknownError(
        absl::StrCat(TypeOf(exception), ": ", exception.what()));
  } catch (...) {
    return absl::UnknownError("an exception that is no std::exception");
  }
#else
  return run();
#endif
}

// An error that is not the function's own, and so does not say whose it is.
absl::Status Named(const Registration& function, const absl::Status& status) {
  return absl::Status(
      status.code(), absl::StrCat("'", function.name, "': ", status.message()));
}

absl::Status ItemStatus(const Registration& function, absl::Status status,
                        bool own_error) {
  if (!own_error) return Named(function, status);
  MarkTaskError(&status);
  return status;
}

absl::Status RunRow(const Registration& function, uint64_t count,
                    const PackedBytes& arguments, std::string* result) {
  // Those of each take a byte at least (Codec), and so no more than that are
  // run, or told that they are not.
  if (count > arguments.view().size()) {
    return function_internal::ArgumentsError();
  }
  function_internal::CallRow row(arguments.view(), count);
  std::vector<ItemError> errors;
  const bool continues = function.continuing == nullptr;
  bool go_on = true;
  // Where the arguments of one can't be unpacked, nobody knows where the next
  // begin.
  bool lost = false;
  while (go_on) {
    bool own = false;
    absl::Status status = Catching([&] {
      return function.invoke_row(function.key.address, row, result, &own);
    });
    if (status.ok()) break;
    result->resize(row.results_end);
    status = ItemStatus(function, std::move(status), own);
    lost = row.taken == row.done;
    const uint64_t failed = lost && continues ? count : row.done + 1;
    while (row.done < failed) errors.push_back({row.done++, status});
    row.taken = row.done;
    go_on = continues && row.done < count;
  }
  if (row.done == count && !lost && row.decoder.remaining() > 0) {
    return function_internal::ArgumentsError();
  }
  AppendItemErrors(errors, result);
  return absl::OkStatus();
}

}  // namespace

namespace function_internal {

bool Register(Registration registration) {
  Registry::Get().Add(std::move(registration));
  return true;
}

absl::StatusOr<const Registration*> FindRegistration(const FunctionKey& key) {
  return Registry::Get().Find(key);
}

void ReleaseArguments(std::shared_ptr<const void> owner) {
  if (owner.use_count() > 1) return;
  owner.reset();
  FreeKeptByProcess();
}

absl::Status ArgumentsError() {
  return absl::InvalidArgumentError(
      "its arguments can't be unpacked: a Codec's Decode must read what its "
      "Encode wrote");
}

}  // namespace function_internal

absl::Status CheckCall(const FunctionCall& call) {
  return FindFor(call).status();
}

FunctionCall ToProto(PackedCall call) {
  FunctionCall proto;
  proto.set_function(call.name());
  proto.set_signature(call.signature());
  proto.set_arguments(call.great_arguments.empty()
                          ? std::move(call.arguments)
                          : std::string(call.great_arguments));
  return proto;
}

absl::Status RunCall(const FunctionCall& call, std::string* result,
                     bool* own_error) {
  return RunCall(call, 1, PackedBytes(call.arguments()), result, own_error);
}

absl::Status RunCall(const FunctionCall& call, uint64_t count,
                     PackedBytes arguments, std::string* result,
                     bool* own_error, absl::Cord* great_result) {
  *own_error = false;
  const absl::StatusOr<const Registration*> function = FindFor(call);
  if (!function.ok()) return function.status();
  absl::Status status =
      count > 1 ? RunRow(**function, count, arguments, result) : Catching([&] {
        return (*function)->invoke((*function)->key.address,
                                   std::move(arguments), {result, great_result},
                                   own_error);
      });
  if (status.ok() || *own_error) return status;
  return Named(**function, status);
}

}  // namespace multiproc
