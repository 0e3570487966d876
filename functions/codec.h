// Packs values into bytes and back: the arguments and results of functions that
// are called in another process.
//
// Supported: bool, integers, enums, float, double, std::string, absl::Cord,
// protobuf messages, absl::Duration and absl::Time, and std::optional, pair,
// tuple, array, vector, map and unordered_map of supported types. A program
// adds a type of its own by specialising Codec<T>:
//
//   struct Point { int x = 0; int y = 0; };
//
//   template <>
//   struct multiproc::Codec<Point> {
//     static std::string TypeName() { return "Point"; }
//     static void Encode(const Point& p, Encoder& out) { out.Put(p.x, p.y); }
//     static bool Decode(Decoder& in, Point* p) {
//       return in.Get(&p->x, &p->y);
//     }
//   };
//
// Both sides are the same program, or at least programs with the same types:
// the bytes carry no tags, and are no format to store. A mismatch of types is
// found before decoding, by the fingerprint of the function's signature
// (function.h).

#ifndef MULTIPROC_FUNCTIONS_CODEC_H_
#define MULTIPROC_FUNCTIONS_CODEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"

namespace multiproc {

// How a `T` becomes bytes. Specialise it for types of your own; members as in
// the example above:
//   TypeName  the type's name, the same in every program that uses it.
//   Encode    appends the value to `out`, a byte at least: a vector's elements
//             are counted by their bytes, and so are the results of a MapAsync,
//             which would be DATA_LOSS. On a value that can't be packed, calls
//             out.Fail(reason).
//   Decode    reads what Encode wrote, all of it and no more, into `*value`,
//             which is default constructed before; false where the bytes are
//             malformed. That of a supported type replaces what was there: your
//             own type's default need not be empty.
template <typename T, typename Enable = void>
struct Codec {
  static_assert(sizeof(T) == 0,
                "this type has no Codec: specialise multiproc::Codec<T>, as at "
                "the top of multiproc/functions/codec.h");
};

// What is at least this long is great: to copy it costs more than to keep track
// of it.
inline constexpr size_t kGreatBytes = size_t{32} << 10;

// Appends packed values to a string. Not thread-safe.
class Encoder {
 public:
  // `out` is appended to, and must outlive the Encoder.
  explicit Encoder(std::string* out) : out_(out) {}
  // The same, which copies no great Cord: once there is one, all up to its end
  // is in `*great`, empty before, and what is behind it in `*out`. So what was
  // packed is `*great`, and then `*out`. Both must outlive the Encoder.
  Encoder(std::string* out, absl::Cord* great) : out_(out), great_(great) {}

  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Appends each of `values` by its Codec.
  template <typename... Ts>
  void Put(const Ts&... values) {
    (Codec<Ts>::Encode(values, *this), ...);
  }

  // The building blocks: a number in base 128, a number in `size` (4 or 8)
  // little-endian bytes, and raw bytes with nothing around them.
  void PutVarint(uint64_t value);
  void PutFixed(uint64_t value, int size);
  void PutBytes(absl::string_view bytes) {
    if (bytes.size() >= kGreatBytes) MakeRoomFor(bytes.size());
    out_->append(bytes.data(), bytes.size());
  }
  // Bytes behind their length.
  void PutSized(absl::string_view bytes) {
    PutVarint(bytes.size());
    PutBytes(bytes);
  }
  // The same of a Cord. One of 32 KiB or more is not copied, if this was made
  // with a Cord to put it in.
  void PutCord(const absl::Cord& bytes);
  void PutProto(const google::protobuf::MessageLite& message);

  // With a great Cord: what is behind the last goes to `*great`, too.
  void Finish();

  // Marks the whole as failed; the first reason is kept.
  void Fail(absl::string_view reason);

  // OK, or INVALID_ARGUMENT with the first reason given to Fail.
  const absl::Status& status() const { return status_; }

 private:
  // By memory that this thread has kept from a great string before.
  void MakeRoomFor(size_t size);

  std::string* const out_;
  absl::Cord* const great_ = nullptr;
  absl::Status status_;
};

// Reads packed values. Safe on any bytes: it never reads past the end, and
// never allocates more than the bytes that are there can fill. Not thread-safe.
class Decoder {
 public:
  // `bytes` must outlive the Decoder.
  explicit Decoder(absl::string_view bytes) : rest_(bytes) {}
  // The same of bytes that are there as long as `owner` is, or a copy of it:
  // great Cords point into them, and keep one. None if it is null.
  Decoder(absl::string_view bytes, std::shared_ptr<const void> owner)
      : rest_(bytes), owner_(std::move(owner)) {}

  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Reads each of `values` by its Codec, up to the first that is malformed.
  // False in that case.
  template <typename... Ts>
  bool Get(Ts*... values) {
    return (Codec<Ts>::Decode(*this, values) && ...);
  }

  // The counterparts of Encoder's building blocks. GetSized points into the
  // bytes that the Decoder was made with.
  bool GetVarint(uint64_t* value);
  bool GetFixed(int size, uint64_t* value);
  bool GetBytes(size_t size, absl::string_view* bytes);
  bool GetSized(absl::string_view* bytes);
  // What PutCord or PutSized wrote. One of 32 KiB or more is no copy, and keeps
  // all of the bytes, if they have an owner.
  bool GetCord(absl::Cord* bytes);
  // Not GetMessage, which windows.h has made a macro.
  bool GetProto(google::protobuf::MessageLite* message);
  // A number of elements that follow. Each takes a byte at least, so a number
  // greater than remaining() is malformed.
  bool GetCount(size_t* count);

  // How many bytes have not been read.
  size_t remaining() const { return rest_.size(); }

 private:
  absl::string_view rest_;
  const std::shared_ptr<const void> owner_;
};

// What was packed, as a Cord. The memory of a great string is not copied; and
// when the last Cord that has it goes, it is given to the next great string
// that this thread packs: to make a page of memory anew costs more than to copy
// it. One is kept for each thread, up to 4 MiB.
absl::Cord CordOfPacked(std::string bytes);

// Packs `values` in a row. INVALID_ARGUMENT where one of them can't be packed.
template <typename... Ts>
absl::Status EncodeValues(std::string* out, const Ts&... values) {
  Encoder encoder(out);
  encoder.Put(values...);
  return encoder.status();
}

// The same, without a copy of great Cords: if there are any, all of it is in
// `*great`, and `*out` is empty. Both are empty before.
template <typename... Ts>
absl::Status EncodeShared(std::string* out, absl::Cord* great,
                          const Ts&... values) {
  Encoder encoder(out, great);
  encoder.Put(values...);
  encoder.Finish();
  return encoder.status();
}

// Unpacks what EncodeValues packed; the bytes must end with the last value.
template <typename... Ts>
bool DecodeValues(absl::string_view bytes, Ts*... values) {
  Decoder decoder(bytes);
  return decoder.Get(values...) && decoder.remaining() == 0;
}

// ---- The supported types. Nothing below needs to be read to use them. ----

namespace codec_internal {

template <typename T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <typename T>
constexpr bool kIsMessage = std::is_base_of_v<google::protobuf::MessageLite, T>;

// Small negative numbers to small positive ones: 0, -1, 1, -2 to 0, 1, 2, 3.
inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^
         static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

template <typename Map>
void EncodeMap(const Map& map, Encoder& out) {
  out.PutVarint(map.size());
  for (const auto& [key, value] : map) out.Put(key, value);
}

template <typename Map>
bool DecodeMap(Decoder& in, Map* map) {
  size_t count = 0;
  if (!in.GetCount(&count)) return false;
  map->clear();
  for (size_t i = 0; i < count; ++i) {
    typename Map::key_type key{};
    typename Map::mapped_type value{};
    if (!in.Get(&key, &value)) return false;
    map->emplace(std::move(key), std::move(value));
  }
  return true;
}

}  // namespace codec_internal

template <>
struct Codec<bool> {
  static std::string TypeName() { return "bool"; }
  static void Encode(bool value, Encoder& out) { out.PutVarint(value); }
  static bool Decode(Decoder& in, bool* value) {
    uint64_t number = 0;
    if (!in.GetVarint(&number) || number > 1) return false;
    *value = number == 1;
    return true;
  }
};

// `long` and `int64_t` and so on are one type here if they are of one size.
template <typename T>
struct Codec<T, std::enable_if_t<codec_internal::kIsInteger<T>>> {
  static_assert(sizeof(T) <= 8, "multiproc packs integers of up to 64 bits");
  static std::string TypeName() {
    return absl::StrCat(std::is_signed_v<T> ? "int" : "uint", sizeof(T) * 8);
  }
  static void Encode(T value, Encoder& out) {
    if constexpr (std::is_signed_v<T>) {
      out.PutVarint(codec_internal::ZigZag(value));
    } else {
      out.PutVarint(value);
    }
  }
  static bool Decode(Decoder& in, T* value) {
    uint64_t number = 0;
    if (!in.GetVarint(&number)) return false;
    using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
    Wide wide;
    if constexpr (std::is_signed_v<T>) {
      wide = codec_internal::UnZigZag(number);
    } else {
      wide = number;
    }
    // In parentheses, as windows.h has macros of these names.
    if (wide < static_cast<Wide>((std::numeric_limits<T>::min)()) ||
        wide > static_cast<Wide>((std::numeric_limits<T>::max)())) {
      return false;
    }
    *value = static_cast<T>(wide);
    return true;
  }
};

template <typename T>
struct Codec<T, std::enable_if_t<std::is_enum_v<T>>> {
  using Number = std::underlying_type_t<T>;
  static std::string TypeName() {
    return absl::StrCat("enum:", Codec<Number>::TypeName());
  }
  static void Encode(T value, Encoder& out) {
    out.Put(static_cast<Number>(value));
  }
  static bool Decode(Decoder& in, T* value) {
    Number number{};
    if (!in.Get(&number)) return false;
    *value = static_cast<T>(number);
    return true;
  }
};

// IEEE 754 bits, so that NaNs and infinities survive.
template <typename T>
struct Codec<T, std::enable_if_t<std::is_floating_point_v<T>>> {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8,
                "multiproc packs float and double; long double differs from "
                "machine to machine: pass a double");
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  static std::string TypeName() { return sizeof(T) == 4 ? "float" : "double"; }
  static void Encode(T value, Encoder& out) {
    Bits bits;
    static_assert(sizeof(bits) == sizeof(value), "same bits");
    std::memcpy(&bits, &value, sizeof(bits));
    out.PutFixed(bits, sizeof(bits));
  }
  static bool Decode(Decoder& in, T* value) {
    uint64_t wide = 0;
    if (!in.GetFixed(sizeof(Bits), &wide)) return false;
    const Bits bits = static_cast<Bits>(wide);
    std::memcpy(value, &bits, sizeof(bits));
    return true;
  }
};

template <>
struct Codec<std::string> {
  static std::string TypeName() { return "string"; }
  static void Encode(const std::string& value, Encoder& out) {
    out.PutSized(value);
  }
  static bool Decode(Decoder& in, std::string* value) {
    absl::string_view bytes;
    if (!in.GetSized(&bytes)) return false;
    if (bytes.size() >= kHugeBytes) {
      AssignHuge(bytes, value);
    } else {
      value->assign(bytes.data(), bytes.size());
    }
    return true;
  }

 private:
  static constexpr size_t kHugeBytes = size_t{4} << 20;
  static void AssignHuge(absl::string_view bytes, std::string* value);
};

// As a string is packed. Great ones are not copied on their way: see
// docs/tasks.md.
template <>
struct Codec<absl::Cord> {
  static std::string TypeName() { return "string"; }
  static void Encode(const absl::Cord& value, Encoder& out) {
    out.PutCord(value);
  }
  static bool Decode(Decoder& in, absl::Cord* value) {
    return in.GetCord(value);
  }
};

template <typename T>
struct Codec<T, std::enable_if_t<codec_internal::kIsMessage<T>>> {
  static std::string TypeName() { return std::string(T().GetTypeName()); }
  static void Encode(const T& value, Encoder& out) { out.PutProto(value); }
  static bool Decode(Decoder& in, T* value) { return in.GetProto(value); }
};

template <>
struct Codec<absl::Duration> {
  static std::string TypeName() { return "duration"; }
  static void Encode(absl::Duration value, Encoder& out);
  static bool Decode(Decoder& in, absl::Duration* value);
};

template <>
struct Codec<absl::Time> {
  static std::string TypeName() { return "time"; }
  static void Encode(absl::Time value, Encoder& out) {
    out.Put(value - absl::UnixEpoch());
  }
  static bool Decode(Decoder& in, absl::Time* value) {
    absl::Duration since_epoch;
    if (!in.Get(&since_epoch)) return false;
    *value = absl::UnixEpoch() + since_epoch;
    return true;
  }
};

template <typename T>
struct Codec<std::optional<T>> {
  static std::string TypeName() {
    return absl::StrCat("optional<", Codec<T>::TypeName(), ">");
  }
  static void Encode(const std::optional<T>& value, Encoder& out) {
    out.Put(value.has_value());
    if (value.has_value()) out.Put(*value);
  }
  static bool Decode(Decoder& in, std::optional<T>* value) {
    bool has_value = false;
    if (!in.Get(&has_value)) return false;
    value->reset();
    if (!has_value) return true;
    T item{};
    if (!in.Get(&item)) return false;
    *value = std::move(item);
    return true;
  }
};

template <typename A, typename B>
struct Codec<std::pair<A, B>> {
  static std::string TypeName() {
    return absl::StrCat("pair<", Codec<A>::TypeName(), ",",
                        Codec<B>::TypeName(), ">");
  }
  static void Encode(const std::pair<A, B>& value, Encoder& out) {
    out.Put(value.first, value.second);
  }
  static bool Decode(Decoder& in, std::pair<A, B>* value) {
    return in.Get(&value->first, &value->second);
  }
};

// A tuple of nothing takes no byte, which GetCount could not bound.
template <typename T, typename... Ts>
struct Codec<std::tuple<T, Ts...>> {
  static std::string TypeName() {
    std::string name = absl::StrCat("tuple<", Codec<T>::TypeName());
    (absl::StrAppend(&name, ",", Codec<Ts>::TypeName()), ...);
    return name + ">";
  }
  static void Encode(const std::tuple<T, Ts...>& value, Encoder& out) {
    std::apply([&out](const auto&... items) { out.Put(items...); }, value);
  }
  static bool Decode(Decoder& in, std::tuple<T, Ts...>* value) {
    return std::apply([&in](auto&... items) { return in.Get(&items...); },
                      *value);
  }
};

template <typename T, size_t kSize>
struct Codec<std::array<T, kSize>> {
  static_assert(kSize > 0, "an array of nothing can't be packed");
  static std::string TypeName() {
    return absl::StrCat("array<", Codec<T>::TypeName(), ",", kSize, ">");
  }
  static void Encode(const std::array<T, kSize>& value, Encoder& out) {
    for (const T& element : value) out.Put(element);
  }
  static bool Decode(Decoder& in, std::array<T, kSize>* value) {
    for (T& element : *value) {
      if (!in.Get(&element)) return false;
    }
    return true;
  }
};

template <typename T>
struct Codec<std::vector<T>> {
  static std::string TypeName() {
    return absl::StrCat("vector<", Codec<T>::TypeName(), ">");
  }
  static void Encode(const std::vector<T>& value, Encoder& out) {
    out.PutVarint(value.size());
    // By value_type: the elements of vector<bool> are proxies.
    for (const auto& element : value) out.Put(static_cast<const T&>(element));
  }
  static bool Decode(Decoder& in, std::vector<T>* value) {
    size_t count = 0;
    if (!in.GetCount(&count)) return false;
    value->clear();
    // Not reserve(count): a T may be far larger than its packed byte.
    for (size_t i = 0; i < count; ++i) {
      T element{};
      if (!in.Get(&element)) return false;
      value->push_back(std::move(element));
    }
    return true;
  }
};

template <typename K, typename V>
struct Codec<std::map<K, V>> {
  static std::string TypeName() {
    return absl::StrCat("map<", Codec<K>::TypeName(), ",", Codec<V>::TypeName(),
                        ">");
  }
  static void Encode(const std::map<K, V>& value, Encoder& out) {
    codec_internal::EncodeMap(value, out);
  }
  static bool Decode(Decoder& in, std::map<K, V>* value) {
    return codec_internal::DecodeMap(in, value);
  }
};

template <typename K, typename V>
struct Codec<std::unordered_map<K, V>> {
  static std::string TypeName() {
    return absl::StrCat("unordered_map<", Codec<K>::TypeName(), ",",
                        Codec<V>::TypeName(), ">");
  }
  static void Encode(const std::unordered_map<K, V>& value, Encoder& out) {
    codec_internal::EncodeMap(value, out);
  }
  static bool Decode(Decoder& in, std::unordered_map<K, V>* value) {
    return codec_internal::DecodeMap(in, value);
  }
};

}  // namespace multiproc

#endif  // MULTIPROC_FUNCTIONS_CODEC_H_
