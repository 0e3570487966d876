#include "multiproc/functions/codec.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multiproc/proto/task.pb.h"

namespace multiproc {

// A user's own types.
struct Point {
  int x = 0;
  int y = 0;
};
bool operator==(const Point& a, const Point& b) {
  return a.x == b.x && a.y == b.y;
}

template <>
struct Codec<Point> {
  static std::string TypeName() { return "Point"; }
  static void Encode(const Point& p, Encoder& out) { out.Put(p.x, p.y); }
  static bool Decode(Decoder& in, Point* p) { return in.Get(&p->x, &p->y); }
};

// Its default is not empty.
struct Defaults {
  Defaults() { message.set_worker_pid(4); }

  std::string text = "default";
  std::optional<int> optional = 1;
  std::vector<int> vector = {2};
  std::map<int, int> map = {{1, 3}, {2, 4}};
  TaskFailure message;
};

template <>
struct Codec<Defaults> {
  static std::string TypeName() { return "Defaults"; }
  static void Encode(const Defaults& d, Encoder& out) {
    out.Put(d.text, d.optional, d.vector, d.map, d.message);
  }
  static bool Decode(Decoder& in, Defaults* d) {
    return in.Get(&d->text, &d->optional, &d->vector, &d->map, &d->message);
  }
};

// Can't be packed.
struct Unpackable {
  std::string reason;
};

template <>
struct Codec<Unpackable> {
  static std::string TypeName() { return "Unpackable"; }
  static void Encode(const Unpackable& u, Encoder& out) { out.Fail(u.reason); }
  static bool Decode(Decoder&, Unpackable*) { return false; }
};

namespace {

using ::testing::HasSubstr;

template <typename T>
std::string Encoded(const T& value) {
  std::string bytes;
  const absl::Status status = EncodeValues(&bytes, value);
  EXPECT_TRUE(status.ok()) << status;
  return bytes;
}

// Decodes from a copy that ends where its allocation ends, so that the address
// sanitizer finds a read behind it.
template <typename T>
bool DecodeExactly(absl::string_view bytes, T* value) {
  const auto copy = std::make_unique<char[]>(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return DecodeValues(absl::string_view(copy.get(), bytes.size()), value);
}

// `value` after packing and unpacking. Fewer bytes than that, and more, must
// be refused.
template <typename T>
T RoundTripped(const T& value) {
  const std::string bytes = Encoded(value);
  for (size_t size = 0; size < bytes.size(); ++size) {
    T truncated{};
    EXPECT_FALSE(
        DecodeExactly(absl::string_view(bytes).substr(0, size), &truncated))
        << "decoded from " << size << " of " << bytes.size() << " bytes";
  }
  T trailing{};
  EXPECT_FALSE(DecodeExactly(bytes + '\0', &trailing)) << "a byte too many";
  T decoded{};
  EXPECT_TRUE(DecodeExactly(bytes, &decoded));
  return decoded;
}

template <typename T>
void ExpectSurvives(const T& value) {
  EXPECT_EQ(RoundTripped(value), value);
}

template <typename T>
class IntegerCodecTest : public ::testing::Test {};

using Integers =
    ::testing::Types<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                     uint32_t, uint64_t, char, long,  // NOLINT(runtime/int)
                     unsigned long long,              // NOLINT(runtime/int)
                     wchar_t, char16_t>;
TYPED_TEST_SUITE(IntegerCodecTest, Integers);

TYPED_TEST(IntegerCodecTest, ExtremesAndTheirNeighboursSurvive) {
  constexpr TypeParam kMin = std::numeric_limits<TypeParam>::min();
  constexpr TypeParam kMax = std::numeric_limits<TypeParam>::max();
  for (const TypeParam value :
       {kMin, static_cast<TypeParam>(kMin + 1), static_cast<TypeParam>(-1),
        TypeParam{0}, TypeParam{1}, static_cast<TypeParam>(kMax - 1), kMax}) {
    ExpectSurvives(value);
  }
}

TYPED_TEST(IntegerCodecTest, EveryPowerOfTwoSurvives) {
  for (int bit = 0; bit < std::numeric_limits<TypeParam>::digits; ++bit) {
    const auto power = static_cast<TypeParam>(uint64_t{1} << bit);
    ExpectSurvives(power);
    ExpectSurvives(static_cast<TypeParam>(0 - power));
  }
}

template <typename T>
class NarrowIntegerCodecTest : public ::testing::Test {};

using NarrowIntegers =
    ::testing::Types<int8_t, int16_t, int32_t, uint8_t, uint16_t, uint32_t>;
TYPED_TEST_SUITE(NarrowIntegerCodecTest, NarrowIntegers);

TYPED_TEST(NarrowIntegerCodecTest, NumberThatDoesNotFitIsRefused) {
  using Wide =
      std::conditional_t<std::is_signed_v<TypeParam>, int64_t, uint64_t>;
  const Wide too_large = Wide{std::numeric_limits<TypeParam>::max()} + 1;
  TypeParam value = 7;
  EXPECT_FALSE(DecodeValues(Encoded(too_large), &value));
  EXPECT_FALSE(DecodeValues(Encoded(std::numeric_limits<Wide>::max()), &value));
  if (std::is_signed_v<TypeParam>) {
    EXPECT_FALSE(DecodeValues(
        Encoded(static_cast<Wide>(Wide{std::numeric_limits<TypeParam>::min()} -
                                  Wide{1})),
        &value));
    EXPECT_FALSE(
        DecodeValues(Encoded(std::numeric_limits<Wide>::min()), &value));
  }
  EXPECT_EQ(value, 7) << "a refused number was stored";
  EXPECT_TRUE(DecodeValues(Encoded(static_cast<Wide>(too_large - 1)), &value));
  EXPECT_EQ(value, std::numeric_limits<TypeParam>::max());
}

enum Weekday { kMonday, kSunday = 6 };
enum class Signed : int8_t { kLeast = -128, kMost = 127 };
enum class Huge : uint64_t { kMost = ~uint64_t{0} };

TEST(CodecTest, BoolsSurvive) {
  ExpectSurvives(true);
  ExpectSurvives(false);
}

TEST(CodecTest, BoolOfTwoIsRefused) {
  bool value = false;
  EXPECT_FALSE(DecodeValues("\x02", &value));
}

TEST(CodecTest, EnumsSurvive) {
  ExpectSurvives(kMonday);
  ExpectSurvives(kSunday);
  ExpectSurvives(Signed::kLeast);
  ExpectSurvives(Signed::kMost);
  ExpectSurvives(Huge::kMost);
}

TEST(CodecTest, NumberTooLargeForTheEnumIsRefused) {
  Signed value = Signed::kMost;
  EXPECT_FALSE(DecodeValues(Encoded(128), &value));
  EXPECT_TRUE(DecodeValues(Encoded(-128), &value));
  EXPECT_EQ(value, Signed::kLeast);
}

template <typename T>
class FloatCodecTest : public ::testing::Test {};

using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FloatCodecTest, Floats);

TYPED_TEST(FloatCodecTest, ExtremesSurvive) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam value :
       {TypeParam{0}, TypeParam{1.5}, Limits::min(), Limits::max(),
        Limits::lowest(), Limits::denorm_min(), Limits::epsilon(),
        Limits::infinity(), -Limits::infinity()}) {
    ExpectSurvives(value);
  }
}

TYPED_TEST(FloatCodecTest, NegativeZeroKeepsItsSign) {
  const TypeParam zero = RoundTripped(-TypeParam{0});
  EXPECT_EQ(zero, 0);
  EXPECT_TRUE(std::signbit(zero));
}

TYPED_TEST(FloatCodecTest, NanKeepsItsBits) {
  const TypeParam nan = -std::numeric_limits<TypeParam>::quiet_NaN();
  const TypeParam decoded = RoundTripped(nan);
  EXPECT_TRUE(std::isnan(decoded));
  EXPECT_EQ(std::memcmp(&decoded, &nan, sizeof(nan)), 0);
}

TEST(CodecTest, StringsSurvive) {
  ExpectSurvives(std::string());
  ExpectSurvives(std::string("plain"));
  ExpectSurvives(std::string("\0a\0", 3));
  ExpectSurvives(std::string("\xff\xfe no UTF-8"));
  // Lengths around the first that takes two bytes.
  for (const size_t size : {127, 128, 129}) {
    ExpectSurvives(std::string(size, 'x'));
  }
}

TEST(CodecTest, CordsSurvive) {
  ExpectSurvives(absl::Cord());
  ExpectSurvives(absl::Cord(std::string("\0a\xff", 3)));
  for (const size_t size : {kGreatBytes - 1, kGreatBytes, 5 * kGreatBytes}) {
    const std::vector<absl::Cord> cords(3, absl::Cord(std::string(size, 'x')));
    const std::string bytes = Encoded(cords);
    std::vector<absl::Cord> decoded;
    EXPECT_TRUE(DecodeValues(bytes, &decoded));
    EXPECT_EQ(decoded, cords);
    const absl::string_view prefix(bytes.data(), bytes.size() - 1);
    EXPECT_FALSE(DecodeValues(prefix, &decoded));
  }
}

TEST(CodecTest, ACordIsPackedAsAString) {
  for (const size_t size : {size_t{0}, size_t{200}, 2 * kGreatBytes}) {
    const std::string text(size, 'x');
    absl::Cord great;
    std::string as_cord;
    ASSERT_TRUE(EncodeShared(&as_cord, &great, 7, absl::Cord(text), 8).ok());
    std::string as_string;
    ASSERT_TRUE(EncodeValues(&as_string, 7, text, 8).ok());
    EXPECT_EQ(great.empty(), size < kGreatBytes);
    EXPECT_EQ(as_cord.empty(), size >= kGreatBytes);
    EXPECT_TRUE(std::string(great) + as_cord == as_string);
  }
}

TEST(CodecTest, ProtobufMessagesSurvive) {
  TaskFailure failure;
  failure.set_task_id(~uint64_t{0});
  failure.set_function("Render");
  failure.set_worker_pid(-1);
  failure.set_signal(9);
  const TaskFailure decoded = RoundTripped(failure);
  EXPECT_EQ(decoded.SerializeAsString(), failure.SerializeAsString());
  EXPECT_FALSE(decoded.has_exit_code());
}

TEST(CodecTest, EmptyProtobufMessageSurvives) {
  EXPECT_EQ(RoundTripped(StatusProto()).SerializeAsString(), "");
}

TEST(CodecTest, MalformedProtobufMessageIsRefused) {
  std::string bytes;
  Encoder encoder(&bytes);
  // Field 2 with 100 bytes, of which none follow.
  encoder.PutSized("\x12\x64");
  StatusProto proto;
  EXPECT_FALSE(DecodeValues(bytes, &proto));
}

TEST(CodecTest, DurationsSurvive) {
  const absl::Duration tick = absl::Nanoseconds(1) / 4;
  const absl::Duration longest =
      absl::Seconds(std::numeric_limits<int64_t>::max()) + absl::Seconds(1) -
      tick;
  for (const absl::Duration value :
       {absl::ZeroDuration(), tick, absl::Nanoseconds(1),
        absl::Seconds(1) - tick, absl::Seconds(1), absl::Hours(1) + tick,
        absl::Seconds(std::numeric_limits<int64_t>::max()), longest,
        absl::InfiniteDuration()}) {
    ExpectSurvives(value);
    ExpectSurvives(-value);
  }
  ExpectSurvives(absl::Seconds(std::numeric_limits<int64_t>::min()));
}

TEST(CodecTest, NegativeFractionsOfDurationsSurvive) {
  ExpectSurvives(absl::Milliseconds(-1500));
  ExpectSurvives(absl::Nanoseconds(-1));
  ExpectSurvives(absl::Nanoseconds(-1) / 4);
  ExpectSurvives(absl::Seconds(-1) - absl::Nanoseconds(3) / 4);
}

TEST(CodecTest, TimesSurvive) {
  for (const absl::Time value :
       {absl::UnixEpoch(), absl::UnixEpoch() - absl::Nanoseconds(1) / 4,
        absl::FromUnixNanos(1234567890123456789), absl::UniversalEpoch(),
        absl::InfinitePast(), absl::InfiniteFuture()}) {
    ExpectSurvives(value);
  }
}

TEST(CodecTest, OptionalsSurvive) {
  ExpectSurvives(std::optional<int>());
  ExpectSurvives(std::optional<int>(0));
  ExpectSurvives(std::optional<std::string>(""));
}

TEST(CodecTest, NestedOptionalsAreToldApart) {
  using Nested = std::optional<std::optional<int>>;
  ExpectSurvives(Nested());
  ExpectSurvives(Nested(std::optional<int>()));
  ExpectSurvives(Nested(std::optional<int>(-5)));
}

TEST(CodecTest, PairsTuplesAndArraysSurvive) {
  ExpectSurvives(std::pair<int, std::string>(-1, "one"));
  ExpectSurvives(std::tuple<bool>(true));
  ExpectSurvives(std::tuple<int8_t, double, std::string>(-128, 0.5, ""));
  ExpectSurvives(std::array<int, 3>{1, -2, 3});
}

TEST(CodecTest, VectorsSurvive) {
  ExpectSurvives(std::vector<int>());
  ExpectSurvives(std::vector<int>{0, -1, 1});
  ExpectSurvives(std::vector<std::string>{"", "a", std::string("\0", 1)});
  ExpectSurvives(std::vector<int>(300, -70000));
}

TEST(CodecTest, VectorsOfBoolSurvive) {
  ExpectSurvives(std::vector<bool>{});
  ExpectSurvives(std::vector<bool>{true, false, false, true, true});
}

TEST(CodecTest, MapsSurvive) {
  ExpectSurvives(std::map<std::string, int>{});
  ExpectSurvives(std::map<std::string, int>{{"", 0}, {"a", -1}, {"b", 1}});
  ExpectSurvives(std::unordered_map<int, std::string>{{1, "x"}, {-1, ""}});
}

TEST(CodecTest, NestedContainersSurvive) {
  ExpectSurvives(
      std::map<std::string,
               std::vector<std::optional<std::pair<int, std::string>>>>{
          {"none", {}},
          {"some", {std::nullopt, std::make_pair(-1, "x"), std::nullopt}}});
  ExpectSurvives(std::vector<std::vector<std::vector<bool>>>{
      {}, {{}, {true}}, {{false, true}}});
  ExpectSurvives(std::array<std::vector<absl::Duration>, 2>{
      {{absl::InfiniteDuration()}, {absl::Nanoseconds(-1)}}});
}

TEST(CodecTest, UsersOwnTypeSurvives) {
  ExpectSurvives(Point{-3, 4});
  ExpectSurvives(std::vector<Point>{{1, 2}, {3, 4}});
  ExpectSurvives(std::map<int, std::optional<Point>>{{1, Point{5, 6}}});
}

TEST(CodecTest, ValuesInARowSurvive) {
  std::string bytes;
  ASSERT_TRUE(EncodeValues(&bytes, 1, std::string("two"), 3.0).ok());
  int one = 0;
  std::string two;
  double three = 0;
  ASSERT_TRUE(DecodeValues(bytes, &one, &two, &three));
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, "two");
  EXPECT_EQ(three, 3.0);
}

TEST(CodecTest, NoValuesAreNoBytes) {
  std::string bytes;
  ASSERT_TRUE(EncodeValues(&bytes).ok());
  EXPECT_EQ(bytes, "");
  EXPECT_TRUE(DecodeValues(""));
  EXPECT_FALSE(DecodeValues("x"));
}

TEST(CodecTest, EncodingIsAppended) {
  std::string bytes = "before";
  ASSERT_TRUE(EncodeValues(&bytes, std::string("x")).ok());
  EXPECT_EQ(bytes, "before\x01x");
}

TEST(CodecTest, DecodeReplacesDefaultsOfAUsersType) {
  Defaults empty;
  empty.text.clear();
  empty.optional.reset();
  empty.vector.clear();
  empty.map.clear();
  empty.message.Clear();
  const Defaults decoded = RoundTripped(empty);
  EXPECT_EQ(decoded.text, "");
  EXPECT_EQ(decoded.optional, std::nullopt);
  EXPECT_TRUE(decoded.vector.empty());
  EXPECT_TRUE(decoded.map.empty());
  EXPECT_EQ(decoded.message.worker_pid(), 0);

  Defaults other;
  other.vector = {7};
  other.map = {{1, 5}};
  EXPECT_EQ(RoundTripped(other).vector, std::vector<int>{7});
  EXPECT_EQ(RoundTripped(other).map, (std::map<int, int>{{1, 5}}));
}

TEST(CodecTest, TypeNamesTellTypesApart) {
  EXPECT_EQ(Codec<int>::TypeName(), "int32");
  EXPECT_EQ(Codec<uint8_t>::TypeName(), "uint8");
  EXPECT_EQ(Codec<absl::Cord>::TypeName(), Codec<std::string>::TypeName());
  EXPECT_EQ(Codec<Signed>::TypeName(), "enum:int8");
  EXPECT_EQ(Codec<TaskFailure>::TypeName(), "multiproc.TaskFailure");
  EXPECT_EQ((Codec<std::map<std::string, std::vector<Point>>>::TypeName()),
            "map<string,vector<Point>>");
  EXPECT_EQ((Codec<std::tuple<bool, float, std::array<double, 2>>>::TypeName()),
            "tuple<bool,float,array<double,2>>");
  EXPECT_EQ((Codec<std::unordered_map<int64_t, absl::Time>>::TypeName()),
            "unordered_map<int64,time>");
  EXPECT_EQ(
      (Codec<std::pair<absl::Duration, std::optional<char16_t>>>::TypeName()),
      "pair<duration,optional<uint16>>");
}

TEST(EncoderTest, FirstFailureIsKept) {
  std::string bytes;
  const absl::Status status = EncodeValues(&bytes, 1, Unpackable{"no way"}, 2,
                                           Unpackable{"another way"});
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(status.message(), "no way");
}

TEST(EncoderTest, FailureInsideAContainerFailsTheWhole) {
  std::string bytes;
  const absl::Status status =
      EncodeValues(&bytes, std::vector<Unpackable>{{"deep inside"}});
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("deep inside"));
}

TEST(DecoderTest, VarintsTakeTenBytesAtMost) {
  std::string bytes(9, '\xff');
  uint64_t value = 0;
  ASSERT_TRUE(Decoder(bytes + '\x01').GetVarint(&value));
  EXPECT_EQ(value, ~uint64_t{0});
  EXPECT_FALSE(Decoder(bytes + '\x02').GetVarint(&value)) << "65 bits";
  EXPECT_FALSE(Decoder(bytes + "\x80\x01").GetVarint(&value)) << "11 bytes";
}

TEST(DecoderTest, GetStopsAtTheFirstMalformedValue) {
  std::string bytes = Encoded(1);
  bytes += '\x02';  // No bool.
  bytes += Encoded(3);
  int first = 0;
  bool second = false;
  int third = 0;
  EXPECT_FALSE(DecodeValues(bytes, &first, &second, &third));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(third, 0);
}

TEST(DecoderTest, RemainingCountsDown) {
  Decoder decoder("\x02\x04xyz");
  EXPECT_EQ(decoder.remaining(), 5u);
  int number = 0;
  ASSERT_TRUE(decoder.Get(&number));
  EXPECT_EQ(decoder.remaining(), 4u);
  absl::string_view bytes;
  EXPECT_FALSE(decoder.GetBytes(5, &bytes));
  EXPECT_FALSE(decoder.GetBytes(~size_t{0}, &bytes));
  ASSERT_TRUE(decoder.GetBytes(4, &bytes));
  EXPECT_EQ(bytes, "\x04xyz");
  EXPECT_EQ(decoder.remaining(), 0u);
}

// A count of elements, and ten bytes that could be some of them.
std::string Announcing(uint64_t count) {
  std::string bytes;
  Encoder encoder(&bytes);
  encoder.PutVarint(count);
  encoder.PutBytes("\1\1\1\1\1\1\1\1\1\1");
  return bytes;
}

TEST(DecoderTest, HostileCountsAreRefusedBeforeAllocating) {
  for (const uint64_t count :
       {uint64_t{11}, uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 60,
        ~uint64_t{0}}) {
    const std::string bytes = Announcing(count);
    std::vector<int> vector;
    EXPECT_FALSE(DecodeExactly(bytes, &vector)) << count;
    EXPECT_EQ(vector.capacity(), 0u) << count;
    std::vector<bool> bools;
    EXPECT_FALSE(DecodeExactly(bytes, &bools)) << count;
    EXPECT_EQ(bools.capacity(), 0u) << count;
    std::map<int, int> map;
    EXPECT_FALSE(DecodeExactly(bytes, &map)) << count;
    EXPECT_TRUE(map.empty()) << count;
    std::string text;
    const size_t capacity = text.capacity();
    EXPECT_FALSE(DecodeExactly(bytes, &text)) << count;
    EXPECT_EQ(text.capacity(), capacity) << count;
    StatusProto message;
    EXPECT_FALSE(DecodeExactly(bytes, &message)) << count;
  }
}

TEST(DecoderTest, CountThatTheBytesCouldFillAllocatesAsElementsArrive) {
  // The first element, a fixed64, is there; the other 999 are not.
  std::string bytes;
  Encoder encoder(&bytes);
  encoder.PutVarint(1000);
  encoder.PutFixed(0, 8);
  encoder.PutBytes(std::string(1000, '\xff'));
  using Element = std::pair<double, std::string>;
  std::vector<Element> vector;
  EXPECT_FALSE(DecodeExactly(bytes, &vector));
  EXPECT_LT(vector.capacity(), 16u);
}

// Where random bytes can be decoded, what came out can be packed, and is the
// same after another round.
template <typename... T>
class RandomBytes {
 public:
  void Try(absl::string_view bytes) { (TryOne<T>(bytes), ...); }

  // How many inputs each type took.
  static constexpr size_t kTypes = sizeof...(T);
  const std::map<std::string, int>& taken() const { return taken_; }

 private:
  template <typename One>
  void TryOne(absl::string_view bytes) {
    One value{};
    if (!DecodeExactly(bytes, &value)) return;
    ++taken_[Codec<One>::TypeName()];
    const std::string packed = Encoded(value);
    One again{};
    ASSERT_TRUE(DecodeExactly(packed, &again)) << Codec<One>::TypeName();
    ASSERT_EQ(Encoded(again), packed) << Codec<One>::TypeName();
  }

  std::map<std::string, int> taken_;
};

TEST(DecoderTest, RandomBytesAreDecodedOrRefused) {
  RandomBytes<bool, int8_t, uint64_t, float, double, std::string, Huge,
              absl::Duration, absl::Time, StatusProto, std::vector<bool>,
              std::vector<std::string>, std::map<int, std::string>,
              std::optional<std::optional<int>>,
              std::tuple<int, std::vector<Point>>>
      random_bytes;
  constexpr int kInputs = 100000;
  std::mt19937 random(20240229);
  for (int i = 0; i < kInputs; ++i) {
    std::string bytes(random() % 24, '\0');
    // Half of them small numbers, which are counts and lengths that fit.
    const uint32_t bound = i % 2 == 0 ? 256 : 8;
    for (char& byte : bytes) byte = static_cast<char>(random() % bound);
    random_bytes.Try(bytes);
  }
  // Each type saw both kinds.
  EXPECT_EQ(random_bytes.taken().size(), random_bytes.kTypes);
  for (const auto& [type, taken] : random_bytes.taken()) {
    EXPECT_GT(taken, 100) << type;
    EXPECT_LT(taken, kInputs) << type;
  }
}

}  // namespace
}  // namespace multiproc
