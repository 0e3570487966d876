// A C++ function that can be called in another process.
//
//   absl::StatusOr<double> RunTask(int name) { ... }
//   MULTIPROC_FUNCTION(RunTask);       // at namespace scope, beside it
//
//   absl::StatusOr<FunctionCall> call = MakeCall(RunTask, 4);  // packed
//   std::string result;
//   bool own_error;
//   absl::Status status = RunCall(*call, &result, &own_error);  // over there
//
// The function returns void, T, absl::Status or absl::StatusOr<T>; its
// parameters are values or const references (or absl::string_view), of types
// that have a Codec (codec.h). An exception that it throws becomes an UNKNOWN
// status that names the exception's type and what().
//
// Thread-safety: registration belongs before main(), by the macro; everything
// else may be called from any thread.

#ifndef MULTIPROC_FUNCTIONS_FUNCTION_H_
#define MULTIPROC_FUNCTIONS_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/proto/task.pb.h"

// Gives the function `fn` its name in every process: the text `fn` as written
// here, so `app::Render` and `Render` are two names. A name may be given once
// in a program; calls of a name that was given twice fail with
// FAILED_PRECONDITION and both places.
//
// A library whose functions are called by name only, from a program that never
// mentions them, needs `alwayslink = True`, or the linker drops the
// registration with the library.
#define MULTIPROC_FUNCTION(fn) MULTIPROC_FUNCTION_AS(#fn, fn)

// The same with a name of your choice: for overloads and templates, whose
// pointer needs a cast to be told from the others, and for names that must stay
// while the code moves.
//
//   MULTIPROC_FUNCTION_AS("SquareInt", static_cast<int (*)(int)>(Square));
#define MULTIPROC_FUNCTION_AS(name, fn)                       \
  [[maybe_unused]] static const bool MULTIPROC_INTERNAL_JOIN( \
      multiproc_registered_function_, __COUNTER__) =          \
      ::multiproc::RegisterFunction(name, fn, __FILE__, __LINE__)

#define MULTIPROC_INTERNAL_JOIN(a, b) MULTIPROC_INTERNAL_JOIN2(a, b)
#define MULTIPROC_INTERNAL_JOIN2(a, b) a##b

namespace multiproc {

namespace function_internal {

// What a parameter of type P is between unpacking and the call.
template <typename P>
struct StoredType {
  static_assert(!std::is_lvalue_reference_v<P> ||
                    std::is_const_v<std::remove_reference_t<P>>,
                "the function runs in another process on a copy of its "
                "arguments: take a value or a const reference, and return "
                "what changed");
  static_assert(!std::is_pointer_v<std::decay_t<P>>,
                "a pointer means nothing in another process: take a value, "
                "std::string or absl::string_view");
  using type = std::decay_t<P>;
};
template <>
struct StoredType<absl::string_view> {
  using type = std::string;
};
template <>
struct StoredType<const absl::string_view&> {
  using type = std::string;
};
template <typename P>
using Stored = typename StoredType<P>::type;

// What the argument for a parameter of type P must convert to by itself, and
// as what it is then packed. No string_view converts to a std::string so.
template <typename P>
using Passed =
    std::conditional_t<std::is_same_v<std::decay_t<P>, absl::string_view>,
                       absl::string_view, Stored<P>>;
template <typename P, typename Arg>
decltype(auto) ToPacked(const Arg& argument) {
  if constexpr (std::is_same_v<Passed<P>, absl::string_view>) {
    return std::string(absl::string_view(argument));
  } else if constexpr (std::is_arithmetic_v<Stored<P>>) {
    // As a plain call converts it, but not in this header's name: a caller's
    // -Wconversion would complain of lines that are not its own.
    return static_cast<Stored<P>>(argument);
  } else {
    return (argument);
  }
}

// The T in each of the four kinds of result; void for absl::Status.
template <typename R>
struct ResultType {
  using type = std::decay_t<R>;
};
template <>
struct ResultType<absl::Status> {
  using type = void;
};
template <typename T>
struct ResultType<absl::StatusOr<T>> {
  using type = T;
};

template <typename T>
std::string TypeNameOf() {
  if constexpr (std::is_void_v<T>) {
    return "void";
  } else {
    return Codec<T>::TypeName();
  }
}

// Makes two functions at one address (identical code that the linker folded)
// two keys, if their types differ.
template <typename R, typename... P>
struct TypeTag {
  static constexpr char kTag = 0;
};

using AnyFunction = void (*)();

struct FunctionKey {
  AnyFunction address;
  const void* type_tag;
};

// Where a packed result goes: to `bytes`; or, with great Cords, to `great`, if
// that is not null. Both are empty before.
struct PackedResult {
  std::string* bytes;
  absl::Cord* great;
};

// Unpacks, calls, packs. `*own_error` tells an error that the function returned
// from one that kept it from running, or its result from being packed; so also
// where it throws an exception. `arguments` are released once they are
// unpacked.
using Invoker = absl::Status (*)(AnyFunction fn, PackedBytes arguments,
                                 PackedResult result, bool* own_error);

// Where one is among the calls of one request.
struct CallRow {
  // `arguments`, in a row, must outlive it.
  CallRow(absl::string_view arguments, uint64_t calls)
      : decoder(arguments), count(calls) {}

  Decoder decoder;
  const uint64_t count;
  // Of how many the arguments are unpacked, and how many are over.
  uint64_t taken = 0;
  uint64_t done = 0;
  // Where the results of those end.
  size_t results_end = 0;
};
// The same for each of `row`, up to the first error or exception.
using RowInvoker = absl::Status (*)(AnyFunction fn, CallRow& row,
                                    std::string* result, bool* own_error);

struct Registration {
  std::string name;
  std::string type;  // As in "double(int32,string)".
  FunctionKey key = {};
  Invoker invoke = nullptr;
  RowInvoker invoke_row = nullptr;
  std::string place;  // file:line
  uint32_t signature = 0;
  // The function under a signature of its own, by which a caller asks that a
  // row goes on behind a call that failed; null in that one itself.
  const Registration* continuing = nullptr;
};

bool Register(Registration registration);

// What is registered for `key`, or why that can't be called.
absl::StatusOr<const Registration*> FindRegistration(const FunctionKey& key);

absl::Status ArgumentsError();

template <typename R>
absl::Status PackResult(R&& returned, PackedResult result, bool* own_error) {
  using Plain = std::decay_t<R>;
  if constexpr (std::is_same_v<Plain, absl::Status>) {
    *own_error = !returned.ok();
    return std::forward<R>(returned);
  } else if constexpr (std::is_same_v<
                           Plain,
                           absl::StatusOr<typename ResultType<Plain>::type>>) {
    *own_error = !returned.ok();
    if (!returned.ok()) return std::forward<R>(returned).status();
    return EncodeShared(result.bytes, result.great, *returned);
  } else {
    return EncodeShared(result.bytes, result.great,
                        static_cast<const Plain&>(returned));
  }
}

// Calls `fn` with `values`, which it may move from.
template <typename R, typename... P>
R Apply(AnyFunction fn, std::tuple<Stored<P>...>& values) {
  const auto typed = reinterpret_cast<R (*)(P...)>(fn);
  return std::apply(
      [typed](Stored<P>&... v) -> R { return typed(static_cast<P&&>(v)...); },
      values);
}

template <typename... Ts>
bool DecodeTuple(Decoder& in, std::tuple<Ts...>* values) {
  return std::apply([&in](auto&... v) { return in.Get(&v...); }, *values);
}

template <typename... Ts>
bool DecodeAll(Decoder decoder, std::tuple<Ts...>* values) {
  return DecodeTuple(decoder, values) && decoder.remaining() == 0;
}

// Of memory that nobody else shares nothing is kept for the next call: this one
// needs the room for its values and its result.
void ReleaseArguments(std::shared_ptr<const void> owner);

// The arguments, which are released then, or shared by Cords.
template <typename... Ts>
bool DecodeArguments(PackedBytes arguments, std::tuple<Ts...>* values) {
  const absl::string_view bytes = arguments.view();
  std::shared_ptr<const void> owner = arguments.Share();
  if (owner == nullptr) return DecodeAll(Decoder(bytes), values);
  const bool decoded = DecodeAll(Decoder(bytes, owner), values);
  ReleaseArguments(std::move(owner));
  return decoded;
}

// One call. A great payload is never there a third time: packed, unpacked and
// as a result; each goes before the next but one is made.
template <typename R, typename... P>
absl::Status InvokeOnce(AnyFunction fn, PackedBytes arguments,
                        PackedResult result, bool* own_error) {
  auto values = std::make_optional<std::tuple<Stored<P>...>>();
  if (!DecodeArguments(std::move(arguments), &*values)) {
    return ArgumentsError();
  }
  *own_error = true;
  if constexpr (std::is_void_v<R>) {
    Apply<R, P...>(fn, *values);
    *own_error = false;
    return absl::OkStatus();
  } else {
    R returned = Apply<R, P...>(fn, *values);
    *own_error = false;
    if constexpr (!std::is_reference_v<R>) values.reset();
    return PackResult(std::forward<R>(returned), result, own_error);
  }
}

template <typename R, typename... P>
absl::Status InvokeRow(AnyFunction fn, CallRow& row, std::string* result,
                       bool* own_error) {
  while (row.done < row.count) {
    std::tuple<Stored<P>...> values;
    if (!DecodeTuple(row.decoder, &values)) return ArgumentsError();
    ++row.taken;
    *own_error = true;
    if constexpr (std::is_void_v<R>) {
      Apply<R, P...>(fn, values);
      *own_error = false;
    } else {
      R returned = Apply<R, P...>(fn, values);
      *own_error = false;
      absl::Status status =
          PackResult(std::forward<R>(returned), {result, nullptr}, own_error);
      if (!status.ok()) return status;
      row.results_end = result->size();
    }
    ++row.done;
  }
  return absl::OkStatus();
}

template <typename R, typename... P>
FunctionKey KeyOf(R (*fn)(P...)) {
  return {reinterpret_cast<AnyFunction>(fn), &TypeTag<R, P...>::kTag};
}

}  // namespace function_internal

// What a caller of a function of result type R gets: T for T and
// absl::StatusOr<T>, void for void and absl::Status.
template <typename R>
using ResultOf = typename function_internal::ResultType<R>::type;

// What the macros above call. `name` is copied.
template <typename R, typename... P>
bool RegisterFunction(absl::string_view name, R (*fn)(P...), const char* file,
                      int line) {
  using function_internal::Stored;
  using function_internal::TypeNameOf;
  std::string type = TypeNameOf<ResultOf<R>>() + "(";
  [[maybe_unused]] const char* separator = "";
  ((type += std::exchange(separator, ",") + TypeNameOf<Stored<P>>()), ...);
  type += ")";
  return function_internal::Register(
      {std::string(name), type, function_internal::KeyOf(fn),
       &function_internal::InvokeOnce<R, P...>,
       &function_internal::InvokeRow<R, P...>, absl::StrCat(file, ":", line)});
}

// A call of a registered function, as the process that makes it keeps it:
// smaller than a FunctionCall, and made without looking at the name.
struct PackedCall {
  // The function, which lives as long as the process; and its arguments.
  const function_internal::Registration* function = nullptr;
  std::string arguments;
  // With great Cords among the arguments: all of them, instead of those above.
  absl::Cord great_arguments = absl::Cord();

  // How many bytes the arguments take.
  size_t size() const { return arguments.size() + great_arguments.size(); }
  // Valid as long as the process.
  const std::string& name() const { return function->name; }
  uint32_t signature() const { return function->signature; }
};

// Packs a call of `fn`, which was registered, with `args`, each converted as in
// a plain call.
//   NOT_FOUND            `fn` is not registered.
//   FAILED_PRECONDITION  its name was given to two functions.
//   INVALID_ARGUMENT     an argument can't be packed.
template <typename R, typename... P, typename... Args>
absl::StatusOr<PackedCall> PackCall(R (*fn)(P...), const Args&... args) {
  static_assert(sizeof...(P) == sizeof...(Args),
                "the function takes another number of arguments");
  static_assert(
      (std::is_convertible_v<const Args&, function_internal::Passed<P>> && ...),
      "an argument can't be converted to the parameter's type");
  const absl::StatusOr<const function_internal::Registration*> found =
      function_internal::FindRegistration(function_internal::KeyOf(fn));
  if (!found.ok()) return found.status();
  absl::StatusOr<PackedCall> call(absl::in_place);
  call->function = *found;
  absl::Status packed = EncodeShared<function_internal::Stored<P>...>(
      &call->arguments, &call->great_arguments,
      function_internal::ToPacked<P>(args)...);
  if (!packed.ok()) return packed;
  return call;
}

// The same, as it crosses a process boundary.
FunctionCall ToProto(PackedCall call);
template <typename R, typename... P, typename... Args>
absl::StatusOr<FunctionCall> MakeCall(R (*fn)(P...), const Args&... args) {
  absl::StatusOr<PackedCall> call = PackCall(fn, args...);
  if (!call.ok()) return call.status();
  return ToProto(*std::move(call));
}

// OK if this process can run `call`:
//   NOT_FOUND            no function of that name is registered here.
//   FAILED_PRECONDITION  two are.
//   INVALID_ARGUMENT     it is registered with other types than the caller's.
absl::Status CheckCall(const FunctionCall& call);

// Runs `call` in this process and packs its result into `*result`. `*own_error`
// is whether a status other than OK is the function's own: one that it returned
// or an exception that it threw; else the call could not be run (CheckCall;
// INVALID_ARGUMENT too for arguments that can't be unpacked or a result that
// can't be packed; UNKNOWN if a Codec throws).
absl::Status RunCall(const FunctionCall& call, std::string* result,
                     bool* own_error);

// The same for `arguments` instead of those of `call`: of `count` calls, whose
// arguments and results stand in a row. If they are more than one, what becomes
// of each is in `*result` (item_errors.h), and the status only says that they
// could not be run, or that bytes were left of their arguments: then nobody
// knows with what they ran. The first that fails ends them, unless `call` has
// the function's continuing signature. Where the arguments of one can't be
// unpacked nobody knows where the next begin, and so those behind it have its
// error, too.
//
// The result of one call with great Cords is in `*great_result`, if that is not
// null, and `*result` empty then. Both are empty before.
absl::Status RunCall(const FunctionCall& call, uint64_t count,
                     PackedBytes arguments, std::string* result,
                     bool* own_error, absl::Cord* great_result = nullptr);

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_FUNCTION_H_
