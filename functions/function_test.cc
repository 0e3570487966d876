#include "multiproc/functions/function.h"

#include <cstdint>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/functions/codec.h"
#include "multiproc/functions/item_errors.h"
#include "multiproc/functions/kept_by_process.h"
#include "multiproc/functions/packed_bytes.h"
#include "multiproc/functions/task_status.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// Packs, but for the value 13.
struct Picky {
  int value = 0;
};

template <>
struct Codec<Picky> {
  static std::string TypeName() { return "Picky"; }
  static void Encode(const Picky& picky, Encoder& out) {
    if (picky.value == 13) out.Fail("13 brings bad luck");
    out.Put(picky.value);
  }
  static bool Decode(Decoder& in, Picky* picky) {
    return in.Get(&picky->value);
  }
};

// Can't be unpacked if it is -1; its Codec throws at -2 there, and at -3 here.
struct Wary {
  int value = 0;
};

template <>
struct Codec<Wary> {
  static std::string TypeName() { return "Wary"; }
  static void Encode(const Wary& wary, Encoder& out) {
    if (wary.value == -3) throw std::out_of_range("wary of -3");
    out.Put(wary.value);
  }
  static bool Decode(Decoder& in, Wary* wary) {
    if (!in.Get(&wary->value)) return false;
    if (wary->value == -2) throw std::out_of_range("wary of -2");
    return wary->value != -1;
  }
};

namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What the last call did, for functions without a result.
int& LastSeen() {
  static int last_seen = 0;
  return last_seen;
}

void Remember(int value) { LastSeen() = value; }
MULTIPROC_FUNCTION(Remember);

int NoParameters() { return 42; }
MULTIPROC_FUNCTION(NoParameters);

double Halve(double value) { return value / 2; }
MULTIPROC_FUNCTION(Halve);

absl::Status PositiveOnly(int value) {
  if (value > 0) return absl::OkStatus();
  absl::Status status = absl::OutOfRangeError("not positive");
  status.SetPayload("example.com/value", absl::Cord(absl::StrCat(value)));
  return status;
}
MULTIPROC_FUNCTION(PositiveOnly);

absl::StatusOr<std::string> Digits(int value) {
  if (value < 0) {
    absl::Status status = absl::NotFoundError("no digits");
    status.SetPayload("example.com/value", absl::Cord(absl::StrCat(value)));
    return status;
  }
  return absl::StrCat(value);
}
MULTIPROC_FUNCTION(Digits);

size_t TotalSize(const std::string& a, absl::string_view b,
                 const absl::string_view& c, std::string d,
                 const std::vector<int>& e) {
  return a.size() + b.size() + c.size() + d.size() + e.size();
}
MULTIPROC_FUNCTION(TotalSize);

std::string Join(absl::string_view a, const std::string& b, std::string c) {
  return absl::StrCat(a, "|", b, "|", std::move(c));
}
MULTIPROC_FUNCTION(Join);

const std::string& Longer(const std::string& a, const std::string& b) {
  return a.size() > b.size() ? a : b;
}
MULTIPROC_FUNCTION(Longer);

int ThrowIfOdd(int value) {
  if (value % 2 == 0) return value;
  throw std::runtime_error(absl::StrCat(value, " is odd"));
}
MULTIPROC_FUNCTION(ThrowIfOdd);

std::map<std::string, int> Lengths(const std::vector<std::string>& words) {
  std::map<std::string, int> lengths;
  for (const std::string& word : words) {
    lengths[word] = static_cast<int>(word.size());
  }
  return lengths;
}
MULTIPROC_FUNCTION(Lengths);

int Increment(int value) noexcept { return value + 1; }
MULTIPROC_FUNCTION(Increment);

int Square(int value) { return value * value; }
std::string Square(const std::string& text) { return text + text; }
MULTIPROC_FUNCTION_AS("SquareInt", static_cast<int (*)(int)>(Square));
MULTIPROC_FUNCTION_AS("SquareString",
                      static_cast<std::string (*)(const std::string&)>(Square));

template <typename T>
T Twice(T value) {
  return value + value;
}
MULTIPROC_FUNCTION_AS("TwiceInt", Twice<int>);
MULTIPROC_FUNCTION_AS("TwiceString", Twice<std::string>);

int Unregistered(int value) { return value; }

int ClashA(int value) { return value; }
constexpr int kPlaceOfClashA = __LINE__ + 1;
MULTIPROC_FUNCTION_AS("Clash", ClashA);
int ClashB(int value) { return value + 1; }
constexpr int kPlaceOfClashB = __LINE__ + 1;
MULTIPROC_FUNCTION_AS("Clash", ClashB);

// One function under one name, said twice, as by a header in two files.
int Repeated(int value) { return value - 1; }
MULTIPROC_FUNCTION(Repeated);
MULTIPROC_FUNCTION(Repeated);

int ThrowRuntimeError() { throw std::runtime_error("out of cheese"); }
MULTIPROC_FUNCTION(ThrowRuntimeError);
void DoNothing() {}
MULTIPROC_FUNCTION(DoNothing);

void ThrowBadAlloc() { throw std::bad_alloc(); }
MULTIPROC_FUNCTION(ThrowBadAlloc);
absl::Status ThrowInt() { throw 5; }
MULTIPROC_FUNCTION(ThrowInt);

Picky MakePicky(int value) { return Picky{value}; }
MULTIPROC_FUNCTION(MakePicky);
absl::StatusOr<Picky> TryMakePicky(int value) { return Picky{value}; }
MULTIPROC_FUNCTION(TryMakePicky);
int TakePicky(const Picky& picky) { return picky.value; }
MULTIPROC_FUNCTION(TakePicky);

int TakeWary(const Wary& wary) { return wary.value; }
MULTIPROC_FUNCTION(TakeWary);
Wary MakeWary(int value) { return {value}; }
MULTIPROC_FUNCTION(MakeWary);

absl::Cord FirstOf(const absl::Cord& first, const std::string&) {
  return first;
}
MULTIPROC_FUNCTION(FirstOf);
std::vector<absl::Cord> Doubled(const absl::Cord& cord) { return {cord, cord}; }
MULTIPROC_FUNCTION(Doubled);

// What a worker finds out about a call.
struct Outcome {
  absl::Status status;
  std::string result;
  bool own_error = true;
};

Outcome RunHere(const FunctionCall& call) {
  Outcome outcome;
  outcome.status = RunCall(call, &outcome.result, &outcome.own_error);
  return outcome;
}

template <typename F, typename... Args>
Outcome CallHere(F fn, const Args&... args) {
  const absl::StatusOr<FunctionCall> call = MakeCall(fn, args...);
  EXPECT_TRUE(call.ok()) << call.status();
  if (!call.ok()) return {call.status(), "", false};
  EXPECT_TRUE(CheckCall(*call).ok()) << CheckCall(*call);
  return RunHere(*call);
}

template <typename F>
const function_internal::Registration* RegistrationOf(F fn) {
  return *function_internal::FindRegistration(function_internal::KeyOf(fn));
}

// Whether calls behind one that fails are run.
enum class Rest { kDropped, kRun };

// Many calls by one request.
template <typename F, typename T>
Outcome CallRowHere(F fn, Rest rest, const std::vector<T>& values) {
  const auto registration =
      function_internal::FindRegistration(function_internal::KeyOf(fn));
  EXPECT_TRUE(registration.ok()) << registration.status();
  PackedCall packed;
  packed.function =
      rest == Rest::kRun ? (*registration)->continuing : *registration;
  for (const T& value : values) {
    EXPECT_TRUE(EncodeValues(&packed.arguments, value).ok());
  }
  const std::string arguments = packed.arguments;
  const FunctionCall call = ToProto(std::move(packed));
  EXPECT_TRUE(CheckCall(call).ok()) << CheckCall(call);
  Outcome outcome;
  outcome.status =
      RunCall(call, values.size(), PackedBytes(absl::string_view(arguments)),
              &outcome.result, &outcome.own_error);
  return outcome;
}

struct RowOutcome {
  std::vector<int> results;
  std::vector<ItemError> errors;
};

RowOutcome Unpack(const Outcome& outcome) {
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  RowOutcome row;
  absl::string_view results = outcome.result;
  EXPECT_TRUE(TakeItemErrors(&results, &row.errors));
  Decoder decoder(results);
  while (decoder.remaining() > 0) {
    row.results.push_back(0);
    EXPECT_TRUE(decoder.Get(&row.results.back()));
  }
  return row;
}

template <typename T>
T ResultIn(const Outcome& outcome) {
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_FALSE(outcome.own_error);
  T value{};
  EXPECT_TRUE(DecodeValues(outcome.result, &value));
  return value;
}

FunctionCall CallNamed(const std::string& name) {
  FunctionCall call;
  call.set_function(name);
  return call;
}

TEST(FunctionTest, VoidFunctionRunsAndHasNoResult) {
  const Outcome outcome = CallHere(Remember, 17);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_FALSE(outcome.own_error);
  EXPECT_EQ(outcome.result, "");
  EXPECT_EQ(LastSeen(), 17);
}

TEST(FunctionTest, ValueIsReturned) {
  EXPECT_EQ(ResultIn<int>(CallHere(NoParameters)), 42);
  EXPECT_EQ(ResultIn<double>(CallHere(Halve, 3.0)), 1.5);
}

TEST(FunctionTest, OkStatusHasNoResult) {
  const Outcome outcome = CallHere(PositiveOnly, 1);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_FALSE(outcome.own_error);
  EXPECT_EQ(outcome.result, "");
}

TEST(FunctionTest, ValueOfStatusOrIsReturned) {
  EXPECT_EQ(ResultIn<std::string>(CallHere(Digits, 365)), "365");
}

TEST(FunctionTest, OwnErrorKeepsCodeMessageAndPayload) {
  for (const Outcome& outcome :
       {CallHere(PositiveOnly, -7), CallHere(Digits, -7)}) {
    EXPECT_TRUE(outcome.own_error);
    EXPECT_EQ(outcome.status.GetPayload("example.com/value"), "-7");
    EXPECT_EQ(outcome.result, "");
  }
  EXPECT_TRUE(absl::IsOutOfRange(CallHere(PositiveOnly, -7).status));
  EXPECT_EQ(CallHere(PositiveOnly, -7).status.message(), "not positive");
  EXPECT_TRUE(absl::IsNotFound(CallHere(Digits, -7).status));
  EXPECT_EQ(CallHere(Digits, -7).status.message(), "no digits");
}

TEST(FunctionTest, EveryKindOfParameterArrives) {
  EXPECT_EQ(ResultIn<std::string>(CallHere(Join, "a", "bb", "ccc")),
            "a|bb|ccc");
  EXPECT_EQ(ResultIn<size_t>(CallHere(TotalSize, "a", "bb", "ccc", "dddd",
                                      std::vector<int>(5))),
            15u);
}

TEST(FunctionTest, StringsMayHoldNuls) {
  const std::string nul("\0", 1);
  EXPECT_EQ(ResultIn<std::string>(CallHere(Join, nul, nul, nul)),
            std::string("\0|\0|\0", 5));
}

TEST(FunctionTest, ReferenceResultIsCopied) {
  EXPECT_EQ(ResultIn<std::string>(CallHere(Longer, "short", "longer")),
            "longer");
}

TEST(FunctionTest, ContainersArriveAndReturn) {
  const std::vector<std::string> words = {"one", "three"};
  EXPECT_EQ((ResultIn<std::map<std::string, int>>(CallHere(Lengths, words))),
            (std::map<std::string, int>{{"one", 3}, {"three", 5}}));
}

TEST(FunctionTest, ArgumentsAreConvertedAsInAPlainCall) {
  EXPECT_EQ(ResultIn<double>(CallHere(Halve, 3)), 1.5);
  EXPECT_EQ(ResultIn<double>(CallHere(Halve, 3.0f)), 1.5);
}

TEST(FunctionTest, EveryKindOfStringIsTakenAsAStringView) {
  const absl::string_view part = absl::string_view("abcdef").substr(1, 3);
  EXPECT_EQ(ResultIn<std::string>(CallHere(Join, part, "", "")), "bcd||");
  EXPECT_EQ(ResultIn<std::string>(CallHere(Join, std::string("s"), "", "")),
            "s||");
  EXPECT_EQ(ResultIn<std::string>(CallHere(Join, "literal", "", "")),
            "literal||");
}

TEST(FunctionTest, NoexceptFunctionRuns) {
  EXPECT_EQ(ResultIn<int>(CallHere(Increment, 1)), 2);
}

TEST(FunctionTest, OverloadsAreToldApart) {
  int (*const square_int)(int) = Square;
  std::string (*const square_string)(const std::string&) = Square;
  EXPECT_EQ(ResultIn<int>(CallHere(square_int, 5)), 25);
  EXPECT_EQ(ResultIn<std::string>(CallHere(square_string, "ab")), "abab");
  EXPECT_EQ(MakeCall(square_int, 5)->function(), "SquareInt");
  EXPECT_EQ(MakeCall(square_string, "ab")->function(), "SquareString");
}

TEST(FunctionTest, TemplatesAreToldApart) {
  EXPECT_EQ(ResultIn<int>(CallHere(Twice<int>, 5)), 10);
  EXPECT_EQ(ResultIn<std::string>(CallHere(Twice<std::string>, "5")), "55");
}

TEST(FunctionTest, CallSurvivesSerialization) {
  const absl::StatusOr<FunctionCall> call = MakeCall(Join, "a", "b", "\xff");
  ASSERT_TRUE(call.ok()) << call.status();
  FunctionCall received;
  ASSERT_TRUE(received.ParseFromString(call->SerializeAsString()));
  EXPECT_EQ(ResultIn<std::string>(RunHere(received)), "a|b|\xff");
}

TEST(FunctionTest, UnknownNameIsNotFound) {
  const FunctionCall call = CallNamed("NoSuchFunction");
  const Outcome outcome = RunHere(call);
  EXPECT_TRUE(absl::IsNotFound(outcome.status)) << outcome.status;
  EXPECT_THAT(outcome.status.message(),
              AllOf(HasSubstr("'NoSuchFunction'"), HasSubstr("alwayslink"),
                    HasSubstr("MULTIPROC_FUNCTION")));
  EXPECT_FALSE(outcome.own_error);
  EXPECT_EQ(CheckCall(call), outcome.status);
}

TEST(FunctionTest, UnregisteredPointerIsNotFound) {
  const absl::StatusOr<FunctionCall> call = MakeCall(Unregistered, 1);
  EXPECT_TRUE(absl::IsNotFound(call.status())) << call.status();
  EXPECT_THAT(call.status().message(), AllOf(HasSubstr("not registered"),
                                             HasSubstr("MULTIPROC_FUNCTION")));
  EXPECT_EQ(Unregistered(1), 1);
}

TEST(FunctionTest, NameGivenTwiceNamesBothPlaces) {
  const auto names_both_places =
      AllOf(HasSubstr("'Clash'"),
            HasSubstr(absl::StrCat("function_test.cc:", kPlaceOfClashA)),
            HasSubstr(absl::StrCat("function_test.cc:", kPlaceOfClashB)),
            HasSubstr("MULTIPROC_FUNCTION_AS"));
  for (const absl::Status& status :
       {MakeCall(ClashA, 1).status(), MakeCall(ClashB, 1).status(),
        CheckCall(CallNamed("Clash")), RunHere(CallNamed("Clash")).status}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(status.message(), names_both_places);
  }
  EXPECT_FALSE(RunHere(CallNamed("Clash")).own_error);
}

TEST(FunctionTest, RegisteringOneFunctionAgainIsHarmless) {
  EXPECT_EQ(ResultIn<int>(CallHere(Repeated, 5)), 4);
}

TEST(FunctionTest, CallWithOtherTypesIsRefused) {
  // As from a program where SquareInt takes a string.
  std::string (*const square_string)(const std::string&) = Square;
  absl::StatusOr<FunctionCall> call = MakeCall(square_string, "ab");
  ASSERT_TRUE(call.ok()) << call.status();
  call->set_function("SquareInt");
  const Outcome outcome = RunHere(*call);
  EXPECT_TRUE(absl::IsInvalidArgument(outcome.status)) << outcome.status;
  EXPECT_THAT(outcome.status.message(),
              AllOf(HasSubstr("'SquareInt'"), HasSubstr("int32(int32)"),
                    HasSubstr("function_test.cc:"),
                    HasSubstr("build both programs from the same source")));
  EXPECT_FALSE(outcome.own_error);
  EXPECT_EQ(CheckCall(*call), outcome.status);
}

TEST(FunctionTest, MalformedArgumentsAreRefused) {
  const absl::StatusOr<FunctionCall> good = MakeCall(Remember, 1);
  ASSERT_TRUE(good.ok()) << good.status();
  LastSeen() = 0;
  for (const std::string& arguments :
       {std::string(), good->arguments() + "x", std::string(11, '\xff')}) {
    FunctionCall call = *good;
    call.set_arguments(arguments);
    EXPECT_TRUE(CheckCall(call).ok()) << "only the run unpacks them";
    const Outcome outcome = RunHere(call);
    EXPECT_TRUE(absl::IsInvalidArgument(outcome.status)) << outcome.status;
    EXPECT_THAT(outcome.status.message(),
                AllOf(HasSubstr("'Remember'"),
                      HasSubstr("arguments can't be unpacked")));
    EXPECT_FALSE(outcome.own_error);
  }
  EXPECT_EQ(LastSeen(), 0) << "the function was called";
}

TEST(FunctionTest, ExceptionBecomesUnknownWithTypeAndText) {
  const Outcome outcome = CallHere(ThrowRuntimeError);
  EXPECT_TRUE(absl::IsUnknown(outcome.status)) << outcome.status;
  EXPECT_EQ(outcome.status.message(), "std::runtime_error: out of cheese");
  EXPECT_TRUE(outcome.own_error);
}

TEST(FunctionTest, BadAllocBecomesUnknown) {
  const Outcome outcome = CallHere(ThrowBadAlloc);
  EXPECT_TRUE(absl::IsUnknown(outcome.status)) << outcome.status;
  EXPECT_THAT(outcome.status.message(), HasSubstr("std::bad_alloc: "));
  EXPECT_TRUE(outcome.own_error);
}

TEST(FunctionTest, ThrownIntBecomesUnknown) {
  const Outcome outcome = CallHere(ThrowInt);
  EXPECT_TRUE(absl::IsUnknown(outcome.status)) << outcome.status;
  EXPECT_THAT(outcome.status.message(), HasSubstr("no std::exception"));
  EXPECT_TRUE(outcome.own_error);
}

TEST(FunctionTest, ResultThatCannotBePackedIsNoOwnError) {
  EXPECT_EQ(ResultIn<Picky>(CallHere(MakePicky, 12)).value, 12);
  for (const Outcome& outcome :
       {CallHere(MakePicky, 13), CallHere(TryMakePicky, 13)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(outcome.status)) << outcome.status;
    EXPECT_THAT(
        outcome.status.message(),
        AllOf(HasSubstr("MakePicky': "), HasSubstr("13 brings bad luck")));
    EXPECT_FALSE(outcome.own_error);
  }
}

TEST(FunctionTest, ArgumentThatCannotBePackedIsRefusedByTheCaller) {
  EXPECT_EQ(ResultIn<int>(CallHere(TakePicky, Picky{12})), 12);
  const absl::Status status = MakeCall(TakePicky, Picky{13}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("13 brings bad luck"));
}

// ---- Several calls by one request ----

TEST(FunctionRowTest, ResultsStandInARow) {
  for (const Rest rest : {Rest::kDropped, Rest::kRun}) {
    const RowOutcome row =
        Unpack(CallRowHere(Increment, rest, std::vector<int>{1, 2, 3}));
    EXPECT_THAT(row.results, ElementsAre(2, 3, 4));
    EXPECT_TRUE(row.errors.empty());
  }
}

TEST(FunctionRowTest, TheFirstErrorEndsARow) {
  const RowOutcome row = Unpack(
      CallRowHere(ThrowIfOdd, Rest::kDropped, std::vector<int>{2, 3, 4}));
  EXPECT_THAT(row.results, ElementsAre(2));
  ASSERT_EQ(row.errors.size(), 1u);
  EXPECT_EQ(row.errors[0].index, 1u);
  EXPECT_TRUE(IsTaskError(row.errors[0].status));
  EXPECT_EQ(row.errors[0].status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(std::string(row.errors[0].status.message()),
              HasSubstr("3 is odd"));
}

TEST(FunctionRowTest, AContinuingRowGoesOnBehindEachError) {
  const RowOutcome row = Unpack(
      CallRowHere(ThrowIfOdd, Rest::kRun, std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_THAT(row.results, ElementsAre(2, 4));
  ASSERT_EQ(row.errors.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(row.errors[i].index, 2 * i);
    EXPECT_TRUE(IsTaskError(row.errors[i].status));
  }
}

TEST(FunctionRowTest, CallsWithoutResultsHaveErrors) {
  const RowOutcome row =
      Unpack(CallRowHere(PositiveOnly, Rest::kRun, std::vector<int>{1, -2, 3}));
  EXPECT_TRUE(row.results.empty());
  ASSERT_EQ(row.errors.size(), 1u);
  EXPECT_EQ(row.errors[0].index, 1u);
  EXPECT_TRUE(absl::IsOutOfRange(row.errors[0].status));
  EXPECT_EQ(row.errors[0].status.GetPayload("example.com/value"), "-2");
}

TEST(FunctionRowTest, AResultThatCantBePackedIsNotTheFunctionsError) {
  const RowOutcome row =
      Unpack(CallRowHere(MakePicky, Rest::kRun, std::vector<int>{12, 13, 14}));
  EXPECT_THAT(row.results, ElementsAre(12, 14));
  ASSERT_EQ(row.errors.size(), 1u);
  EXPECT_EQ(row.errors[0].index, 1u);
  EXPECT_FALSE(IsTaskError(row.errors[0].status));
  EXPECT_TRUE(absl::IsInvalidArgument(row.errors[0].status));
  EXPECT_THAT(std::string(row.errors[0].status.message()),
              AllOf(HasSubstr("'MakePicky'"), HasSubstr("bad luck")));
}

// The second of four, by what its Codec says or throws.
TEST(FunctionRowTest, ArgumentsThatCantBeUnpackedCostNothingBeforeThem) {
  for (const int bad : {-1, -2}) {
    for (const Rest rest : {Rest::kDropped, Rest::kRun}) {
      const RowOutcome row = Unpack(
          CallRowHere(TakeWary, rest, std::vector<Wary>{{1}, {bad}, {3}, {4}}));
      EXPECT_THAT(row.results, ElementsAre(1));
      ASSERT_EQ(row.errors.size(), rest == Rest::kRun ? 3u : 1u);
      for (size_t i = 0; i < row.errors.size(); ++i) {
        const absl::Status& status = row.errors[i].status;
        EXPECT_EQ(row.errors[i].index, i + 1);
        EXPECT_FALSE(IsTaskError(status)) << status;
        EXPECT_EQ(status.code(), bad == -1 ? absl::StatusCode::kInvalidArgument
                                           : absl::StatusCode::kUnknown);
        EXPECT_THAT(std::string(status.message()), HasSubstr("'TakeWary'"));
      }
    }
  }
}

// It is known only when all have run.
TEST(FunctionRowTest, ArgumentsBehindTheLastCallFailTheRow) {
  for (const Rest rest : {Rest::kDropped, Rest::kRun}) {
    const Outcome outcome = CallRowHere(
        Increment, rest, std::vector<std::pair<int, int>>{{1, 2}, {3, 4}});
    EXPECT_TRUE(absl::IsInvalidArgument(outcome.status)) << outcome.status;
    EXPECT_FALSE(outcome.own_error);
  }
}

// Who runs them must not believe any number: it would run calls without
// parameters, or note what became of those that can't be run, for ever.
TEST(FunctionRowTest, MoreCallsThanTheirArgumentsHaveBytesAreNotRun) {
  for (const auto* const function :
       {RegistrationOf(DoNothing)->continuing,
        RegistrationOf(Increment)->continuing, RegistrationOf(DoNothing)}) {
    for (const auto& [arguments, count] :
         {std::pair<std::string, uint64_t>{"", 2},
          {std::string("\2\4\6"), 4},
          {std::string("\2\4\6"), uint64_t{1} << 62},
          {"", ~uint64_t{0}}}) {
      const FunctionCall call = ToProto({function, arguments});
      std::string result;
      bool own_error = true;
      const absl::Status status = RunCall(
          call, count, PackedBytes(call.arguments()), &result, &own_error);
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(function->name));
      EXPECT_FALSE(own_error);
      EXPECT_EQ(result, "");
    }
  }
}

// The packed form of `call`, in memory of its own.
PackedBytes BytesOf(const PackedCall& call) {
  PackedBytes bytes = PackedBytes::Allocate(call.size());
  char* end = bytes.data();
  for (const absl::string_view chunk : call.great_arguments.Chunks()) {
    end = std::copy(chunk.begin(), chunk.end(), end);
  }
  std::copy(call.arguments.begin(), call.arguments.end(), end);
  return bytes;
}

// How many bytes of `cord` are within `bytes`, and not copied from there.
size_t BytesWithin(absl::string_view bytes, const absl::Cord& cord) {
  size_t size = 0;
  for (const absl::string_view chunk : cord.Chunks()) {
    if (chunk.data() >= bytes.data() &&
        chunk.data() + chunk.size() <= bytes.data() + bytes.size()) {
      size += chunk.size();
    }
  }
  return size;
}

TEST(GreatCordTest, IsNotCopiedIntoACall) {
  const std::string text(kGreatBytes, 'g');
  const absl::Cord cord = absl::MakeCordFromExternal(text, [] {});
  const absl::StatusOr<PackedCall> call = PackCall(FirstOf, cord, "small");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->arguments, "");
  EXPECT_EQ(BytesWithin(text, call->great_arguments), text.size());
  std::string packed;
  ASSERT_TRUE(EncodeValues(&packed, text, std::string("small")).ok());
  EXPECT_TRUE(call->great_arguments == packed);
  EXPECT_EQ(call->size(), packed.size());
  EXPECT_EQ(ToProto(*call).arguments(), packed);
}

TEST(GreatCordTest, IsCopiedNowhereInAWorker) {
  const absl::Cord cord(std::string(3 * kGreatBytes, 'g'));
  const absl::StatusOr<PackedCall> packed = PackCall(Doubled, cord);
  ASSERT_TRUE(packed.ok()) << packed.status();
  PackedBytes arguments = BytesOf(*packed);
  const absl::string_view memory = arguments.view();
  FunctionCall call;
  call.set_function(packed->name());
  call.set_signature(packed->signature());
  std::string result;
  absl::Cord great_result;
  bool own_error = true;
  const absl::Status status = RunCall(call, 1, std::move(arguments), &result,
                                      &own_error, &great_result);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(result, "");
  EXPECT_EQ(BytesWithin(memory, great_result), 2 * cord.size());
  std::vector<absl::Cord> twice;
  EXPECT_TRUE(DecodeValues(std::string(great_result), &twice));
  EXPECT_THAT(twice, ElementsAre(cord, cord));
}

TEST(GreatCordTest, IsCopiedWhereNobodyAsksForMore) {
  const absl::Cord cord(std::string(kGreatBytes, 'g'));
  const Outcome outcome = CallHere(FirstOf, cord, "small");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  absl::Cord back;
  EXPECT_TRUE(DecodeValues(outcome.result, &back));
  EXPECT_EQ(back, cord);
}

TEST(GreatCordTest, OneBelowTheLimitGoesWithTheRest) {
  const absl::Cord cord(std::string(kGreatBytes - 1, 's'));
  const absl::StatusOr<PackedCall> call = PackCall(FirstOf, cord, "small");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_TRUE(call->great_arguments.empty());
  EXPECT_EQ(call->size(), call->arguments.size());
}

// And nobody else is given that memory meanwhile.
TEST(GreatCordTest, OutlivesWhatItWasUnpackedFrom) {
  const std::string text(kGreatBytes, 'g');
  absl::Cord cord;
  {
    PackedBytes bytes =
        BytesOf(*PackCall(FirstOf, absl::Cord(text), std::string("small")));
    Decoder decoder(bytes.view(), bytes.Share());
    std::string small;
    ASSERT_TRUE(decoder.Get(&cord, &small));
    EXPECT_EQ(small, "small");
    EXPECT_EQ(decoder.remaining(), 0);
  }
  const PackedBytes other = PackedBytes::Allocate(kGreatBytes);
  std::fill_n(other.data(), kGreatBytes, 'o');
  EXPECT_EQ(cord, text);
}

// Beside the values and the result it would be there in vain.
TEST(GreatStringTest, TheMemoryThatItCameInIsFreed) {
  constexpr size_t kSize = size_t{8} << 20;
  std::string (*const square)(const std::string&) = Square;
  const absl::StatusOr<PackedCall> call =
      PackCall(square, std::string(kSize, 's'));
  ASSERT_TRUE(call.ok()) << call.status();
  std::string result;
  bool own_error = false;
  EXPECT_TRUE(
      RunCall(ToProto(*call), 1, BytesOf(*call), &result, &own_error).ok());
  EXPECT_GT(result.size(), 2 * kSize);
  size_t size = kSize;
  EXPECT_EQ(TakeKeptByProcess(&size), nullptr);
}

TEST(FunctionTest, WhatACodecThrowsIsNotTheFunctionsError) {
  for (const Outcome& outcome :
       {CallHere(TakeWary, Wary{-2}), CallHere(MakeWary, -3)}) {
    EXPECT_EQ(outcome.status.code(), absl::StatusCode::kUnknown);
    EXPECT_THAT(std::string(outcome.status.message()), HasSubstr("wary"));
    EXPECT_FALSE(outcome.own_error);
  }
}

}  // namespace
}  // namespace multiproc
