// What a Decoder makes of any bytes, for all kinds of types: what it takes, is
// packed and unpacked as the same from then on. And what becomes of any call:
// a result, or an error that says why not.

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/function.h"
#include "multiproc/functions/item_errors.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/functions/status_codec.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/proto/task.pb.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

enum class Colour : uint8_t { kRed, kGreen };

struct Point {
  int x = 0;
  int y = 0;

  bool operator==(const Point& other) const {
    return x == other.x && y == other.y;
  }
};

}  // namespace

template <>
struct multiproc::Codec<Point> {
  static std::string TypeName() { return "Point"; }
  static void Encode(const Point& p, Encoder& out) { out.Put(p.x, p.y); }
  static bool Decode(Decoder& in, Point* p) { return in.Get(&p->x, &p->y); }
};

namespace multiproc {
namespace {

// ---- Values ----

// Protobuf sets so much aside, and touches none of it, for a string that is
// announced within a message that is longer than what is there (kSafeStringSize
// in its parse_context.h).
constexpr size_t kSetAside = 50000000;

template <typename T>
constexpr bool kHasMessages =
    std::is_base_of_v<google::protobuf::MessageLite, T> ||
    std::is_same_v<T, std::vector<std::optional<StatusProto>>>;

// A few hundred bytes of memory for each byte, at the very most: of a vector of
// great structures.
void CheckHeap(size_t before, size_t bytes, size_t set_aside) {
  FUZZ_CHECK(HeapBytes() <= before + 1000 * bytes + 10000 + set_aside);
}

// The bytes of one value may be many (numbers may be longer than they need be);
// those that Encode writes are the same each time, but for the order of a hash
// map.
template <typename T>
void CheckDecode(absl::string_view bytes) {
  const size_t heap = HeapBytes();
  T value{};
  const bool decoded = DecodeValues(bytes, &value);
  CheckHeap(heap, bytes.size(), kHasMessages<T> && !decoded ? kSetAside : 0);
  if (!decoded) return;
  std::string packed;
  FUZZ_CHECK(EncodeValues(&packed, value).ok());
  T again{};
  FUZZ_CHECK(DecodeValues(packed, &again));
  std::string packed_again;
  FUZZ_CHECK(EncodeValues(&packed_again, again).ok());
  FUZZ_CHECK(packed_again.size() == packed.size());
  if constexpr (std::is_same_v<T, std::unordered_map<std::string, int32_t>>) {
    FUZZ_CHECK(again == value);
  } else {
    FUZZ_CHECK(packed_again == packed);
  }
  // And into a value that is no default one.
  T other = std::move(value);
  FUZZ_CHECK(DecodeValues(packed, &other));
}

// A great Cord, and behind it whatever the bytes are: the same, shared or
// copied, and packed either way.
void CheckShared(absl::string_view bytes) {
  using Row = std::tuple<absl::Cord, std::vector<absl::Cord>>;
  const auto memory = std::make_shared<std::string>();
  FUZZ_CHECK(EncodeValues(&*memory, std::string(kGreatBytes, 'g')).ok());
  memory->append(bytes.data(), bytes.size());
  Row copied;
  Row shared;
  const bool decoded = DecodeValues(*memory, &copied);
  Decoder decoder(*memory, memory);
  FUZZ_CHECK((decoder.Get(&shared) && decoder.remaining() == 0) == decoded);
  if (!decoded) return;
  FUZZ_CHECK(shared == copied);
  FUZZ_CHECK(std::get<0>(shared).chunk_begin()->data() > memory->data());
  std::string packed;
  FUZZ_CHECK(EncodeValues(&packed, copied).ok());
  std::string rest;
  absl::Cord great;
  FUZZ_CHECK(EncodeShared(&rest, &great, shared).ok());
  FUZZ_CHECK(rest.empty() && great == packed);
}

using Check = void (*)(absl::string_view bytes);

constexpr Check kChecks[] = {
    CheckDecode<bool>,
    CheckDecode<int8_t>,
    CheckDecode<uint16_t>,
    CheckDecode<int32_t>,
    CheckDecode<uint64_t>,
    CheckDecode<int64_t>,
    CheckDecode<char>,
    CheckDecode<Colour>,
    CheckDecode<float>,
    CheckDecode<double>,
    CheckDecode<std::string>,
    CheckDecode<absl::Duration>,
    CheckDecode<absl::Time>,
    CheckDecode<Point>,
    CheckDecode<TaskRequest>,
    CheckDecode<TaskFailure>,
    CheckDecode<absl::Status>,
    CheckDecode<absl::StatusOr<std::string>>,
    CheckDecode<std::optional<std::optional<int32_t>>>,
    CheckDecode<std::pair<std::string, absl::Duration>>,
    CheckDecode<std::tuple<bool, float, std::vector<std::string>>>,
    CheckDecode<std::array<std::array<int16_t, 2>, 3>>,
    CheckDecode<std::vector<bool>>,
    CheckDecode<std::vector<double>>,
    CheckDecode<std::vector<std::vector<std::vector<int32_t>>>>,
    CheckDecode<std::vector<std::array<std::string, 4>>>,
    CheckDecode<std::vector<std::optional<StatusProto>>>,
    CheckDecode<std::vector<absl::StatusOr<Point>>>,
    CheckDecode<std::map<std::string, std::vector<absl::Time>>>,
    CheckDecode<std::map<int8_t, std::map<bool, Colour>>>,
    CheckDecode<std::unordered_map<std::string, int32_t>>,
    CheckDecode<absl::Cord>,
    CheckShared,
};

// ---- Errors ----

void CheckStatus(absl::string_view bytes) {
  StatusProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return;
  }
  const absl::Status status = StatusFromProto(proto);
  FUZZ_CHECK(!status.ok());
  FUZZ_CHECK(StatusFromProto(StatusToProto(status)) == status);
  FUZZ_CHECK(!(IsTaskError(status) && GetTaskFailure(status).has_value()));
}

void CheckItemErrors(absl::string_view bytes) {
  absl::string_view rest = bytes;
  std::vector<ItemError> errors;
  if (!TakeItemErrors(&rest, &errors)) return;
  std::string again(rest);
  AppendItemErrors(errors, &again);
  absl::string_view rest_again = again;
  std::vector<ItemError> errors_again;
  FUZZ_CHECK(TakeItemErrors(&rest_again, &errors_again));
  FUZZ_CHECK(rest_again == rest);
  FUZZ_CHECK(errors_again.size() == errors.size());
  for (size_t i = 0; i < errors.size(); ++i) {
    FUZZ_CHECK(!errors[i].status.ok());
    FUZZ_CHECK(errors_again[i].index == errors[i].index);
    FUZZ_CHECK(errors_again[i].status == errors[i].status);
  }
}

// ---- Calls ----

int num_calls = 0;

std::string Join(const std::vector<std::string>& words, int32_t count) {
  ++num_calls;
  std::string text;
  for (const std::string& word : words) text += word;
  if (count < 0) throw std::invalid_argument("a negative count");
  return text;
}
MULTIPROC_FUNCTION(Join);

absl::StatusOr<uint8_t> Half(uint8_t number) {
  ++num_calls;
  if (number % 2 == 1) return absl::OutOfRangeError("odd");
  return static_cast<uint8_t>(number / 2);
}
MULTIPROC_FUNCTION(Half);

void Nothing() { ++num_calls; }
MULTIPROC_FUNCTION(Nothing);

void CheckOneCall(const FunctionCall& call) {
  const absl::Status check = CheckCall(call);
  num_calls = 0;
  std::string result;
  bool own_error = false;
  const absl::Status run = RunCall(call, &result, &own_error);
  FUZZ_CHECK(num_calls <= 1);
  if (!check.ok()) {
    FUZZ_CHECK(run == check);
    FUZZ_CHECK(num_calls == 0);
  } else if (!run.ok() && !own_error) {
    FUZZ_CHECK(absl::IsInvalidArgument(run));
    FUZZ_CHECK(num_calls == 0);
  } else {
    FUZZ_CHECK(num_calls == 1);
  }
}

// All of them are run, or have an error that says why not.
void CheckRow(const FunctionCall& call, uint64_t count) {
  num_calls = 0;
  std::string result;
  bool own_error = false;
  const size_t heap = HeapBytes();
  const absl::Status run =
      RunCall(call, count, PackedBytes(call.arguments()), &result, &own_error);
  FUZZ_CHECK(HeapBytes() <= heap + 2000 * call.arguments().size() + 10000);
  FUZZ_CHECK(!own_error);
  if (!run.ok()) return;
  absl::string_view rest = result;
  std::vector<ItemError> errors;
  FUZZ_CHECK(TakeItemErrors(&rest, &errors));
  FUZZ_CHECK(errors.empty() || errors.back().index < count);
  FUZZ_CHECK(static_cast<uint64_t>(num_calls) <= count);
  // The function's own errors, and the results.
  size_t own = 0;
  for (const ItemError& error : errors) own += IsTaskError(error.status);
  FUZZ_CHECK(static_cast<size_t>(num_calls) >= own);
}

// Calls of `fn` without arguments: one, and one that goes on behind errors.
template <typename F>
void AddCalls(F fn, std::vector<FunctionCall>* calls) {
  const function_internal::Registration* const function =
      *function_internal::FindRegistration(function_internal::KeyOf(fn));
  calls->push_back(ToProto({function, ""}));
  calls->push_back(ToProto({function->continuing, ""}));
}

std::vector<FunctionCall> MakeCalls() {
  std::vector<FunctionCall> calls;
  AddCalls(Join, &calls);
  AddCalls(Half, &calls);
  AddCalls(Nothing, &calls);
  return calls;
}

FunctionCall MakeAnyCall(FuzzInput& in) {
  static const auto* const calls = new std::vector<FunctionCall>(MakeCalls());
  const uint8_t what = in.Byte();
  FunctionCall call;
  if (what < 0xc0) {
    call = (*calls)[what % calls->size()];
    call.set_arguments(std::string(in.Rest()));
  } else {
    const absl::string_view bytes = in.Rest();
    call.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
  return call;
}

}  // namespace
}  // namespace multiproc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace multiproc;  // NOLINT(build/namespaces)
  FuzzInput in(data, size);
  constexpr size_t kNumChecks = std::size(kChecks);
  const size_t what = in.Byte();
  if (what < 0x80) {
    kChecks[what % kNumChecks](in.Rest());
  } else if (what < 0xa0) {
    CheckStatus(in.Rest());
  } else if (what < 0xc0) {
    CheckItemErrors(in.Rest());
  } else if (what < 0xe0) {
    CheckOneCall(MakeAnyCall(in));
  } else {
    const uint64_t count = in.Number(what < 0xf0 ? 20 : ~uint64_t{0});
    if (count > 1) CheckRow(MakeAnyCall(in), count);
  }
  return 0;
}
